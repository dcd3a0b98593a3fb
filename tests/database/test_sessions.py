"""Whatever environment, database, role or service file say: bytes mean the same, and nothing is lost."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest
from psycopg import sql

from api.asgi import create_app
from api.tenancy import create_tenant
from app.settings import Settings
from app.tenants import SCOPES, create_key, list_keys, list_tenants
from postgres import libpq, session
from postgres.connections import Connection, connect, open_pool, parameters
from postgres.session import CHECKED, PINNED, SessionError
from tests.database.hostile import OTHER_ROLE, ROLE, SETTINGS, SOURCES, Victim, with_query
from tests.http.wire import EVENTS, body, deposit, item
from tests.projections.helpers import project
from tests.queries.asgi import running

PLAIN = {**CHECKED}


@pytest.fixture
def hostile(
    served: Victim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """A function that lets settings come from a source, and gives the URL that meets them there."""
    return lambda source: SOURCES[source](served, tmp_path, monkeypatch)


def read(connection: Connection) -> dict[str, str]:
    """Say what a session is set to."""
    query = "select name, current_setting(name, true) from unnest(%s::text[]) as s (name)"
    return dict(connection.execute(query, [list(PINNED)]).fetchall())


def test_there_is_another_value_for_each_setting() -> None:
    assert list(SETTINGS) == list(PINNED)


@pytest.mark.parametrize("source", SOURCES)
def test_a_session_is_set_to_the_same_wherever_settings_come_from(
    source: str, served: Victim, hostile: Callable[[str], str]
) -> None:
    with connect(served.url) as usual:
        expected = read(usual)
    url = hostile(source)
    with connect(url) as connection:
        assert read(connection) == expected
        assert connection.execute("select session_user, current_user").fetchone() == (ROLE, ROLE)
        assert connection.info.encoding == "utf-8"
    in_pools = {
        "by key": (
            open_pool(url, max_size=1, lock_timeout_s=2.5),
            {"lock_timeout": "2500ms", "plan_cache_mode": "force_generic_plan"},
        ),
        "queries": (
            open_pool(url, max_size=1, for_queries=True, statement_timeout_s=30),
            {"lock_timeout": "10s", "statement_timeout": "30s"},
        ),
    }
    for pool, others in in_pools.values():
        with pool, pool.connection() as lent:
            assert read(lent) == expected | others
    for name, value in served.settings.items():
        assert expected[name] != value, "the test would see nothing"


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_sent_comes_back_wherever_settings_come_from(
    source: str, served: Victim, hostile: Callable[[str], str]
) -> None:
    url = hostile(source)
    with connect(url) as connection:
        tenant = create_tenant(connection, "acme", ["BTC"])
        key = create_key(connection, tenant, SCOPES, expires_at=datetime(2999, 1, 1, tzinfo=UTC))
        assert list_tenants(connection) == [tenant]
        assert [each.key_id for each in list_keys(connection, tenant)] == [key.key_id]
        assert tenant.created_at.utcoffset() == datetime.now(UTC).utcoffset()

    sent = [
        deposit("ü-1", player_id="Åsa", amount=0.1, method="\\'\"\N{EURO SIGN}\N{TIGER FACE}"),
        deposit("ü-2", player_id="Åsa", amount=0.2, currency="BTC"),
        item("game", "ü-3", game_id="btg/bonanza", name="Böse\\Maus", features=["NULL", ""]),
        item("player", "ü-4", player_id="Åsa", tags=["ß", "vip"], registration_date="1980-12-31"),
    ]
    with running(create_app(Settings(), url)) as api:
        app: Any = api.app

        async def ask(path: str, content: bytes | None = None) -> httpx.Response:
            headers = {"x-api-key": key.key, "content-type": "application/json"}
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                method = "GET" if content is None else "POST"
                return await client.request(method, path, content=content, headers=headers)

        def get(path: str) -> Any:
            answer = api.portal.call(ask, path)
            assert answer.status_code == 200, answer.text
            return answer.json()

        for outcome in ("stored", "duplicate"):
            answer = api.portal.call(ask, EVENTS, body(*sent))
            assert answer.status_code == 204, answer.text
            assert answer.headers[f"events-{outcome}"] == "4"
        with open_pool(url, max_size=4) as pool:
            assert project(pool, tenant, chunk_events=2) == 4
        history = get("/api/v1/history")["items"]
        assert [entry["data"] for entry in history] == [each["data"] for each in sent]
        assert [entry["stream"] for entry in history] == [
            *["player:Åsa"] * 2,
            "game:btg/bonanza",
            "player:Åsa",
        ]
        assert [entry["version"] for entry in history] == [1, 2, 1, 3]
        for entry in history:
            assert entry["recorded_at"].endswith("Z")
            away = datetime.now(UTC) - datetime.fromisoformat(entry["recorded_at"])
            assert abs(away.total_seconds()) < 3_600
        balances = get(f"/api/v1/balances?player_id={quote('Åsa')}")["items"]
        assert [(each["currency"], each["real"]) for each in balances] == [
            ("BTC", "0.2"),
            ("EUR", "0.1"),
        ]
        assert [each["player_id"] for each in get("/api/v1/players?tag=vip")["items"]] == ["Åsa"]
        player = get(f"/api/v1/players/{quote('Åsa')}")
        assert (player["tags"], player["registration_date"]) == (
            ["ß", "vip"],
            "1980-12-31T00:00:00Z",
        )
        assert (
            get(f"/api/v1/games?q={quote('BÖSE')}")["items"] or get("/api/v1/games?q=maus")["items"]
        )
        assert get("/api/v1/transactions")["items"][0]["timestamp"].endswith("Z")


def test_what_an_operator_says_in_the_url_is_kept_but_for_what_is_counted_on(
    database_url: str,
) -> None:
    asked = (
        "options=-c%20acme.who%3Dme%20-c%20DateStyle%3DGerman&connect_timeout=7&keepalives_idle=3"
    )
    url = with_query(database_url, asked + "&target_session_attrs=read-write&application_name=x")
    given = parameters(url)
    assert (given["connect_timeout"], given["keepalives_idle"]) == ("7", "3")
    assert given["target_session_attrs"] == "read-write"
    assert given["application_name"] == "roundbook"
    with connect(url) as connection:
        assert connection.execute("select current_setting('acme.who')").fetchone() == ("me",)
        assert connection.execute("show DateStyle").fetchone() == ("ISO, YMD",)


def test_a_service_that_the_url_names_says_where_to_connect(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = psycopg.conninfo.conninfo_to_dict(database_url)
    file = tmp_path / "services.conf"
    file.write_text("[mine]\n" + "".join(f"{name}={value}\n" for name, value in given.items()))
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    with connect("postgresql://?service=mine") as connection:
        assert connection.info.dbname == given["dbname"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("session_replication_role", "replica"),
        ("zero_damaged_pages", "on"),
        ("ignore_checksum_failure", "on"),
        ("track_activities", "off"),
        ("track_counts", "off"),
    ],
)
def test_a_setting_that_only_the_servers_master_may_change_is_refused_by_name(
    name: str, value: str, served: Victim
) -> None:
    places = [
        sql.SQL("database {}").format(sql.Identifier(served.name)),
        sql.SQL("role {}").format(sql.Identifier(ROLE)),
        sql.SQL("role {} in database {}").format(sql.Identifier(ROLE), sql.Identifier(served.name)),
    ]
    for place in places:
        alter = sql.SQL("alter {} set {} to {}")
        served.as_admin(alter.format(place, sql.Identifier(name), sql.Literal(value)))
        with pytest.raises(SessionError, match=f"has {name} = {value}, and Roundbook needs"):
            connect(served.url)
        served.as_admin(sql.SQL("alter {} reset {}").format(place, sql.Identifier(name)))
    connect(served.url).close()


@pytest.mark.parametrize("name", CHECKED)
def test_each_setting_that_is_checked_is_read_from_the_server(
    name: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHECKED, name, "otherwise")
    with pytest.raises(SessionError, match=f"has {name} = {PLAIN[name]}, and .* needs otherwise"):
        connect(database_url)


def test_an_older_postgresql_is_refused_by_its_version(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MINIMUM_VERSION", 999_999)
    with pytest.raises(SessionError, match=r"PostgreSQL 15 or later is needed, not \d\d\.\d+"):
        connect(database_url)


def test_a_pool_lends_no_session_that_can_not_be_counted_on(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHECKED, "fsync", "otherwise")
    with open_pool(database_url, max_size=1, timeout_s=0.5) as pool:
        with pytest.raises(psycopg.OperationalError), pool.connection():
            pass
        monkeypatch.undo()
        with pool.connection(timeout=60) as lent:
            assert lent.execute("select 1").fetchone() == (1,)


def test_a_role_that_becomes_another_when_it_connects_stays_itself(served: Victim) -> None:
    names = sql.Identifier(ROLE), sql.Literal(OTHER_ROLE)
    served.as_admin(sql.SQL("alter role {} set role to {}").format(*names))
    with psycopg.connect(served.url) as plain:
        assert plain.execute("select current_user").fetchone() == (OTHER_ROLE,)
    with connect(served.url) as connection:
        assert connection.execute("select session_user, current_user").fetchone() == (ROLE, ROLE)


def test_each_setting_is_documented() -> None:
    documented = (Path(__file__).parents[2] / "docs/database.md").read_text("utf-8")
    assert [name for name in (*PINNED, *CHECKED) if f"`{name}`" not in documented] == []
    said = documented.partition("These have no effect")[2].partition("In the URL")[0]
    assert [name for name in libpq.MISLEADING if f"`{name}`" not in said] == []
