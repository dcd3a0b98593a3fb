"""What settings may be: kinds of values, each described by what it must be, and what is wrong with one."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

from domain.evidence.anchoring import parse_anchors

Positive = Annotated[
    int, msgspec.Meta(ge=1, le=10**12, description="a whole number from 1 to 1,000,000,000,000")
]
PositiveOrNone = Annotated[
    Annotated[int, msgspec.Meta(ge=1, le=10**12)] | None,
    msgspec.Meta(description="a whole number from 1 to 1,000,000,000,000"),
]
Seconds = Annotated[
    float,
    msgspec.Meta(gt=0, le=86_400, description="a number of seconds, more than 0, at most 86400"),
]
TrustSeconds = Annotated[
    float, msgspec.Meta(ge=0, le=5, description="a number of seconds from 0 to 5")
]
DrainSeconds = Annotated[
    float, msgspec.Meta(ge=0, le=3600, description="a number of seconds from 0 to 3600")
]
Years = Annotated[
    int, msgspec.Meta(ge=1, le=100, description="a whole number of years from 1 to 100")
]
Url = Annotated[
    str | None,
    msgspec.Meta(description="a PostgreSQL URL, as postgresql://user:password@host:5432/database"),
]
BrokerUrl = Annotated[
    str | None,
    msgspec.Meta(description="a URL that begins with amqp, amqps, nats, tls or kafka and ://"),
]
FileOrNone = Annotated[str | None, msgspec.Meta(description="the path of a file")]
Origin = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\A[A-Za-z0-9]([A-Za-z0-9._~:/-]{0,198}[A-Za-z0-9])?\Z",
        description="a URL without its scheme, as example.com/casino: up to 200 letters, digits and ._~:/-",
    ),
]
Command = Annotated[
    str | None,
    msgspec.Meta(description="a command and its arguments, quoted as a shell quotes them"),
]
Anchors = Annotated[
    str | None,
    msgspec.Meta(
        description="anchors separated by spaces: file:PATH, witness:URL+vkey, tsa:URL, each of which"
        " may end in ;interval=SECONDS"
    ),
]
_PORT = r"(\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
_ADDRESS = rf"\A(unix:/.+|(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):{_PORT})\Z"
OpsAddress = Annotated[
    Annotated[str, msgspec.Meta(pattern=_ADDRESS)] | None,
    msgspec.Meta(description="host:port, as 127.0.0.1:9090, or unix:/path/of/a/socket"),
]
Account = Annotated[
    Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}\$?\Z")] | None,
    msgspec.Meta(description="the name of an account of this host"),
]
Folder = Annotated[str, msgspec.Meta(description="the path of a folder")]
FolderOrNone = Annotated[str | None, msgspec.Meta(description="the path of a folder")]
TracesUrl = Annotated[
    Annotated[str, msgspec.Meta(pattern=r"\Ahttps?://[^\s/?#]+(/\S*)?\Z")] | None,
    msgspec.Meta(description="a URL, as http://127.0.0.1:4318/v1/traces"),
]
PrivateWebhooks = Annotated[
    Literal["refused", "allowed"], msgspec.Meta(description="refused or allowed")
]
ConsoleSecret = Annotated[
    str | None,
    msgspec.Meta(description="at least 32 characters that nobody can guess"),
]
OnOrOff = Annotated[Literal["on", "off"], msgspec.Meta(description="on or off")]
LogFormat = Annotated[
    Literal["json", "console"] | None, msgspec.Meta(description="json or console")
]

BROKER_SCHEMES = ("amqp", "amqps", "nats", "tls", "kafka")
"""How the URLs of brokers begin: of RabbitMQ, NATS and Kafka, the second of two with TLS."""

_LEAST_SECRET = 32


def is_secret(kind: object) -> bool:
    """Return whether a value of a kind may hold a password: it is not shown with what is wrong."""
    return kind in _FAULTS_OF_SECRETS


def fault_of(kind: object, value: str) -> str | None:
    """Say what is wrong with a value of a kind, None if nothing is."""
    if is_secret(kind):
        wrong = _FAULTS_OF_SECRETS[kind](value)
        return None if wrong is None else f"must be {get_args(kind)[1].description}{wrong}"
    fault = f"must be {get_args(kind)[1].description}, not {value!r}"
    try:
        if msgspec.convert(value, kind, strict=False) is None:  # of the word `null`
            return fault
        if kind in {Folder, FolderOrNone, FileOrNone}:
            Path(value).expanduser()
    except (msgspec.ValidationError, RuntimeError):
        return fault
    return None


def _fault_of_url(url: str) -> str | None:
    if not url.startswith(("postgresql://", "postgres://")):
        return ""
    try:
        conninfo_to_dict(url)
    except psycopg.Error:
        # libpq's own words would quote the part it can't read, which may be the password.
        return "; percent-encode its parts"
    return None


def _fault_of_broker(url: str) -> str | None:
    scheme, _, rest = url.partition("://")
    return None if scheme in BROKER_SCHEMES and rest.strip("/") else ""


def _fault_of_secret(secret: str) -> str | None:
    return None if len(secret) >= _LEAST_SECRET else ""


def _fault_of_command(command: str) -> str | None:
    try:
        return None if shlex.split(command) else ""
    except ValueError:
        return "; a quote is not closed"


def _fault_of_anchors(anchors: str) -> str | None:
    try:
        parse_anchors(anchors)
    except ValueError as error:
        return f"; {error}"
    return None


_FAULTS_OF_SECRETS: dict[object, Callable[[str], str | None]] = {
    Url: _fault_of_url,
    BrokerUrl: _fault_of_broker,
    Command: _fault_of_command,
    ConsoleSecret: _fault_of_secret,
    Anchors: _fault_of_anchors,
}
"""What may hold a password: functions that say what is wrong, if anything, without showing it."""
