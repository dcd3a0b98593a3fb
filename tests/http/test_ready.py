"""A service is ready that may do what it must."""

import psycopg

from tests.databases import SERVICE_ROLE, Database
from tests.http.service import Service, eventually

_NEEDED = ("insert on events", "execute on lock_log(int)", "select on balances")


def test_a_service_whose_role_may_not_do_what_it_must_is_not_ready_until_it_may_again(
    own: Service, fresh_database: Database
) -> None:
    with (
        psycopg.connect(fresh_database.owner_url, autocommit=True) as owner,
        own.for_operators() as client,
    ):
        for needed in _NEEDED:
            right, _, name = needed.partition(" on ")
            on = f"{'function ' if right == 'execute' else ''}roundbook.{name}"
            owner.execute(f"revoke {right} on {on} from {SERVICE_ROLE}".encode())
            answer = client.get("/health/ready")
            assert answer.status_code == 503
            assert answer.json()["reason"] == f"the role that serves may not {needed}"
            assert answer.headers["Retry-After"] == "1"
            owner.execute(f"grant {right} on {on} to {SERVICE_ROLE}".encode())
    eventually(lambda: own.answers("/health/ready"))
