"""The abuses, by what they do."""

from bench.fairness.target import Load

ABUSES: dict[str, Load] = {}
