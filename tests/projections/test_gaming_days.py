"""Read models by gaming days: what a change of the rule makes anew, and what they then say."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from api.tenancy import create_tenant
from app.tenants import Tenant
from domain.gaming_day import DayRule
from postgres.connections import Connection, Pool, open_pool
from projections.days import live_rule, newest_rule, set_rule
from projections.engine.generations import begin_or_resume
from projections.engine.rebuild import Progress
from projections.engine.upkeep import Upkeep
from projections.entries import Scope
from projections.models import activity
from projections.models.activity import ActivityFilters, find_activity
from projections.models.balances import BalanceFilters, find_balances_as_of
from projections.models.registry import READ_MODELS, is_of_newer_code
from projections.reading import snapshot
from tests.databases import Database
from tests.model import Model, assert_same, read_json
from tests.model.days import Days
from tests.projections.helpers import ALL, project, projector
from tests.projections.rebuilding import known_generations, project_live, rebuild
from tests.recording.sending import send
from tests.strategies import WireItem

COPENHAGEN = DayRule("Europe/Copenhagen", 6 * 60)
# Not at a multiple of ten minutes, so that a period is cut in two.
ODD = DayRule("Asia/Kathmandu", 5 * 60 + 7)
NOON = datetime(2025, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
def own_pool(fresh_database: Database) -> Iterator[Pool]:
    with open_pool(fresh_database.service_url, max_size=8) as own:
        yield own


def played(number: int, at: datetime, round_id: str, *, is_win: bool = False) -> WireItem:
    data = {
        "unique_id": f"u-{number}",
        "timestamp": at.isoformat(),
        "player_id": f"p{number % 2}",
        "game_id": "g",
        "round_id": round_id,
        "amount": number + 1,
        "currency": "EUR",
        "is_win": is_win,
        "is_bonus": number % 3 == 0,
    }
    return WireItem("gameround", msgspec.json.encode(data).decode())


def around_the_edges() -> list[WireItem]:
    """Bets and wins about the beginnings of days by several rules, of rounds that go over them."""
    edges = [
        datetime(2025, 1, 15, hour, minute, tzinfo=UTC)
        for hour, minute in ((0, 0), (5, 0), (23, 22), (23, 20), (12, 0), (18, 15))
    ]
    shifts = (timedelta(microseconds=-1), timedelta(0), timedelta(minutes=3), timedelta(days=1))
    moments = [edge + shift for edge in edges for shift in shifts]
    return [
        played(number, at, f"r{number % 5}", is_win=number % 4 == 1)
        for number, at in enumerate(moments)
    ]


def make(pool: Pool, name: str = "acme", rule: DayRule | None = None) -> tuple[Tenant, Model]:
    """Make a tenant and record what is about the edges; a rule that is given is set before."""
    with pool.connection() as connection:
        tenant = create_tenant(connection, name)
        if rule is not None:
            assert set_rule(connection, tenant.tenant_id, rule)
    model, items = Model(), around_the_edges()
    send(pool, tenant, items)
    model.ingest((item.event, item.data_text) for item in items)
    return tenant, model


def change(pool: Pool, tenant: Tenant, rule: DayRule) -> bool:
    with pool.connection() as connection:
        return set_rule(connection, tenant.tenant_id, rule)


def look(pool: Pool) -> list[Any]:
    with capture_logs() as lines:
        Upkeep(pool, projector(pool, chunk_events=10)).look(threading.Event(), now_s=0)
    return lines


def shown_days(pool: Pool, tenant: Tenant) -> list[Any]:
    with snapshot(pool, tenant.tenant_id) as seen:
        found = find_activity(seen, ActivityFilters(), None, ALL).items
    rows: list[Any] = read_json(msgspec.json.encode(found))
    return rows


def assert_shown(pool: Pool, tenant: Tenant, model: Model, rule: DayRule) -> None:
    """Hold activity and balances of the past against the model."""
    days = Days(rule.time_zone, rule.starts_at_minute)
    assert_same("activity", shown_days(pool, tenant), model.activity(days=days))
    moments = {entry.at for entry in model.log.entries}
    with snapshot(pool, tenant.tenant_id) as seen:
        assert seen.days.rule == rule
        for at in sorted(moments | {moment + timedelta(minutes=4) for moment in moments}):
            for player in ("p0", "p1"):
                filters = BalanceFilters(player_id=player, as_of=at)
                found = find_balances_as_of(seen, filters, None, ALL).items
                expected = [row for row in model.balances(as_of=at) if row["player_id"] == player]
                assert_same("balances", read_json(msgspec.json.encode(found)), expected)


@pytest.mark.parametrize("rule", [COPENHAGEN, ODD, DayRule("Pacific/Kiritimati", 23 * 60 + 59)])
def test_a_rule_that_was_set_before_the_first_event_counts_from_it_on(
    own_pool: Pool, rule: DayRule
) -> None:
    tenant, model = make(own_pool, rule=rule)
    project(own_pool, tenant, chunk_events=7)
    assert_shown(own_pool, tenant, model, rule)
    assert look(own_pool) == [], "there is nothing to make anew"


def test_a_change_makes_read_models_anew_of_its_own_accord_and_the_old_days_are_shown_meanwhile(
    own_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, model = make(own_pool)
    project(own_pool, tenant)
    assert_shown(own_pool, tenant, model, DayRule())
    assert change(own_pool, tenant, COPENHAGEN)
    assert_shown(own_pool, tenant, model, DayRule())
    seen_meanwhile = []

    def watched(connection: Connection, scope: Scope, folded: Any) -> None:
        assert_shown(own_pool, tenant, model, DayRule())
        seen_meanwhile.append(scope.generation)
        activity.write(connection, scope, folded)

    monkeypatch.setitem(READ_MODELS, "activity", READ_MODELS["activity"]._replace(write=watched))
    first, *_, last = look(own_pool)
    assert first["event"] == "the read models are of another version and are rebuilt"
    assert "gaming_day" not in first["versions"]
    assert first["own_versions"]["gaming_day"] == 1
    assert last["event"] == "the read models are rebuilt"
    assert all(line["log_level"] == "info" for line in look(own_pool))
    assert set(seen_meanwhile) == {2}
    assert_shown(own_pool, tenant, model, COPENHAGEN)
    assert [each.live for each in known_generations(own_pool, tenant)] == [True]


def test_what_comes_after_a_change_counts_by_the_old_days_until_the_switch(own_pool: Pool) -> None:
    tenant, model = make(own_pool)
    project(own_pool, tenant)
    change(own_pool, tenant, ODD)
    late = [played(100, NOON, "late"), played(101, NOON + timedelta(hours=9), "r1", is_win=True)]
    send(own_pool, tenant, late)
    model.ingest((item.event, item.data_text) for item in late)
    project_live(own_pool, tenant, chunk_events=1)
    assert_shown(own_pool, tenant, model, DayRule())
    look(own_pool)
    assert_shown(own_pool, tenant, model, ODD)


def test_a_rule_that_is_changed_again_while_it_is_made_is_made_anew_again(own_pool: Pool) -> None:
    tenant, model = make(own_pool)
    project(own_pool, tenant)
    change(own_pool, tenant, COPENHAGEN)

    def change_meanwhile(progress: Progress) -> None:
        if progress.step == "comparing":
            change(own_pool, tenant, ODD)

    rebuild(own_pool, tenant.tenant_id, report=change_meanwhile)
    assert_shown(own_pool, tenant, model, COPENHAGEN)
    look(own_pool)
    assert_shown(own_pool, tenant, model, ODD)
    change(own_pool, tenant, DayRule())
    look(own_pool)
    assert_shown(own_pool, tenant, model, DayRule())


def test_a_rebuild_that_was_begun_by_another_rule_is_not_taken_up(own_pool: Pool) -> None:
    tenant, model = make(own_pool)
    project(own_pool, tenant)
    change(own_pool, tenant, COPENHAGEN)
    half = begin_or_resume(own_pool, tenant.tenant_id)
    assert projector(own_pool).project_chunk(half, limit=5) == 5
    change(own_pool, tenant, ODD)
    look(own_pool)
    assert_shown(own_pool, tenant, model, ODD)


def test_the_same_rule_again_changes_nothing(own_pool: Pool) -> None:
    tenant, _ = make(own_pool, rule=COPENHAGEN)
    assert not change(own_pool, tenant, COPENHAGEN)
    with own_pool.connection() as connection:
        assert newest_rule(connection, tenant.tenant_id) == (COPENHAGEN, 1)


def test_a_tenant_that_set_nothing_has_days_of_utc_and_none_has_those_of_another(
    own_pool: Pool,
) -> None:
    first, _ = make(own_pool, "first", COPENHAGEN)
    second, model = make(own_pool, "second")
    project(own_pool, second)
    with own_pool.connection() as connection:
        assert newest_rule(connection, second.tenant_id) == (DayRule(), 0)
        assert live_rule(connection, first.tenant_id) == (COPENHAGEN, 1), "as will be made"
        assert live_rule(connection, second.tenant_id) == (DayRule(), 0)
    assert_shown(own_pool, second, model, DayRule())


def test_a_check_compares_what_does_not_depend_on_days_and_finds_no_difference(
    own_pool: Pool,
) -> None:
    tenant, _ = make(own_pool)
    project(own_pool, tenant)
    change(own_pool, tenant, COPENHAGEN)
    rebuilt = rebuild(own_pool, tenant.tenant_id, check=True)
    assert rebuilt.differences == 0
    assert rebuilt.changed == {}
    assert rebuilt.by_other_days == ["activity", "balances", "rounds"]
    assert "players" in {comparison.table for comparison in rebuilt.comparisons}
    look(own_pool)
    again = rebuild(own_pool, tenant.tenant_id, check=True)
    assert (again.by_other_days, again.differences) == ([], 0)
    assert "activity" in {comparison.table for comparison in again.comparisons}


def test_code_that_knows_no_gaming_days_takes_a_rule_for_newer_code() -> None:
    """What `is_of_newer_code` says in earlier versions, to which the name is unknown."""
    versions = {"activity": 1, "gaming_day": 1}
    known_before = {"activity": 1}
    assert any(version > known_before.get(name, 0) for name, version in versions.items())
    assert not is_of_newer_code(versions)


@hypothesis_settings(max_examples=10)
@given(data=st.data())
def test_days_converge_in_any_order_and_any_parts(
    pool: Pool, new_tenant: Callable[..., Tenant], data: st.DataObject
) -> None:
    tenant = new_tenant()
    assert change(pool, tenant, ODD)
    items = data.draw(st.permutations(around_the_edges()))
    model = Model()
    model.ingest((item.event, item.data_text) for item in items)
    cut = data.draw(st.integers(0, len(items)))
    for part in (items[:cut], items[cut:]):
        send(pool, tenant, part)
        project(pool, tenant, chunk_events=data.draw(st.integers(1, 30)))
    rows = shown_days(pool, tenant)
    assert {row["day"] for row in rows} <= {
        (date(2025, 1, 14) + timedelta(n)).isoformat() for n in range(4)
    }
    assert_same("activity", rows, model.activity(days=Days(ODD.time_zone, ODD.starts_at_minute)))
