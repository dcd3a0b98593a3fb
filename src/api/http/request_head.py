"""What HTTP itself forbids in the head of a request, beyond what its parser refuses (RFC 9110, RFC 9112).

Characters that a URI should not hold but browsers send as they are (`"`, `|`, `[` and the like) are let
through: they have one meaning. A percent sign that encodes nothing has none.
"""

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple

from api.http.problems import ProblemError

Headers = list[tuple[bytes, bytes]]

_MOST_TARGET_BYTES = 16_384
"""Room for every id of a path and every parameter at its longest, percent-encoded, and a cursor."""

_TARGET = re.compile(rb"[!-~]+")
_ABSOLUTE = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE)
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")

# RFC 3986, section 3.2.2; a name may not be empty in an http URI (RFC 9110, section 4.2.1).
_AUTHORITY = re.compile(
    rb"(?:\[(?:(?P<v6>[0-9A-Fa-f:.]+)|v[0-9A-Fa-f]+\.[\w.~!$&'()*+,;=:-]+)\]"
    rb"|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)"
    rb"(?P<port>:(?P<number>[0-9]{0,5}))?"
)
_GREATEST_PORT = 65_535


class Target(NamedTuple):
    """What a request is about. `path` is raw, `*` for the server as a whole."""

    path: bytes
    query: bytes


def read_head(method: str, version: str, target: bytes, headers: Headers) -> Target:
    """Read the target of a request, once its head is found to be what HTTP allows.

    An absolute target's authority takes the place of `host` in `headers` (RFC 9112, section 3.2.2).
    Raises ProblemError.
    """
    if version not in {"1.0", "1.1"}:
        detail = f"HTTP/{version} is not spoken here; HTTP/1.1 and HTTP/1.0 are."
        raise ProblemError("version-not-supported", detail)
    hosts, codings = [], []
    for name, value in headers:
        if name == b"host":
            hosts.append(value)
        elif name == b"transfer-encoding":
            codings.append(value)
    _check_host(version, hosts)
    if codings:
        _check_transfer_coding(version, b",".join(codings))
    return _read_target(method, target, headers)


def _check_host(version: str, hosts: list[bytes]) -> None:
    if len(hosts) > 1:
        raise _bad("The header Host is given more than once.")
    if not hosts and version != "1.0":
        raise _bad("The header Host is missing, which HTTP/1.1 requires.")
    if hosts and not _is_authority(hosts[0]):
        raise _bad("The header Host is not a host with an optional port from 0 to 65535.")


@lru_cache(maxsize=64)  # nearly every request names the same host
def _is_authority(text: bytes, *, with_port: bool = False) -> bool:
    found = _AUTHORITY.fullmatch(text)
    if found is None or int(found["number"] or 0) > _GREATEST_PORT:
        return False
    if with_port and not found["number"]:
        return False
    if found["v6"] is not None:
        try:
            ipaddress.IPv6Address(found["v6"].decode("ascii"))
        except ValueError:
            return False
    return True


def _check_transfer_coding(version: str, value: bytes) -> None:
    if version == "1.0":
        raise _bad("HTTP/1.0 has no Transfer-Encoding: where the body ends is in doubt.")
    codings = [coding for each in value.lower().split(b",") if (coding := each.strip(b" \t"))]
    if codings == [b"chunked"]:
        return
    if codings.count(b"chunked") == 1 and codings[-1] == b"chunked":
        detail = (
            "Of transfer codings only chunked is understood; Content-Encoding may be gzip or zstd."
        )
        raise ProblemError("not-implemented", detail)
    raise _bad(
        "Transfer-Encoding does not end with chunked, once: where the body ends is in doubt."
    )


def _read_target(method: str, target: bytes, headers: Headers) -> Target:
    if len(target) > _MOST_TARGET_BYTES:
        detail = f"The request target is limited to {_MOST_TARGET_BYTES} bytes."
        raise ProblemError("target-too-long", detail)
    if not _TARGET.fullmatch(target):
        raise _bad("The request target holds a byte that must be percent-encoded.")
    if method == "CONNECT":
        raise _no_proxy(target)
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute:
        target = _without_authority(method, absolute[1], absolute[2], headers)
    if target == b"*":
        if method != "OPTIONS":
            raise _bad("The request target * is for OPTIONS alone.")
    elif not target.startswith(b"/"):
        raise _bad("The request target is neither a path nor an http URI.")
    if b"#" in target:
        raise _bad("The request target holds a fragment; # in a path or a query is written %23.")
    path, _, query = target.partition(b"?")
    if _BAD_PERCENT.search(path):
        raise _bad("The path holds a percent sign without two hexadecimal digits after it.")
    return Target(path, query)


def _without_authority(method: str, authority: bytes, rest: bytes, headers: Headers) -> bytes:
    if not _is_authority(authority):
        raise _bad("The authority of the request target is not a host with an optional port.")
    headers[:] = [(b"host", authority), *(each for each in headers if each[0] != b"host")]
    if not rest and method == "OPTIONS":  # section 3.2.4
        return b"*"
    return rest if rest.startswith(b"/") else b"/" + rest


def _no_proxy(target: bytes) -> ProblemError:
    if not _is_authority(target, with_port=True):
        return _bad("The request target of CONNECT must be a host and a port.")
    detail = "This is no proxy: CONNECT is allowed nowhere."
    return ProblemError("method-not-allowed", detail, headers={"Allow": ""})


def _bad(detail: str) -> ProblemError:
    return ProblemError("bad-request", detail)
