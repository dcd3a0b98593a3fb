"""Settings from the environment, each checked at the start."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

PREFIX = "ROUNDBOOK_"

Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class SettingsError(ValueError):
    """A setting in the environment can't be used; the message names it."""


def _variable(field: str) -> str:
    return PREFIX + field.upper()


class Settings(msgspec.Struct, frozen=True, rename=_variable):
    """All that an operator can set, each from the variable ROUNDBOOK_ + its name in capitals."""

    database_url: str | None = None
    """The PostgreSQL (15 or later) with the credential that serves. Absent: the embedded one."""
    owner_url: str | None = None
    """The same database as its owner, to migrate. Absent: the credential that serves."""
    data_dir: str = ".roundbook"
    """Where the embedded PostgreSQL lives."""
    max_body_bytes: Positive = 16 * 1024 * 1024
    """The largest request body, decompressed."""
    pool_size: Positive = 10
    """Connections with which each worker writes and reads, half each; it keeps up to four more."""
    max_inflight_bytes: Annotated[int, msgspec.Meta(ge=1)] = 128 * 1024 * 1024
    """How many bytes of requests a process holds at once; what comes beyond is answered 503."""
    max_working_bytes: Annotated[int, msgspec.Meta(ge=1)] = 8 * 1024 * 1024
    """How many bytes of requests a process works on at once; the others wait their turn."""
    body_timeout_s: Seconds = 60.0
    """How long a client may take to send a request's body."""
    lock_timeout_s: Seconds = 10.0
    """How long a batch waits for the database, and for its turn in its log, before it is answered 503."""
    stalled_writer_s: Seconds = 20.0
    """How long a transaction may wait for its process, stopped or starved, before it is ended."""
    at_least_timeout_s: Seconds = 5.0
    """How long a query with `at_least` waits for the read models."""
    key_cache_s: Annotated[float, msgspec.Meta(ge=0, le=5)] = 5.0
    """How long a process trusts what it last read about a key: revocation holds everywhere by then."""
    poll_interval_s: Seconds = 0.05
    """How often an idle projector looks for new events."""
    chunk_events: Positive = 20_000
    """How many events the projector folds and writes in one transaction at most."""
    log_format: Annotated[str, msgspec.Meta(pattern="^(json|console)$")] = "json"
    """`json`, or `console` for people."""

    @property
    def data_path(self) -> Path:
        """The folder of the embedded PostgreSQL, absolute."""
        return Path(self.data_dir).expanduser().absolute()


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; an empty variable counts as absent.

    Raises SettingsError that names the variable and what is wrong with it.
    """
    given = {
        name: value for name, value in environment.items() if name.startswith(PREFIX) and value
    }
    try:
        settings = msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise SettingsError(f"{where.rstrip('`') or PREFIX}: {what}") from None
    for variable in ("database_url", "owner_url"):
        _check_url(_variable(variable), getattr(settings, variable))
    if settings.owner_url and not settings.database_url:
        raise SettingsError("ROUNDBOOK_OWNER_URL: needs ROUNDBOOK_DATABASE_URL beside it")
    return settings


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Name the variables with the service's prefix that are no settings: likely a slip of the pen."""
    known = {_variable(field) for field in Settings.__struct_fields__}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def _check_url(variable: str, url: str | None) -> None:
    if url is None:
        return
    if not url.startswith(("postgresql://", "postgres://")):
        raise SettingsError(f"{variable}: must begin with postgresql://")
    try:
        conninfo_to_dict(url)
    except psycopg.Error:
        # libpq's own words would quote the part it can't read, which may be the password.
        raise SettingsError(f"{variable}: is no PostgreSQL URL; percent-encode its parts") from None
