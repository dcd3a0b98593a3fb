"""One tenant as its clients see it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from tests.model import reads
from tests.model.days import UTC_DAYS, Days
from tests.model.log import Log, Receipt
from tests.model.values import Row, as_written, read_json


class Model:
    """Takes batches and answers the contract's queries, amounts as Decimal and times as datetime."""

    def __init__(self) -> None:
        self.log = Log()

    def ingest_body(self, body: str | bytes) -> Receipt:
        """Record a request body."""
        items = read_json(body)["items"]
        return self.log.record([(item["event"], item["data"]) for item in items])

    def ingest(self, items: Iterable[tuple[str, str | bytes]]) -> Receipt:
        """Record items, given as the type and the JSON text of data."""
        return self.log.record([(event, read_json(text)) for event, text in items])

    def balances(
        self, *, at_position: int | None = None, as_of: datetime | None = None
    ) -> list[Row]:
        """List balances by player and currency, now or in the past."""
        return reads.balances(self.log.entries, at_position=at_position, as_of=as_of)

    def rounds(self) -> list[Row]:
        """List rounds, always with their bets and wins, newest first."""
        return reads.rounds(self.log.entries)

    def games(self) -> list[Row]:
        """List the catalogue by id."""
        return reads.games(self.log.entries)

    def players(self) -> list[Row]:
        """List profiles by id."""
        return reads.players(self.log.entries)

    def transactions(self) -> list[Row]:
        """List deposits and withdrawals, newest first."""
        return reads.transactions(self.log.entries)

    def rollbacks(self) -> list[Row]:
        """List rollbacks, newest first, with what each takes back."""
        return reads.rollbacks(self.log.entries)

    def facets(self, games: Iterable[Row] | None = None) -> dict[str, list[Row]]:
        """Count the values of all games, or of rows chosen from `games()`."""
        return reads.facets(self.games() if games is None else games)

    def activity(
        self,
        group_by: Sequence[str] = ("day", "game", "currency"),
        *,
        currency: str | None = None,
        days: Days = UTC_DAYS,
    ) -> list[Row]:
        """List activity by any of day, game and currency, in all currencies apart or in one."""
        return reads.activity(self.log.entries, group_by, currency=currency, days=days)

    def conflicts(self) -> list[Row]:
        """List the refused contents in the order of their first refusal."""
        rows = []
        for event, data in self.log.refused:
            stands = self.log.recorded[data["unique_id"]]
            rows.append(
                {
                    "unique_id": stands.unique_id,
                    "position": stands.position,
                    "event": event,
                    "data": data,
                    "recorded": {"event": stands.event, "data": stands.data},
                }
            )
        return rows

    def history(self) -> list[Row]:
        """List the log, oldest first; data compares digit for digit."""
        return [
            {
                "position": entry.position,
                "stream": entry.stream,
                "version": entry.version,
                "event": entry.event,
                "type": entry.type,
                "data": as_written(entry.data),
            }
            for entry in self.log.entries
        ]
