"""Read models made anew from the log, beside those that queries read meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import count

import psycopg
import pytest

from app.simulation import Scenario, batches, simulate
from app.tenants import Tenant
from postgres.connections import Connection, Pool, connect
from projections.engine.generations import (
    AlreadyRebuildingError,
    OvertakenError,
    begin_or_resume,
    sole_rebuild,
    switch,
)
from projections.engine.projector import LAG, PROJECTED
from projections.engine.rebuild import Progress, StoppedError
from projections.entries import PoisonError, Stretch
from projections.models.balances import BalanceFilters, find_balances
from projections.models.registry import READ_MODELS, tables
from projections.models.transactions import TransactionFilters, find_transactions
from projections.reading import snapshot
from projections.status import read_status
from tests.databases import Database
from tests.http.service import eventually
from tests.model import Model
from tests.projections.helpers import assert_as_the_model, position, project, projector, read_models
from tests.projections.rebuilding import (
    CHUNK_EVENTS,
    Known,
    known_generations,
    live_scope,
    project_live,
    projecting,
    rebuild,
    repeating,
)
from tests.projections.simulated import NOW, record_bodies
from tests.projections.test_poison import POISON, poison
from tests.recording.sending import logins, send
from tests.strategies import WireItem, body

EVENTS = 1_500


def deposit(number: int) -> WireItem:
    return WireItem(
        "deposit",
        f'{{"unique_id":"d-{number}","timestamp":"2025-01-15T12:00:00Z","player_id":"p","amount":1,'
        '"currency":"EUR","method":"card"}',
    )


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def projected(pool: Pool, tenant: Tenant, model: Model) -> Tenant:
    """A tenant with simulated traffic, all of it shown."""
    bodies = batches(
        simulate(Scenario(players=40, games=8, rolled_back=0.02, ended=0.02), EVENTS), 500
    )
    record_bodies(pool, tenant, model, bodies)
    project(pool, tenant, chunk_events=333)
    return tenant


def rows_of(pool: Pool, tenant: Tenant) -> dict[int, int]:
    """How many rows there are of each generation, over all tables."""
    found: dict[int, int] = {}
    with pool.connection() as connection:
        for table in tables():
            statement = f"select generation, count(*) from {table} where tenant_id = %s group by 1"
            for generation, rows in connection.execute(statement.encode(), [tenant.tenant_id]):
                found[generation] = found.get(generation, 0) + rows
    return found


def test_a_rebuild_makes_the_same_read_models_and_leaves_nothing_of_the_old_ones(
    pool: Pool, projected: Tenant, model: Model
) -> None:
    before = read_models(pool, projected)
    rebuilt = rebuild(pool, projected.tenant_id)
    assert rebuilt.differences == 0
    assert rebuilt.position == EVENTS
    assert [comparison.table for comparison in rebuilt.comparisons] == tables()
    assert all(comparison.rows > 0 for comparison in rebuilt.comparisons)
    assert known_generations(pool, projected) == [Known(2, EVENTS, live=True, retired=False)]
    assert set(rows_of(pool, projected)) == {2}
    assert read_models(pool, projected) == before
    assert_as_the_model(pool, projected, model)


def test_a_rebuild_tells_how_far_it_is(pool: Pool, projected: Tenant) -> None:
    told: list[Progress] = []
    rebuild(pool, projected.tenant_id, report=told.append)
    assert told[0] == Progress(0, EVENTS)
    assert told[1] == Progress(CHUNK_EVENTS, EVENTS)
    assert [each.step for each in told[-4:]] == ["making", "comparing", "making", "deleting"]
    assert {each[:2] for each in told[-3:]} == {(EVENTS, EVENTS)}


def test_an_empty_log_is_rebuilt_too(pool: Pool, tenant: Tenant) -> None:
    assert rebuild(pool, tenant.tenant_id).position == 0
    assert known_generations(pool, tenant) == [Known(2, 0, live=True, retired=False)]
    send(pool, tenant, logins(["a"]))
    project_live(pool, tenant)
    assert position(pool, tenant) == 1


def test_what_the_rebuild_projects_is_not_counted_as_shown(pool: Pool, projected: Tenant) -> None:
    before = PROJECTED._value.get(), LAG._sum.get()
    rebuild(pool, projected.tenant_id)
    assert (PROJECTED._value.get(), LAG._sum.get()) == before


def test_a_rebuild_under_load_equals_the_live_read_models_and_the_model(
    pool: Pool, projected: Tenant, model: Model
) -> None:
    bodies = iter(batches(simulate(Scenario(players=40, games=8, seed=2), 1_000_000_000), 20))

    def write() -> None:
        record_bodies(pool, projected, model, [next(bodies)])

    with projecting(pool, projected), repeating(write):
        for _ in range(3):
            assert rebuild(pool, projected.tenant_id).differences == 0
    project_live(pool, projected)
    assert position(pool, projected) == len(model.log.entries) > EVENTS
    assert_as_the_model(pool, projected, model)
    assert [known.generation for known in known_generations(pool, projected)] == [4]


def test_queries_never_see_half_a_generation_nor_an_older_one(pool: Pool, tenant: Tenant) -> None:
    """All that is in the log is deposits of 1: what is shown at position n is n."""
    numbers = count()
    last = 0
    shown: set[int] = set()

    def write() -> None:
        send(pool, tenant, [deposit(next(numbers)) for _ in range(7)])

    def read() -> None:
        nonlocal last
        with snapshot(pool, tenant.tenant_id) as seen:
            balances = find_balances(seen, BalanceFilters(), None, 10).items
            payments = find_transactions(seen, TransactionFilters(), None, 1_000_000).items
            assert sum(int(each.deposited) for each in balances) == seen.position
            assert sum(each.counts.deposits for each in balances) == seen.position
            assert len(payments) == seen.position
            assert seen.position >= last
            last = seen.position
            shown.add(seen.scope.generation)

    for _ in range(100):
        write()
    project_live(pool, tenant)
    with projecting(pool, tenant), repeating(write), repeating(read):
        for live in range(1, 5):
            eventually(lambda live=live: live in shown)  # type: ignore[misc]
            rebuild(pool, tenant.tenant_id)
    assert shown >= {1, 2, 3, 4}


def test_what_waits_for_a_position_is_served_across_the_switch(
    pool: Pool, projected: Tenant
) -> None:
    """What is shown never goes back, so who has read a position finds it again."""
    behind: list[int] = []

    def look() -> None:
        behind.append(position(pool, projected))

    with repeating(look):
        rebuild(pool, projected.tenant_id)
    assert set(behind) == {EVENTS}


FALSIFICATIONS = {
    "a balance": ("update balances set deposited = deposited + 1.5 where {row}", "balances", 1),
    "a sum of a round": (
        """update rounds set sums = '{"EUR": ["1", "2", "3", "4", ["2025-01-15"]]}' where {row}""",
        "rounds",
        1,
    ),
    "the positions of a round": (
        "update rounds set positions = '{}' where {row}",
        "rounds",
        1,
    ),
    "what a rollback takes back": (
        "update rollbacks set status = 'mismatched' where {row}",
        "rollbacks",
        1,
    ),
    "a row that is gone": ("delete from transactions where {row}", "transactions", 1),
    "rows that nothing stands for": (
        """insert into players (tenant_id, generation, logins, first_seen, last_seen, player_id)
           select tenant_id, generation, 1, now(), now(), 'nobody-' || n
             from tracking cross join generate_series(1, 20) n where tenant_id = {tenant_id}""",
        "players",
        20,
    ),
    "a field that should be null": ("update games set device = 'x' where {row}", "games", 1),
}


def falsify(database: Database, tenant: Tenant, statement: str, table: str) -> None:
    of_tenant = f"tenant_id = {tenant.tenant_id}"
    row = f"{of_tenant} and ctid = (select min(ctid) from {table} where {of_tenant})"
    with connect(database.owner_url) as owner:
        text = statement.replace("{row}", row).replace("{tenant_id}", str(tenant.tenant_id))
        assert owner.execute(text.encode()).rowcount >= 1


@pytest.mark.parametrize("kind", FALSIFICATIONS)
def test_a_falsified_row_is_reported_and_only_a_rebuild_mends_it(
    kind: str, pool: Pool, database: Database, projected: Tenant, model: Model
) -> None:
    statement, table, rows = FALSIFICATIONS[kind]
    falsify(database, projected, statement, table)
    false = read_models(pool, projected)

    for _ in range(2):
        checked = rebuild(pool, projected.tenant_id, check=True)
        assert {each.table: each.differing for each in checked.comparisons if each.differing} == {
            table: rows
        }
        assert checked.differences == rows
    assert read_models(pool, projected) == false
    [left] = known_generations(pool, projected)
    assert left == Known(1, EVENTS, live=True, retired=False)
    assert set(rows_of(pool, projected)) == {1}

    assert rebuild(pool, projected.tenant_id).differences == rows
    assert_as_the_model(pool, projected, model)
    assert rebuild(pool, projected.tenant_id, check=True).differences == 0


def test_a_difference_says_which_row_and_what_was_wrong(
    pool: Pool, database: Database, tenant: Tenant
) -> None:
    send(pool, tenant, [deposit(1), deposit(2)])
    project(pool, tenant)
    exactly = Decimal("1e-18")
    falsify(
        database,
        tenant,
        f"update balances set deposited = 2 + {exactly:f} where {{row}}",
        "balances",
    )
    [balances] = [
        each for each in rebuild(pool, tenant.tenant_id, check=True).comparisons if each.differing
    ]
    assert [str(each) for each in balances.differences] == [
        'player_id "p", currency "EUR": deposited 2.000000000000000001 instead of 2'
    ]
    falsify(database, tenant, "delete from balances where {row}", "balances")
    falsify(
        database,
        tenant,
        "insert into players (tenant_id, generation, logins, first_seen, last_seen, player_id)"
        " select tenant_id, generation, 1, now(), now(), 'q' from tracking where tenant_id = {tenant_id}",
        "players",
    )
    checked = rebuild(pool, tenant.tenant_id, check=True)
    assert [str(each) for found in checked.comparisons for each in found.differences] == [
        'player_id "q": should not be there',
        'player_id "p", currency "EUR": was missing',
    ]
    assert [(each.missing, each.unexpected) for each in checked.comparisons if each.differing] == [
        (0, 1),
        (1, 0),
    ]


def test_only_the_first_of_many_differences_are_shown(
    pool: Pool, database: Database, projected: Tenant
) -> None:
    statement, table, rows = FALSIFICATIONS["rows that nothing stands for"]
    falsify(database, projected, statement, table)
    [players] = rebuild(pool, projected.tenant_id, "players", check=True).comparisons
    assert (players.differing, len(players.differences)) == (rows, 5)


def test_what_is_named_is_compared_and_everything_is_made(
    pool: Pool, database: Database, projected: Tenant, model: Model
) -> None:
    for kind in ("a balance", "a row that is gone"):
        statement, table, _ = FALSIFICATIONS[kind]
        falsify(database, projected, statement, table)
    rebuilt = rebuild(pool, projected.tenant_id, "balances", "games")
    assert [(each.table, each.differing) for each in rebuilt.comparisons] == [
        ("games", 0),
        ("balances", 1),
        ("balance_periods", 0),
    ]
    assert_as_the_model(pool, projected, model)


def test_rows_that_stand_in_the_projectors_way_are_mended_by_a_rebuild(
    pool: Pool, database: Database, projected: Tenant, model: Model
) -> None:
    """As after a bad restore: the live generation can't go on, the new one can."""
    falsify(
        database,
        projected,
        "insert into transactions (position, occurred_at, tenant_id, generation, type, unique_id,"
        " player_id, amount, currency, method)"
        f" select {EVENTS + 1}, now(), tenant_id, generation, 'deposit', 'd', 'p', 1, 'EUR', 'card'"
        " from tracking where tenant_id = {tenant_id}",
        "transactions",
    )
    batch = [deposit(1)]
    send(pool, projected, batch)
    model.ingest_body(body(batch))
    with pytest.raises(PoisonError, match=f"position {EVENTS + 1} "):
        project_live(pool, projected)
    rebuilt = rebuild(pool, projected.tenant_id)
    assert (rebuilt.position, rebuilt.differences) == (EVENTS, 1)
    project_live(pool, projected)
    assert_as_the_model(pool, projected, model)
    with pool.connection() as connection:
        status = read_status(connection, projected.tenant_id, NOW)
    assert {each.failure for each in status.projections} == {None}


