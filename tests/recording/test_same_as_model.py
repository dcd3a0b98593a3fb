"""Any course of sending, resending, mixing and contradicting, by two processes, against the model."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import DataObject

from app.log.heads import StreamHeads
from app.recording import commit, prepare
from app.tenants import Tenant
from postgres.connections import Pool, open_pool
from tests.model import Model, read_json
from tests.recording.sending import as_dict, assert_gapless, decoded, send, stored_events
from tests.strategies import WireItem, batches, body, items, respellings

few_players = st.sampled_from(["p", "p/2", "P"])
few_games = st.sampled_from(["p", "btg/bonanza"])
few_ids = st.sampled_from([f"u{number}" for number in range(6)])
new_batches = batches(player_ids=few_players, game_ids=few_games, max_size=5)
meeting_items = items(unique_ids=few_ids, player_ids=few_players, game_ids=few_games)


@pytest.fixture(scope="module")
def two_pools(database_url: str) -> Iterator[tuple[Pool, Pool]]:
    """The connections of two processes of the service."""
    with open_pool(database_url, max_size=2) as one, open_pool(database_url, max_size=2) as other:
        yield one, other


class Recording(RuleBasedStateMachine):
    pools: tuple[Pool, Pool]
    new_tenant: Callable[..., Tenant]

    sent: Bundle[list[WireItem]] = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.tenant = type(self).new_tenant("BTC", "USDT")
        self.model = Model()
        self.states: list[bytes] = []
        self.heads = (StreamHeads(), StreamHeads())

    @initialize(target=sent, batch=new_batches)
    def begin(self, batch: list[WireItem]) -> list[WireItem]:
        return self._send(batch, 0, remembering=True)

    @rule(target=sent, batch=new_batches, process=st.integers(0, 1), remembering=st.booleans())
    def send_what_is_new(
        self, batch: list[WireItem], process: int, remembering: bool
    ) -> list[WireItem]:
        return self._send(batch, process, remembering=remembering)

    @rule(
        target=sent,
        batch=st.lists(meeting_items, min_size=1, max_size=6),
        process=st.integers(0, 1),
        remembering=st.booleans(),
    )
    def send_what_contradicts_and_repeats(
        self, batch: list[WireItem], process: int, remembering: bool
    ) -> list[WireItem]:
        return self._send(batch, process, remembering=remembering)

    @rule(batch=sent, process=st.integers(0, 1), remembering=st.booleans())
    def send_again(self, batch: list[WireItem], process: int, remembering: bool) -> None:
        self._send(batch, process, remembering=remembering)

    @rule(batch=sent, data=st.data(), process=st.integers(0, 1))
    def send_again_in_other_words(
        self, batch: list[WireItem], data: DataObject, process: int
    ) -> None:
        self._send([data.draw(respellings(item)) for item in batch], process, remembering=True)

    @rule(
        target=sent,
        old=consumes(sent),
        new=new_batches,
        data=st.data(),
        process=st.integers(0, 1),
        remembering=st.booleans(),
    )
    def send_old_and_new_mixed(
        self,
        old: list[WireItem],
        new: list[WireItem],
        data: DataObject,
        process: int,
        remembering: bool,
    ) -> MultipleResults[list[WireItem]]:
        mixed = data.draw(st.permutations(old + new + old[:1]))
        return multiple(old, self._send(mixed, process, remembering=remembering))

    def _send(self, batch: list[WireItem], process: int, *, remembering: bool) -> list[WireItem]:
        """Record a batch by one of the processes, which may remember the heads of streams, or not."""
        pool = type(self).pools[process]
        if remembering:
            prepared = prepare(decoded(self.tenant, batch))
            heads = self.heads[process]
            receipt = commit(pool, self.tenant.tenant_id, prepared, heads).receipt()
        else:
            receipt = send(pool, self.tenant, batch)
        expected = self.model.ingest_body(body(batch))
        assert as_dict(receipt) == vars(expected)
        for item, outcome in zip(batch, receipt.items, strict=True):
            if outcome.outcome == "stored":
                self.states.append(item.data_text.encode())
        return batch

    @invariant()
    def the_log_is_what_was_sent_first_byte_by_byte_and_without_gaps(self) -> None:
        log = stored_events(type(self).pools[0], self.tenant)
        assert_gapless(log)
        assert [event.state for event in log] == self.states
        assert [(event.position, event.stream, event.version, event.topic) for event in log] == [
            (entry.position, entry.stream, entry.version, entry.type)
            for entry in self.model.log.entries
        ]

    @invariant()
    def times_are_those_of_the_items(self) -> None:
        with type(self).pools[0].connection() as connection:
            rows = connection.execute(
                "select occurred_at from events where tenant_id = %s order by position",
                [self.tenant.tenant_id],
            ).fetchall()
        assert [at for (at,) in rows] == [entry.at for entry in self.model.log.entries]

    @invariant()
    def the_register_holds_each_refused_content_once(self) -> None:
        with type(self).pools[0].connection() as connection:
            rows = connection.execute(
                "select number, unique_id, position, event, data from conflicts"
                " where tenant_id = %s order by number",
                [self.tenant.tenant_id],
            ).fetchall()
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
        assert [
            (uid, position, event, read_json(data)) for _, uid, position, event, data in rows
        ] == [
            (row["unique_id"], row["position"], row["event"], row["data"])
            for row in self.model.conflicts()
        ]


def test_receipts_log_and_register_are_the_models_whatever_is_sent_by_whom(
    two_pools: tuple[Pool, Pool], new_tenant: Callable[..., Tenant]
) -> None:
    Recording.pools = two_pools
    Recording.new_tenant = staticmethod(new_tenant)
    run_state_machine_as_test(
        Recording, settings=settings(max_examples=40, stateful_step_count=12, deadline=None)
    )
