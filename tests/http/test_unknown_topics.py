"""Events of a type that nobody knows, by the service's credential: they harm one tenant, and are named."""

from collections.abc import Callable

from app.tenants import find_tenant
from postgres.connections import connect
from tests.databases import Database
from tests.http.service import Service, eventually, on, roundbook
from tests.http.wire import EVENTS, body, login

INVENTED = (
    "insert into events (position, recorded_at, occurred_at, tenant_id, version, key, stream, topic, state)"
    " values (2, clock_timestamp(), now(), %s, 2, '\\x00', 'player:p', 'Future', '{}')"
)


def test_read_models_stand_still_for_one_tenant_and_all_say_where(
    fresh_database: Database, start: Callable[..., Service]
) -> None:
    settings = on(fresh_database)
    service = start(settings=settings)
    keys = {}
    for name in ("robbed", "other"):
        service.new_tenant(name)
        keys[name] = service.new_key(name, "ingest", "read")
        with service.client(keys[name]) as client:
            assert client.post(EVENTS, content=body(login("first"))).status_code == 204
    with connect(fresh_database.service_url) as thief:
        robbed = find_tenant(thief, "robbed").tenant_id
        thief.execute(INVENTED, [robbed])
    with service.client(keys["robbed"]) as client:

        def failures() -> list[dict[str, object] | None]:
            return [each["failure"] for each in client.get("/api/v1/status").json()["projections"]]

        eventually(lambda: all(failures()))
        for failure in failures():
            assert failure is not None
            assert failure["position"] == 2
            assert failure["reason"] == "UnknownTopicError: unknown topic 'Future'"
        failing = f'roundbook_projection_failing{{tenant_id="{robbed}"}} 1.0'
        eventually(lambda: failing in client.get("/metrics").text)
        assert client.post(EVENTS, content=body(login("next"))).status_code == 204
        assert client.get("/api/v1/players/p").json()["logins"] == 1, "what came before is shown"
    with service.client(keys["other"]) as client:
        sent = client.post(EVENTS, content=body(login("second")))
        at_least = {"at_least": sent.headers["Log-Position"]}
        assert client.get("/api/v1/players/p", params=at_least).json()["logins"] == 2
    verified = roundbook("verify", "robbed", settings=settings, check=False)
    assert verified.returncode == 1
    assert "2 line: its type 'Future' is none that this version knows" in verified.stdout
    assert roundbook("verify", "other", settings=settings, check=False).returncode == 0
