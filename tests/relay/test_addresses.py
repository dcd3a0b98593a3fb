"""Which URLs webhooks can have, and which addresses are of the internet."""

import asyncio

import pytest

from app.relay.targets.addresses import UrlError, address_of, is_public, parse_url
from app.relay.targets.target import DeliveryError


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.8.9.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
        ),
        *("169.254.169.254", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::a00:1", "2002:7f00:1::"),
        *("64:ff9b:1::1", "64:ff9b:1:a00::1", "fec0::1", "::1.1.1.1", "::ffff:0:1.1.1.1"),
        *("5f00::1", "3fff::1", "3fff:fff::1", "4000::1", "2001::1", "100::1"),
        *("192.0.0.9", "192.0.0.192", "192.88.99.1", "168.63.129.16"),
        *("::ffff:168.63.129.16", "64:ff9b::192.88.99.1", "2002:a83f:8110::"),
    ],
)
def test_what_is_not_of_the_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "93.184.215.14",
        "1.1.1.1",
        "2606:4700:4700::1111",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
        "168.63.129.17",
    ],
)
def test_what_is_of_the_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://example.com/", "must begin with https://"),
        ("example.com/hook", "must begin with https://"),
        ("https:///hook", "must name a host"),
        ("https://example.com:0/", "must name a host"),
        ("https://example.com:99999/", "it is no URL"),
        ("https://[::1/", "it is no URL"),
        ("https://user:secret@example.com/", "no user and password"),
        ("https://example.com/#part", "no fragment"),
        ("https://example.com/a b", "percent-encoded"),
        ("https://exämple.com/", "percent-encoded"),
        ("http://example.com/", "http is for targets of your own network"),
    ],
)
def test_urls_that_no_webhook_can_have(url: str, why: str) -> None:
    with pytest.raises(UrlError, match=why):
        parse_url(url, private=False)


def test_http_is_for_ones_own_network() -> None:
    assert parse_url("http://hooks.internal:8080/a?b=c", private=True).port == 8080
    assert parse_url("https://example.com", private=False).hostname == "example.com"


def test_what_is_connected_to_is_the_address_that_was_looked_at() -> None:
    private = parse_url("http://127.0.0.1:81/", private=True)
    assert asyncio.run(address_of(private, private=True)) == "127.0.0.1"
    with pytest.raises(DeliveryError, match="not public: ROUNDBOOK_PRIVATE_WEBHOOKS=allowed"):
        asyncio.run(address_of(private, private=False))
    nowhere = parse_url("https://no-such-host.invalid/", private=True)
    with pytest.raises(DeliveryError, match="has no address"):
        asyncio.run(address_of(nowhere, private=True))
