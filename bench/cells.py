"""One thing to be measured, again and again: a cell; and what one round of it brought: a sample."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from bench.parts import Say
from bench.results import Column


class Sample(Struct, frozen=True):
    """What one round brought. `answers_s` is how long each request, or each transaction, took."""

    events: int
    elapsed_s: float
    answers_s: list[float]
    client_cpu_s: float | None = None
    service_cpu_s: float | None = None

    @property
    def events_per_s(self) -> float:
        return self.events / self.elapsed_s


class Cell(Protocol):
    """Something that can be measured. A round of it leaves nothing behind that a later one could meet."""

    @property
    def name(self) -> str: ...

    def run(self) -> Sample: ...


class Measured(NamedTuple):
    """All rounds of a cell."""

    name: str
    samples: Sequence[Sample]

    def median(self, of: Callable[[Sample], float]) -> float:
        return statistics.median(map(of, self.samples))

    def ratio(self, to: "Measured") -> float:
        """Compare the rates round by round, as both had the same noise; the median."""
        pairs = zip(self.samples, to.samples, strict=True)
        return statistics.median(one.events_per_s / other.events_per_s for one, other in pairs)

    def range(self) -> str:
        """Give the slowest and the fastest round, in events/s."""
        rates = [sample.events_per_s for sample in self.samples]
        return f"{min(rates):,.0f} to {max(rates):,.0f}"

    def answer_ms(self, share: float) -> float:
        """Give how long the answers of all rounds took, up to this share of them."""
        answers = sorted(answer for sample in self.samples for answer in sample.answers_s)
        return answers[min(len(answers) - 1, int(share * len(answers)))] * 1000


RATE_COLUMNS = [
    Column("events/s"),
    Column("slowest to fastest round"),
    Column("requests/s"),
    Column("median ms", 1),
    Column("p99 ms", 1),
]


def rate_cells(measured: Measured) -> list[str | float | None]:
    """Fill RATE_COLUMNS."""
    return [
        measured.median(lambda sample: sample.events_per_s),
        measured.range(),
        measured.median(lambda sample: len(sample.answers_s) / sample.elapsed_s),
        measured.answer_ms(0.5),
        measured.answer_ms(0.99),
    ]


def run_rounds(cells: Sequence[Cell], rounds: int, say: Say) -> dict[str, Measured]:
    """Run all cells once, then all again, every other time backwards: noise and drift hit all alike."""
    samples: dict[str, list[Sample]] = {cell.name: [] for cell in cells}
    for number in range(rounds):
        for cell in _there_and_back(cells, number):
            sample = cell.run()
            samples[cell.name].append(sample)
            say(f"round {number + 1}/{rounds}  {cell.name}: {sample.events_per_s:,.0f} events/s")
    return {name: Measured(name, taken) for name, taken in samples.items()}


def rates(measured: dict[str, Measured]) -> dict[str, list[float]]:
    """Give the single rates, for the record."""
    return {
        f"{name}, events/s": [sample.events_per_s for sample in each.samples]
        for name, each in measured.items()
    }


def _there_and_back(cells: Sequence[Cell], number: int) -> Iterator[Cell]:
    return reversed(cells) if number % 2 else iter(cells)
