"""Settings from the environment, each checked at the start."""

import os
import shlex
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

from domain.evidence.anchoring import AnchorSpec, parse_anchors

PREFIX = "ROUNDBOOK_"

# What each must be is told in the words of its description.
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

_FILE = "_FILE"
_LEAST_SECRET = 32
_BYTE_ORDER_MARK = "\ufeff"


class SettingsError(ValueError):
    """Settings in the environment that can't be used; the message names each on a line of its own."""


def _variable(field: str) -> str:
    return PREFIX + field.upper()


class Settings(msgspec.Struct, frozen=True, rename=_variable):
    """All that an operator can set, each from the variable ROUNDBOOK_ + its name in capitals."""

    database_url: Url = None
    """The PostgreSQL (15 or later) with the credential that serves. Absent: the embedded one."""
    owner_url: Url = None
    """The same database as its owner, to migrate. Absent: the credential that serves."""
    replica_url: Url = None
    """A hot standby of that database, one server, from which queries are answered. Absent: none."""
    data_dir: Folder = ".roundbook"
    """Where the embedded PostgreSQL lives."""
    max_body_bytes: Positive = 16 * 1024 * 1024
    """The largest request body, decompressed."""
    pool_size: Positive = 10
    """Connections with which each worker writes and reads, half each. It keeps up to half as many more for
    reading, four, and up to `max_long_answers`."""
    max_inflight_bytes: Positive = 128 * 1024 * 1024
    """How many bytes of requests a process holds at once, each with 32 KiB for itself; what comes beyond is
    answered 503. A tenant holds at most twice what stays free, a key twice what stays free to its tenant."""
    max_working_bytes: Positive = 8 * 1024 * 1024
    """How many bytes of requests a process works on at once; the others wait their turn."""
    head_timeout_s: Seconds = 20.0
    """How long a client may take to send the head of a request; a connection without one ends as soon."""
    max_event_bytes: Positive = 256 * 1024
    """The longest `data` of one item, in bytes as sent."""
    body_timeout_s: Seconds = 60.0
    """How long a client may take to send a request's body."""
    body_grace_s: Seconds = 10.0
    """How long a body may bring less than it is to: in each such stretch it must bring its part."""
    min_body_rate: Positive = 1_000
    """How many bytes a second a request's body must bring, over each `body_grace_s`."""
    lock_timeout_s: Seconds = 10.0
    """How long a batch waits for the database, and for its turn in its log, before it is answered 503."""
    statement_timeout_s: Seconds = 20.0
    """How long the store may take for one statement of a batch, of a look-up, of the projector or the sealer;
    an answer that is lost is waited for some seconds longer."""
    stalled_writer_s: Seconds = 20.0
    """How long a transaction may wait for its process, stopped or starved, before it is ended."""
    request_timeout_s: Seconds = 45.0
    """How long a request may take from when its body is whole until its answer begins; then it is 503."""
    silent_process_s: Seconds = 60.0
    """How long a process of `serve` may be silent, stopped or hung, before it is ended and started again."""
    drain_s: DrainSeconds = 0.0
    """How long `serve`, told to end, goes on serving and says that it is not ready."""
    at_least_timeout_s: Seconds = 5.0
    """How long a query with `at_least` waits for the read models."""
    query_timeout_s: Seconds = 30.0
    """How long the store may work for a query, or for a piece of a stream, before it is ended."""
    max_waiting_queries: Positive = 200
    """How many queries of a tenant wait in a worker, of one key half as many; what comes beyond is 429."""
    max_streams_per_tenant: Positive = 1_000
    """How many streams of a tenant are open in a worker; beyond it is 429."""
    max_streams_per_key: Positive = 200
    """The same of one key."""
    max_long_answers: Positive = 4
    """How many answers in CSV that are longer than a page a worker reads at once, each of one moment by a
    connection of its own; beyond it is 429. A tenant takes one while it has fewer than are left."""
    long_answer_s: Seconds = 3_600.0
    """How long a client may take for such an answer before it is broken off."""
    max_unsent_bytes: Positive = 32 * 1024 * 1024
    """How many bytes of streams that were not taken yet a worker holds, and as many of other answers."""
    send_timeout_s: Seconds = 60.0
    """How long a client may take nothing of its answer before it is broken off."""
    key_cache_s: TrustSeconds = 5.0
    """How long a process trusts what it last read about a key. Open streams look up to 4 s later: with the
    5 that are the most a revocation holds everywhere within 10 s."""
    poll_interval_s: Seconds = 0.05
    """How often an idle projector looks for new events."""
    chunk_events: Positive = 20_000
    """How many events the projector folds and writes in one transaction at most."""
    rebuild_rate: PositiveOrNone = None
    """How many events a second a rebuild makes at most. Absent: as many as it can while nobody waits."""
    evidence_origin: Origin = "roundbook.invalid"
    """How the names of new logs begin, for ever: a URL without its scheme that nobody else uses."""
    signing_keys: FolderOrNone = None
    """Where the keys of the logs are, and what was last signed by each. Absent: `keys` in the data folder."""
    sign_command: Command = None
    """A command that signs: the text on stdin, a signature line on stdout. Absent: the keys in the folder."""
    seal_interval_s: Seconds = 1.0
    """How often a checkpoint of a log that grows is signed at most."""
    anchors: Anchors = None
    """Where checkpoints are anchored, read by `anchor_specs`. Absent: nowhere."""
    relay_lease_s: Seconds = 10.0
    """How long nobody else sends for a subscription whose relay is not heard of any more."""
    webhook_secrets: FolderOrNone = None
    """Where the secrets that sign webhooks are. Absent: `webhooks` in the data folder."""
    private_webhooks: PrivateWebhooks = "refused"
    """Whether webhooks may go to addresses that are not public, and by http."""
    retention_years: Years = 10
    """For how many years what moves money must be kept; `roundbook erase --before` is held to it."""
    ops_address: OpsAddress = None
    """Where health and metrics are served, and then nowhere else. Absent: beside the API, to everyone."""
    broker_url: BrokerUrl = None
    """Where the broker is that `roundbook consume` takes messages from. Absent: none."""
    broker_file: FileOrNone = None
    """What else it takes to be let in: of Kafka librdkafka's properties, of NATS credentials."""
    traces_url: TracesUrl = None
    """Where traces of requests are sent by OTLP over HTTP. Absent: nothing is traced."""
    service_user: Account = None
    """Whom workers and the projector run as, where root starts the service; `root` for root. Absent: see
    `api.process.service_account`."""
    console: OnOrOff = "on"
    """Whether there is a console for people, at `/console`."""
    console_secret: ConsoleSecret = None
    """What sessions of the console are encrypted by, the same on all hosts behind one address. Absent: made
    anew by each start of the service, which ends them."""
    log_format: LogFormat = None
    """`json`, or `console` for people. Absent: for people where stderr is a terminal, else JSON."""

    @property
    def data_path(self) -> Path:
        """The folder of the embedded PostgreSQL, absolute."""
        return Path(self.data_dir).expanduser().absolute()

    @property
    def signing_path(self) -> Path:
        """The folder of the signing keys, absolute."""
        if self.signing_keys is None:
            return self.data_path / "keys"
        return Path(self.signing_keys).expanduser().absolute()

    @property
    def webhook_path(self) -> Path:
        """The folder of the secrets that sign webhooks, absolute."""
        if self.webhook_secrets is None:
            return self.data_path / "webhooks"
        return Path(self.webhook_secrets).expanduser().absolute()

    @property
    def anchor_specs(self) -> list[AnchorSpec]:
        """Where checkpoints are anchored."""
        return parse_anchors(self.anchors or "")


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; an empty variable counts as absent.

    What may hold a password can be in a file that ROUNDBOOK_…_FILE names instead. Raises SettingsError that
    names every variable that is wrong, and what was expected.
    """
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(Settings)}
    given = {
        name: value
        for name, value in environment.items()
        if value and (name in fields or name.startswith(_BYTE_ORDER_MARK + PREFIX))
    }
    from_files, faults = _read_files(environment, given)
    given |= from_files
    for name, value in given.items():
        if fault := _fault(name, value, fields.get(name)):
            set_by = name + _FILE * (name in from_files)
            faults.append(f"{set_by.lstrip(_BYTE_ORDER_MARK)}: {fault}")
    if _variable("owner_url") in given and _variable("database_url") not in given:
        faults.append("ROUNDBOOK_OWNER_URL: needs ROUNDBOOK_DATABASE_URL beside it")
    if faults:
        raise SettingsError("\n".join(sorted(faults)))
    return msgspec.convert(given, Settings, strict=False)


def file_variables() -> dict[str, str]:
    """Return the variables that name a file with what may hold a password, by the variable of that itself."""
    fields = msgspec.structs.fields(Settings)
    secrets = (field.encode_name for field in fields if field.type in _FAULTS_OF_SECRETS)
    return {name: name + _FILE for name in secrets}


def _read_files(
    environment: Mapping[str, str], given: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Read the settings that are in files, without the end of their line; gives them, and what is wrong."""
    found, faults = {}, []
    for name, variable in file_variables().items():
        path = environment.get(variable)
        if not path:
            continue
        if name in given:
            faults.append(f"{variable}: {name} is set too: set one of them")
            continue
        try:
            text = Path(path).read_text("utf-8")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            faults.append(f"{variable}: {path!r} can't be read: {reason}")
            continue
        value = text.removesuffix("\n").removesuffix("\r")
        if value:
            found[name] = value
        else:
            faults.append(f"{variable}: {path!r} is empty")
    return found, faults


