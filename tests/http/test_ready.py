"""A service is ready that may do what it must."""

import psycopg

from tests.databases import SERVICE_ROLE, Database
from tests.http.service import Service, eventually
from tests.http.wire import EVENTS, assert_problem, body, login

_POST = f"POST {EVENTS}"
# Rights, and a request that needs each.
_NEEDED = {
    "insert on events": _POST,
    "execute on lock_log(int)": _POST,
    "select on balances": "GET /api/v1/balances",
}


def test_a_service_whose_role_may_not_do_what_it_must_is_not_ready_until_it_may_again(
    own: Service, fresh_database: Database
) -> None:
    with (
        psycopg.connect(fresh_database.owner_url, autocommit=True) as owner,
        own.for_operators() as client,
        own.client(own.new_key("acme", "ingest", "read")) as asking,
    ):
        for number, (needed, request) in enumerate(_NEEDED.items()):
            method, path = request.split()
            content = body(login(f"l{number}")) if method == "POST" else None
            right, _, name = needed.partition(" on ")
            on = f"{'function ' if right == 'execute' else ''}roundbook.{name}"
            owner.execute(f"revoke {right} on {on} from {SERVICE_ROLE}".encode())
            why = f"the role that serves may not {needed}"
            eventually(lambda: client.get("/health/ready").json().get("reason") == why)  # noqa: B023  # called at once
            answer = client.get("/health/ready")
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "1"
            # Nor does it look like a fault of the request, or one that lasts.
            refused = asking.request(method, path, content=content)
            assert_problem(refused, "store-unavailable")
            assert "right" in refused.json()["detail"]
            owner.execute(f"grant {right} on {on} to {SERVICE_ROLE}".encode())
            assert asking.request(method, path, content=content).is_success
    eventually(lambda: own.answers("/health/ready"))
