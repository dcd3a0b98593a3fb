"""A request with several faults is answered for the first of the contract's order (§1)."""

import httpx
import pytest

from tests.http.wire import EVENTS, assert_problem, body, login

TOO_MANY_BYTES = b"{" * (16 * 1024 * 1024 + 1)
NOT_JSON = b"{"
TOO_MANY_ITEMS = body(*["no item"] * 10_001)


@pytest.mark.parametrize("sent", [TOO_MANY_BYTES, NOT_JSON, TOO_MANY_ITEMS, body(login(""))])
@pytest.mark.parametrize("content_type", ["text/plain", "application/json"])
def test_the_key_comes_before_everything(
    client: httpx.Client, sent: bytes, content_type: str
) -> None:
    headers = {"x-api-key": "rb_unknown", "content-type": content_type, "content-encoding": "br"}
    assert_problem(client.post(EVENTS, content=sent, headers=headers), "forbidden")


def test_the_content_type_comes_before_the_encoding_and_the_size(client: httpx.Client) -> None:
    headers = {"content-type": "text/plain", "content-encoding": "br"}
    answer = client.post(EVENTS, content=TOO_MANY_BYTES, headers=headers)
    assert_problem(answer, "unsupported-media-type")


def test_the_encoding_comes_before_the_size(client: httpx.Client) -> None:
    answer = client.post(EVENTS, content=TOO_MANY_BYTES, headers={"content-encoding": "br"})
    assert_problem(answer, "unsupported-encoding")


@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
def test_the_size_comes_before_what_is_in_it(client: httpx.Client, encoding: str) -> None:
    sent = TOO_MANY_BYTES + bytes(1024 * 1024)  # more than the encoded form of any body that fits
    answer = client.post(EVENTS, content=sent, headers={"content-encoding": encoding})
    assert_problem(answer, "body-too-large")


@pytest.mark.parametrize(
    "sent", [TOO_MANY_ITEMS + b"}", TOO_MANY_ITEMS.replace(b"no item", b"\xff", 1)]
)
def test_json_comes_before_the_number_of_items(client: httpx.Client, sent: bytes) -> None:
    assert_problem(client.post(EVENTS, content=sent), "malformed-body")


def test_json_comes_before_the_items(client: httpx.Client) -> None:
    assert_problem(client.post(EVENTS, content=body(login(""))[:-1]), "malformed-body")


def test_the_number_of_items_comes_before_the_items(client: httpx.Client) -> None:
    assert_problem(client.post(EVENTS, content=TOO_MANY_ITEMS), "too-many-items")