def test_a_second_rebuild_of_a_tenant_is_refused_and_those_of_others_are_not(
    pool: Pool, projected: Tenant, tenant: Tenant
) -> None:
    with sole_rebuild(pool, projected.tenant_id):
        with pytest.raises(AlreadyRebuildingError, match="Another process is rebuilding"):
            rebuild(pool, projected.tenant_id)
        with sole_rebuild(pool, projected.tenant_id + 1_000_000):
            pass
    assert known_generations(pool, projected) == [Known(1, EVENTS, live=True, retired=False)]
    rebuild(pool, projected.tenant_id)


def test_a_rebuild_with_patience_begins_when_the_other_lets_go(
    pool: Pool, projected: Tenant
) -> None:
    with ThreadPoolExecutor(1) as beside:
        with sole_rebuild(pool, projected.tenant_id):
            waiting = beside.submit(rebuild, pool, projected.tenant_id, patience_s=60)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
        assert waiting.result(timeout=60).differences == 0


def test_a_rebuild_that_is_stopped_goes_on_where_it_stood(
    pool: Pool, projected: Tenant, model: Model
) -> None:
    stop = threading.Event()

    def stop_half_way(progress: Progress) -> None:
        if progress.made >= 700:
            stop.set()

    with pytest.raises(StoppedError):
        rebuild(pool, projected.tenant_id, report=stop_half_way, stop=stop)
    with pool.connection() as connection:
        status = read_status(connection, projected.tenant_id, NOW)
    assert status.rebuild is not None
    assert status.rebuild.position == 700
    told: list[Progress] = []
    assert rebuild(pool, projected.tenant_id, report=told.append).differences == 0
    assert told[0] == Progress(700, EVENTS)
    assert_as_the_model(pool, projected, model)
    with pool.connection() as connection:
        assert read_status(connection, projected.tenant_id, NOW).rebuild is None


