"""Settings from the environment, each checked at the start."""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

import msgspec

from app.setting_values import (
    Account,
    Anchors,
    BrokerUrl,
    Command,
    ConsoleSecret,
    DrainSeconds,
    FileOrNone,
    Folder,
    FolderOrNone,
    LogFormat,
    OnOrOff,
    OpsAddress,
    Origin,
    Positive,
    PositiveOrNone,
    PrivateWebhooks,
    Seconds,
    TracesUrl,
    TrustSeconds,
    Url,
    Years,
    fault_of,
    is_secret,
)
from domain.evidence.anchoring import AnchorSpec, parse_anchors

PREFIX = "ROUNDBOOK_"

_FILE = "_FILE"
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
    secrets = (field.encode_name for field in fields if is_secret(field.type))
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


def _fault(name: str, value: str, kind: object) -> str | None:
    """Say what is wrong with a variable, None if nothing is."""
    for what, text in (("its name", name), ("its value", value)):
        if text.startswith(_BYTE_ORDER_MARK):
            return (
                f"{what} begins with a byte order mark: save the file that it is from without one"
            )
    return fault_of(kind, value)