def ignored_settings(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Name the variables with the service's prefix that are no settings: likely slips of the pen.

    Gives a sentence on each.
    """
    known = [_variable(field) for field in Settings.__struct_fields__]
    known += file_variables().values()
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    sentences = {}
    for name in unknown:
        meant = get_close_matches(name, known, n=1, cutoff=0.8)
        hint = f" (is {meant[0]} meant?)" if meant else ""
        sentences[name] = f"{name}: no such setting: ignored{hint}"
    return sentences


def _fault(name: str, value: str, wanted: object) -> str | None:
    """Say what is wrong with a variable, None if nothing is."""
    for what, text in (("its name", name), ("its value", value)):
        if text.startswith(_BYTE_ORDER_MARK):
            return (
                f"{what} begins with a byte order mark: save the file that it is from without one"
            )
    if wanted in _FAULTS_OF_SECRETS:
        wrong = _FAULTS_OF_SECRETS[wanted](value)
        return None if wrong is None else f"must be {get_args(wanted)[1].description}{wrong}"
    fault = f"must be {get_args(wanted)[1].description}, not {value!r}"
    try:
        if msgspec.convert(value, wanted, strict=False) is None:  # of the word `null`
            return fault
        if wanted in {Folder, FolderOrNone, FileOrNone}:
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
