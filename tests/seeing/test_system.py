"""The scope `operate`: how all tenants are, and nothing of what is in their logs."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from api.asgi import create_app
from api.routes import ROUTES
from api.routes.system import TENANTS
from api.system import tenant_statuses
from api.tenancy import create_tenant
from app.evidence.status import say_rebuilt_anyway
from app.limits.limits import WHOLE_TENANT, Limit, set_limit
from app.lives.closing import set_closed
from app.settings import Settings
from app.tenants import Scope, Tenant, create_key, find_tenant, list_tenants, revoke_key
from postgres.connections import Pool, connect, open_pool
from projections.entries import Scope as Generation
from projections.tracking import fail
from tests.databases import Database, new_database
from tests.http.service import on, roundbook
from tests.projections.helpers import project
from tests.queries.asgi import Answer, Api, running
from tests.queries.plans import watched_connections
from tests.recording.sending import logins, send

SYSTEM = "/api/v1/system/tenants"
MANY = 200
OTHER_SCOPES: list[Scope] = ["ingest", "read", "audit"]
PATHS = [SYSTEM, f"{SYSTEM}/acme", f"{SYSTEM}/acme/keys"]
OF_OTHER_SCOPES = [
    path
    for route in ROUTES
    if route.opt.get("scope") in OTHER_SCOPES and "GET" in route.http_methods
    for path in sorted(route.paths)
]


class Place(NamedTuple):
    """A database in which nobody projects or seals, and the application on it."""

    api: Api
    pool: Pool
    database: Database
    key: str

    def tenant(self, name: str, events: int = 0) -> Tenant:
        with self.pool.connection() as connection:
            made = create_tenant(connection, name)
        if events:
            send(self.pool, made, logins([f"{name}-{number}" for number in range(events)]))
        return made

    def new_key(self, tenant: str, *scopes: Scope) -> str:
        with self.pool.connection() as connection:
            return create_key(connection, find_tenant(connection, tenant), scopes).key

    def get(self, path: str = "", **asked: Any) -> Answer:
        return self.api.get(SYSTEM + path, self.key, **asked)

    def walk(self, limit: int, **asked: Any) -> list[str]:
        """Name all tenants, page by page."""
        names, cursor = [], None
        while True:
            answer = self.get(limit=limit, cursor=cursor, **asked)
            assert answer.status == 200, answer.body
            page = answer.json
            names += [each["name"] for each in page["items"]]
            cursor = page["next_cursor"]
            assert cursor is None or len(page["items"]) == limit
            if cursor is None:
                return names


@pytest.fixture(scope="module")
def place(admin_url: str, template: Database) -> Iterator[Place]:
    with (
        new_database(admin_url, template=template) as own,
        open_pool(own.service_url, max_size=2) as pool,
        running(create_app(Settings(key_cache_s=0), own.service_url)) as api,
    ):
        with pool.connection() as connection:
            operators = create_tenant(connection, "operators")
            key = create_key(connection, operators, ["operate"], label="who runs it").key
        yield Place(api, pool, own, key)


@pytest.fixture(scope="module")
def acme(place: Place) -> Tenant:
    """A tenant with five events, of which three are shown."""
    made = place.tenant("acme", 3)
    project(place.pool, made)
    send(place.pool, made, logins(["more", "and more"]))
    return made


# Who may ask


@pytest.mark.parametrize("path", PATHS)
def test_no_other_scope_shows_the_service(path: str, place: Place, acme: Tenant) -> None:
    key = place.new_key(acme.name, *OTHER_SCOPES)
    for refused in (place.api.get(path, key), place.api.get(path, "rb_unknown")):
        assert refused.status == 403
        assert refused.json["type"] == "urn:roundbook:problem:forbidden"
        assert acme.name not in refused.json["detail"]
    assert place.api.get(path, place.key).status == 200


@pytest.mark.parametrize("path", OF_OTHER_SCOPES)
def test_it_alone_opens_nothing_else(path: str, place: Place) -> None:
    refused = place.api.get(path.replace("{name:str}", "revenue"), place.key)
    assert refused.status == 403
    assert refused.json["type"] == "urn:roundbook:problem:forbidden"


def test_a_key_of_several_scopes_has_all_of_them(place: Place, acme: Tenant) -> None:
    key = place.new_key(acme.name, "read", "operate")
    assert place.api.get(SYSTEM, key).status == 200
    assert place.api.get("/api/v1/balances", key).status == 200
    assert place.api.get("/api/v1/history", key).status == 403


def test_a_look_is_no_access_to_a_log(place: Place, acme: Tenant) -> None:
    for path in PATHS:
        assert place.api.get(path, place.key).status == 200
    with place.pool.connection() as connection:
        assert connection.execute("select count(*) from accesses").fetchone() == (0,)


def test_a_look_is_limited_as_what_its_tenant_asks(place: Place) -> None:
    watchers = place.tenant("watchers")
    key = place.new_key("watchers", "operate")
    with place.pool.connection() as connection:
        set_limit(connection, watchers.tenant_id, Limit(WHOLE_TENANT, 1, None, None, 2))
    assert {place.api.get(SYSTEM, key).status for _ in range(20)} == {200, 429}


def test_the_tenant_of_the_key_may_be_closed_and_a_revoked_key_ends(place: Place) -> None:
    place.tenant("leaving")
    with place.pool.connection() as connection, connect(place.database.owner_url) as owner:
        made = create_key(connection, find_tenant(connection, "leaving"), ["operate"])
        set_closed(owner, "leaving", closed=True, reason="r", by="b")
        assert place.api.get(SYSTEM, made.key).status == 200
        revoke_key(connection, made.key_id)
        assert place.api.get(SYSTEM, made.key).status == 403


# What is told of a tenant


def test_how_far_a_tenant_is(place: Place, acme: Tenant) -> None:
    with place.pool.connection() as connection:
        set_limit(connection, acme.tenant_id, Limit(WHOLE_TENANT, 200, 5000, None, 10))
        set_limit(connection, acme.tenant_id, Limit(7, None, None, 2_000_000, 1))
    before = datetime.now(UTC)
    shown = place.get("/acme").json
    read_at = datetime.fromisoformat(shown["read_at"])
    assert before <= read_at <= datetime.now(UTC)
    assert datetime.fromisoformat(shown["created_at"]) == acme.created_at
    assert (shown["name"], shown["closed_at"]) == ("acme", None)
    assert (shown["log_position"], shown["lag_events"]) == (5, 2)
    assert 0 < shown["lag_seconds"] < 600
    assert shown["failure"] is shown["rebuild"] is None
    assert shown["evidence"]["size"] == 0
    assert shown["limits"] == [
        {
            "key_id": None,
            "requests_per_s": 200,
            "items_per_s": 5000,
            "bytes_per_s": None,
            "burst_s": 10,
        },
        {
            "key_id": 7,
            "requests_per_s": None,
            "items_per_s": None,
            "bytes_per_s": 2_000_000,
            "burst_s": 1,
        },
    ]
    [listed] = [each for each in place.get().json["items"] if each["name"] == "acme"]
    moving = {"read_at", "lag_seconds", "troubles"}
    assert {name: listed[name] for name in listed.keys() - moving} == {
        name: shown[name] for name in shown.keys() - moving
    }


def test_where_read_models_stand_still_and_what_of_it_is_of_the_tenant_alone(place: Place) -> None:
    stuck = place.tenant("stuck", 4)
    project(place.pool, stuck)
    send(place.pool, stuck, logins(["poison"]))
    quoted = "UniqueViolation: somebody twice\nDETAIL:  Key (player_id)=(somebody) already exists."
    with place.pool.connection() as connection:
        connection.execute(
            "insert into tracking (tenant_id, generation, position, live, updated_at)"
            " values (%s, 2, 2, false, now())",
            [stuck.tenant_id],
        )
        fail(connection, Generation(stuck.tenant_id, 1), 5, quoted)
    shown = place.get("/stuck").json
    assert shown["troubles"][0] == "failed"
    assert shown["failure"]["position"] == 5
    assert shown["failure"]["reason"] == "UniqueViolation"
    assert datetime.fromisoformat(shown["failure"]["since"]) <= datetime.now(UTC)
    assert shown["rebuild"] == {"position": 2, "failure": None}
    with place.pool.connection() as connection:
        fail(connection, Generation(stuck.tenant_id, 2), 3, quoted)
        say_rebuilt_anyway(connection, stuck.tenant_id, "player:somebody was changed")
    shown = place.get("/stuck")
    assert shown.json["troubles"][:2] == ["failed", "rebuild_failed"]
    assert "rebuilt_anyway" in shown.json["troubles"]
    assert shown.json["rebuild"]["failure"]["reason"] == "UniqueViolation"
    assert "roundbook verify stuck" in shown.json["evidence"]["rebuilt_anyway"]["reason"]
    assert b"somebody" not in shown.body
    assert b"somebody" not in place.get().body
    listed = roundbook("top", "--once", settings=on(place.database)).stdout.splitlines()
    [line] = [line for line in listed if line.startswith("stuck\t")]
    assert line.split("\t")[5] == (
        "stands still at 5, rebuild stands still at 3, made of a log that is not sound"
    )


@pytest.mark.parametrize(
    ("column", "member"), [("failure", "failure"), ("unstated", "statement_failure")]
)
def test_why_nothing_is_signed_or_stated_is_told_without_what_is_in_the_log(
    column: str, member: str, place: Place
) -> None:
    name = f"un{column}"
    wrong = place.tenant(name, 1)
    kept = {
        "NoKeyError: /keys does not hold the key k": "NoKeyError: /keys does not hold the key k",
        "CheckViolation: new row of player:somebody is wrong": "CheckViolation",
        "player:somebody is wrong": "what it is may quote the log: the tenant's own status says it",
    }
    for reason, told in kept.items():
        with place.pool.connection() as connection:
            connection.execute(
                f"insert into sealing (tenant_id, {column}, {column.replace('failure', 'failed')}_at)"
                f" values (%s, %s, now()) on conflict (tenant_id) do update"
                f" set {column} = excluded.{column}",
                [wrong.tenant_id, reason],
            )
        shown = place.get(f"/{name}")
        assert shown.json["evidence"][member]["reason"] == told
        assert b"somebody" not in shown.body
        own = place.api.get("/api/v1/status", place.new_key(name, "read")).json
        assert own["evidence"][member]["reason"] == reason


def test_who_waits_for_long_is_in_trouble_and_who_waits_a_moment_is_not(place: Place) -> None:
    late = place.tenant("waiting", 1)

    def recorded(ago: str) -> None:
        with connect(place.database.owner_url) as owner:
            owner.execute("alter table events disable trigger user")
            owner.execute(
                "update events set recorded_at = clock_timestamp() - %s::interval where tenant_id = %s",
                [ago, late.tenant_id],
            )
            owner.execute("alter table events enable trigger user")

    recorded("0 seconds")
    assert place.get("/waiting").json["troubles"] == []
    recorded("6 seconds")
    shown = place.get("/waiting").json
    assert shown["troubles"] == ["late"]
    assert 6 <= shown["lag_seconds"] < 600
    project(place.pool, late)
    assert place.get("/waiting").json["troubles"] == []


# Keys


def test_keys_are_shown_with_all_but_what_opens_something(place: Place) -> None:
    place.tenant("keyed")
    label = "<b>\u202ea\nb</b>"
    ends = datetime.now(UTC) + timedelta(days=1)
    with place.pool.connection() as connection:
        owner = find_tenant(connection, "keyed")
        used = create_key(connection, owner, ["read", "ingest"], label=label, expires_at=ends)
        ended = create_key(connection, owner, ["operate"])
        revoke_key(connection, ended.key_id)
    place.api.get("/api/v1/balances", used.key)
    answer = place.get("/keyed/keys")
    first, second = answer.json["items"]
    assert answer.json["next_cursor"] is None
    assert (first["key_id"], first["label"], first["scopes"]) == (
        *(used.key_id, label),
        ["ingest", "read"],
    )
    assert datetime.fromisoformat(first["expires_at"]) == ends
    assert first["last_used_at"] is not None
    assert (first["revoked_at"], second["last_used_at"]) == (None, None)
    assert second["revoked_at"] is not None
    assert "hash" not in str(first.keys())
    assert used.key.encode() not in answer.body


def test_keys_come_in_pages(place: Place) -> None:
    place.tenant("paged")
    made = [place.new_key("paged", "read") for _ in range(5)]
    pages, cursor = [], None
    while True:
        page = place.get("/paged/keys", limit=2, cursor=cursor).json
        pages.append([each["key_id"] for each in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({key_id for page in pages for key_id in page}) == len(made)


def test_a_cursor_belongs_to_the_keys_of_one_tenant(place: Place) -> None:
    for name in ("turned", "other"):
        place.tenant(name)
        for _ in range(2):
            place.new_key(name, "read")
    cursor = place.get("/turned/keys", limit=1).json["next_cursor"]
    assert place.get("/turned/keys", cursor=cursor).status == 200
    refused = place.get("/other/keys", cursor=cursor)
    assert refused.status == 422
    assert [each["code"] for each in refused.json["errors"]] == ["foreign_cursor"]


@pytest.mark.parametrize(
    "name", ["nobody", "..", "%2e%2e", "a%2Fb", "%00", "%ff", "%ED%A0%80", "é", "x" * 1000, "-"]
)
@pytest.mark.parametrize("below", ["", "/keys"])
def test_a_tenant_that_is_not_there_is_404(name: str, below: str, place: Place) -> None:
    answer = place.get(f"/{name}{below}")
    assert answer.status == 404
    assert answer.json["type"] == "urn:roundbook:problem:not-found"


# Many tenants


@pytest.fixture(scope="module")
def many(place: Place, acme: Tenant) -> list[str]:
    """The names of many tenants, in their order; of every fifth an event waits for long."""
    with place.pool.connection() as connection:
        for number in range(MANY):
            made = create_tenant(connection, f"many-{number:03}")
            if number % 5 == 0:
                fail(connection, Generation(made.tenant_id, 1), 1, "of a test")
        return sorted(each.name for each in list_tenants(connection))


@pytest.mark.parametrize("limit", [7, 100, 1000])
def test_all_tenants_are_walked_once_by_name(limit: int, place: Place, many: list[str]) -> None:
    assert place.walk(limit) == many


def test_who_is_in_trouble_can_be_asked_for_alone(
    place: Place, acme: Tenant, many: list[str]
) -> None:
    project(place.pool, acme)  # who begins to be late between two looks is in neither
    ill = place.walk(9, in_trouble=True)
    assert {f"many-{number:03}" for number in range(0, MANY, 5)} <= {*ill}
    well = place.walk(1000, in_trouble=False)
    assert sorted(ill + well) == many
    assert not {*ill} & {*well}


def test_a_tenant_that_is_removed_meanwhile_is_left_out(place: Place, acme: Tenant) -> None:
    removed = Tenant(2**31 - 1, "removed", acme.created_at, [])
    with place.pool.connection() as connection:
        [there] = tenant_statuses(connection, [removed, acme])
    assert there.name == acme.name


def test_a_look_at_many_takes_no_more_statements_than_one_at_few(
    place: Place, many: list[str]
) -> None:
    with watched_connections() as watch, open_pool(place.database.service_url, max_size=1) as pool:
        counted = []
        for limit in (2, len(many)):
            with pool.connection() as connection, watch.watching() as explained:
                tenant_statuses(connection, list_tenants(connection)[:limit])
                counted.append(len(explained))
                read = {scan.table: scan.rows for each in explained for scan in each.scans}
    assert counted[0] == counted[1]
    # An event or two of each tenant, whatever is in its log.
    assert read["events"] <= 2 * len(many)


# How it is asked


@pytest.mark.parametrize(
    ("path", "query", "fault"),
    [
        ("", "in_trouble=1", ("in_trouble", "not_a_boolean")),
        ("", "limit=0", ("limit", "out_of_range")),
        ("", "limit=1001", ("limit", "out_of_range")),
        ("", "cursor=x", ("cursor", "malformed_cursor")),
        ("", "at_least=1", ("at_least", "unknown")),
        ("/acme", "limit=1", ("limit", "unknown")),
        ("/acme/keys", "tenant=acme", ("tenant", "unknown")),
    ],
)
def test_what_does_not_fit_is_a_fault(
    path: str, query: str, fault: tuple[str, str], place: Place, acme: Tenant
) -> None:
    answer = place.get(path, query=query)
    assert answer.status == 422
    assert [(each["parameter"], each["code"]) for each in answer.json["errors"]] == [fault]


def test_a_cursor_is_of_one_collection_and_its_filters(place: Place, many: list[str]) -> None:
    cursor = place.get(limit=1).json["next_cursor"]
    for path, asked in (("", {"in_trouble": True}), ("/acme/keys", {})):
        answer = place.get(path, cursor=cursor, **asked)
        assert answer.status == 422, many[0]


def test_it_is_given_as_json_alone_and_kept_by_no_cache(place: Place, acme: Tenant) -> None:
    for path in PATHS:
        assert place.api.get(path, place.key, headers={"accept": "text/csv"}).status == 406
        answer = place.api.get(path, place.key)
        assert answer.headers["cache-control"] == "no-store"
        assert "log-position" not in answer.headers
    assert [*TENANTS.parameters] == ["in_trouble", "limit", "cursor"]
