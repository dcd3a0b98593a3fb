"""The buckets, in the store: all processes of all hosts take from the same ones, by the store's clock."""

from collections.abc import Sequence
from typing import NamedTuple

from app.limits.limits import Bucket
from postgres.connections import Pool
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Taking from a bucket."""

    take: Statement


SQL = Sql(__file__)


class Ask(NamedTuple):
    """How many are to be taken from a bucket."""

    bucket: Bucket
    amount: int


class Answer(NamedTuple):
    """Whether they were taken, and how many are in the bucket then; below 0 it is in debt."""

    granted: bool
    level: float


def take(pool: Pool, asks: Sequence[Ask]) -> list[Answer]:
    """Take from each bucket what is asked for, or nothing, in one round trip.

    Raises one of `postgres.errors.UNAVAILABLE`; then what was taken is lost, and comes in again with time.
    """
    # One after the other in an order that all keep, as each holds its rows until the last one is done.
    order = sorted(range(len(asks)), key=lambda index: asks[index].bucket[:3])
    answers: dict[int, Answer] = {}
    with pool.connection() as connection, connection.cursor() as cursor:
        cursor.executemany(SQL.take.sql, [_row(asks[index]) for index in order], returning=True)
        for index in order:
            [(granted, debt_s)] = cursor.fetchall()
            answers[index] = Answer(granted, asks[index].bucket.rate.level(debt_s))
            cursor.nextset()
    return [answers[index] for index in range(len(asks))]


def _row(ask: Ask) -> dict[str, object]:
    tenant_id, key_id, what, rate = ask.bucket
    return {
        "tenant_id": tenant_id,
        "key_id": key_id,
        "what": what,
        "cost": rate.cost_micros(ask.amount),
        "slack": rate.slack_micros(ask.amount),
    }