def test_a_comparison_that_takes_long_is_stopped_too(
    pool: Pool, projected: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()

    def compare(connection: Connection, *args: object) -> None:
        stop.set()
        connection.execute("select pg_sleep(60)")

    with monkeypatch.context() as patched:
        patched.setattr("projections.engine.rebuild.compare", compare)
        with pytest.raises(StoppedError):
            rebuild(pool, projected.tenant_id, stop=stop)
    assert live_scope(pool, projected).generation == 1
    assert rebuild(pool, projected.tenant_id).differences == 0


def test_a_rebuild_that_another_one_ended_does_not_switch(pool: Pool, projected: Tenant) -> None:
    """Two at once, as when the lock's session broke: the second finds that nothing is left to do."""
    overtaken = begin_or_resume(pool, projected.tenant_id)
    assert begin_or_resume(pool, projected.tenant_id) == overtaken
    rebuild(pool, projected.tenant_id)
    assert live_scope(pool, projected) == overtaken
    rebuild(pool, projected.tenant_id)
    with (
        pytest.raises(OvertakenError),
        pool.connection() as connection,
        connection.transaction(),
    ):
        switch(connection, overtaken)
    assert live_scope(pool, projected).generation == overtaken.generation + 1


def test_two_rebuilds_of_one_generation_at_once_make_it_once(
    pool: Pool, projected: Tenant, model: Model
) -> None:
    scope = begin_or_resume(pool, projected.tenant_id)

    def help_along() -> None:
        projector(pool, chunk_events=30).project_chunk(scope, until=EVENTS)

    with repeating(help_along):
        assert rebuild(pool, projected.tenant_id).differences == 0
    assert_as_the_model(pool, projected, model)


def test_a_projector_can_not_write_to_what_is_retired(pool: Pool, projected: Tenant) -> None:
    stale = live_scope(pool, projected)
    rebuild(pool, projected.tenant_id)
    with pool.connection() as connection:
        connection.execute(
            "insert into tracking (tenant_id, generation, position, live, retired, updated_at)"
            " values (%s, %s, 0, false, true, now())",
            stale,
        )
    assert projector(pool).project_chunk(stale) == 0
    rebuild(pool, projected.tenant_id)


def test_there_is_one_live_generation_at_most(pool: Pool, projected: Tenant) -> None:
    made = begin_or_resume(pool, projected.tenant_id)
    with pytest.raises(psycopg.errors.UniqueViolation), pool.connection() as connection:
        connection.execute(
            "update tracking set live = true where tenant_id = %s and generation = %s", made
        )
    rebuild(pool, projected.tenant_id)


def test_poison_ends_a_rebuild_naming_the_position_and_is_no_harm_to_queries(
    pool: Pool, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(pool, tenant, logins([f"{number}" for number in range(250)]))
    project(pool, tenant)
    real = READ_MODELS["players"]

    def fail(stretch: Stretch) -> object:
        if 171 in stretch.others.positions:
            raise RuntimeError("a bug of the new version")
        return real.fold(stretch)

    with monkeypatch.context() as patched:
        patched.setitem(READ_MODELS, "players", real._replace(fold=fail))
        for _ in range(2):
            with pytest.raises(PoisonError, match=r"position 171 .*a bug of the new version"):
                rebuild(pool, tenant.tenant_id)
    assert position(pool, tenant) == 250
    with pool.connection() as connection:
        status = read_status(connection, tenant.tenant_id, NOW)
    assert {each.failure for each in status.projections} == {None}
    assert status.rebuild is not None
    assert status.rebuild.position == 170
    assert status.rebuild.failure is not None
    assert status.rebuild.failure.position == 171
    assert rebuild(pool, tenant.tenant_id).differences == 0


def test_poison_in_the_live_read_models_does_not_keep_a_rebuild_from_their_position(
    pool: Pool, tenant: Tenant
) -> None:
    send(pool, tenant, logins(["1", "2"]))
    poison(pool, tenant, *POISON["rubbish"])
    with pytest.raises(PoisonError):
        project_live(pool, tenant)
    assert rebuild(pool, tenant.tenant_id).position == 2
    with pytest.raises(PoisonError):
        project_live(pool, tenant)
