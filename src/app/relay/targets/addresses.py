"""Which addresses webhooks go to: those of the internet, unless the operator says otherwise.

A URL is somebody else's word. Without this whoever may name one could have the service ask what only this
host or its network can be asked for (server-side request forgery). The address that was looked at is the
one that is connected to, so a name that stands for another one a moment later leads nowhere else.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from app.relay.targets.target import DeliveryError

# How networks that have IPv6 alone reach IPv4 (RFC 6052).
_TRANSLATED = ip_network("64:ff9b::/96")
# What of IPv6 is given to the internet at all (RFC 4291): whatever else there is, or will be, is not.
_UNICAST = ip_network("2000::/3")
# Not of the internet, though not all versions of Python know it: documentation, what protocols reserve,
# relays of 6to4 that are no more, and what Azure's hosts ask for what is theirs.
_NOT_PUBLIC = [
    ip_network(each) for each in ("3fff::/20", "192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")
]
_PORTS = {"https": 443, "http": 80}


class UrlError(ValueError):
    """A URL is none that a webhook can have; the message says why."""


def parse_url(url: str, *, private: bool) -> SplitResult:
    """Read the URL of a webhook; http alone where it may be `private`. Raises UrlError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UrlError(f"it is no URL: {error}") from None
    if not url.isascii() or any(character <= " " for character in url):
        raise UrlError("it must be percent-encoded ASCII")
    if parts.scheme not in _PORTS:
        raise UrlError("it must begin with https://")
    if parts.scheme == "http" and not private:
        raise UrlError("it must begin with https://; http is for targets of your own network")
    if not parts.hostname or port == 0:
        raise UrlError("it must name a host")
    if parts.username is not None or parts.password is not None:
        raise UrlError("it must hold no user and password: messages are signed")
    if parts.fragment:
        raise UrlError("it must have no fragment")
    return parts


def is_public(text: str) -> bool:
    """Return whether an address is one of the internet, whatever form it has."""
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address in _TRANSLATED:
            address = IPv4Address(int(address) & 0xFFFF_FFFF)
        elif address.sixtofour is not None:
            address = address.sixtofour
        elif address not in _UNICAST:
            return False
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast


async def address_of(url: SplitResult, *, private: bool) -> str:
    """Return an address of the host of a URL to connect to.

    Raises DeliveryError where it has none, or one that is not public and none may be `private`.
    """
    host, port = url.hostname or "", url.port or _PORTS[url.scheme]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DeliveryError(f"{host} has no address: {error}") from None
    addresses = [str(place[0]) for *_, place in found]
    if not private:
        for address in addresses:
            if not is_public(address):
                raise DeliveryError(
                    f"{host} is {address}, which is not public: ROUNDBOOK_PRIVATE_WEBHOOKS=allowed lets"
                    " webhooks go there"
                )
    # Of IPv4 before others, as a host may know those of IPv6 and have no way to them.
    return min(addresses, key=lambda address: ":" in address)
