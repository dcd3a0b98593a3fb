"""Wrong keys by address: refused without a look-up, while right keys of the same address go on."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api.http.wrong_keys import WrongKeys
from tests.databases import Database
from tests.http.service import Service, on
from tests.http.wire import EVENTS, assert_problem, body, counts, login, new_key


@pytest.fixture
def watched(fresh_database: Database, start: Callable[..., Service]) -> Service:
    own = start(settings=on(fresh_database) | {"ROUNDBOOK_KEY_CACHE_S": "0.001"})
    own.new_tenant("acme")
    return own


def test_who_sends_many_wrong_keys_is_refused_and_who_had_a_right_one_is_not(
    watched: Service, fresh_database: Database
) -> None:
    right, new = (new_key(fresh_database, "acme") for _ in range(2))
    with watched.client(right) as client:
        assert counts(client.post(EVENTS, content=body(login("a")))) == (1, 0, 0)

        def status(number: int) -> int:
            wrong = {"x-api-key": f"rb_wrong-{number}"}
            return client.post(EVENTS, content=body(), headers=wrong).status_code

        statuses = [status(number) for number in range(1_000)]
        assert statuses[:100] == [403] * 100
        assert statuses.count(429) > 500, "or this machine takes 50 s for 1,000 refusals"
        # A right key that was seen here is looked up again and again; one that is new waits its turn.
        for name in "bcd":
            assert counts(client.post(EVENTS, content=body(login(name)))) == (1, 0, 0)
        refused = client.post(EVENTS, content=body(), headers={"x-api-key": "rb_another"})
        while refused.status_code == 403:
            refused = client.post(EVENTS, content=body(), headers={"x-api-key": "rb_another"})
        assert_problem(refused, "rate-limited")
        assert refused.headers["retry-after"] == "1"
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=watched.url, transport=elsewhere) as other:
        headers = {"content-type": "application/json", "x-api-key": new}
        assert other.post(EVENTS, content=body(login("e")), headers=headers).status_code == 204
    metrics = httpx.get(f"{watched.url}/metrics").text
    assert 'roundbook_rate_limited_total{what="wrong-keys"}' in metrics


def test_the_clients_of_a_proxy_are_told_apart_by_what_it_says(
    fresh_database: Database, start: Callable[..., Service]
) -> None:
    own = start(settings=on(fresh_database) | {"FORWARDED_ALLOW_IPS": "127.0.0.1"})
    own.new_tenant("acme")
    with own.client() as client:

        def status(address: str, key: str) -> int:
            headers = {"x-api-key": key, "x-forwarded-for": address}
            return client.post(EVENTS, content=body(), headers=headers).status_code

        refused = (status("192.0.2.1", f"rb_wrong-{number}") == 429 for number in range(10_000))
        assert any(refused)
        assert status("192.0.2.2", new_key(fresh_database, "acme")) == 204


def test_any_number_of_right_keys_of_one_address_is_looked_up_at_the_same_time(
    watched: Service, fresh_database: Database
) -> None:
    keys = [new_key(fresh_database, "acme") for _ in range(130)]
    with watched.client() as client, ThreadPoolExecutor(40) as threads:

        def status(key: str) -> int:
            return client.post(EVENTS, content=body(), headers={"x-api-key": key}).status_code

        assert set(threads.map(status, keys)) == {204}


def test_addresses_of_one_network_are_one_and_the_memory_of_them_is_bounded() -> None:
    wrong_keys = WrongKeys()
    for number in range(100):
        assert not wrong_keys.wait_s(f"2001:db8::{number:x}")
        wrong_keys.count(f"2001:db8::{number:x}")
    assert 0 < wrong_keys.wait_s("2001:db8::ffff:1") <= 0.1
    assert not wrong_keys.wait_s("2001:db8:0:1::1")
    assert not wrong_keys.wait_s("192.0.2.1")
    for number in range(10_000):
        wrong_keys.count(f"unix-{number}")
    assert len(wrong_keys._free_at) == 10_000
    assert not wrong_keys.wait_s("2001:db8::1")
