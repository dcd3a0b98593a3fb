"""Whom workers and the projector run as, where the service is started as root."""

import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from api.process.store import Store
from app.settings import Settings, file_variables
from postgres.connections import connect
from postgres.embedded.accounts import Account, find_account, is_root

# The first that may serve. The last two are on any host; PostgreSQL may run as `nobody` already.
CANDIDATES = ("roundbook", "nobody", "daemon")
REMEDY = (
    "make an account `roundbook` (`useradd --system roundbook`), and let it read Python, the packages and the"
    " code, which it can't below /root; or start the service as an ordinary account; or set"
    " ROUNDBOOK_SERVICE_USER=root if root is meant"
)
# Settings that tell what lets others migrate, sign, anchor or consume.
_WITHHELD = (
    "ROUNDBOOK_OWNER_URL",
    "ROUNDBOOK_SIGN_COMMAND",
    "ROUNDBOOK_ANCHORS",
    "ROUNDBOOK_BROKER_URL",
)
# And files: what is in the one of the database's URL, who serves is told, and need not read it.
NOT_FOR_SERVING = (*_WITHHELD, *file_variables().values())
_ROOT = "root"
_PROBE = "from api.process.account_probe import main; main()"
_PROBE_LIMIT_S = 120


class ServiceUserError(Exception):
    """ROUNDBOOK_SERVICE_USER names an account that can't serve."""


class Choice(NamedTuple):
    """An account that serves, None for whoever runs this process, and why none does where one should."""

    account: Account | None
    why_not: str | None = None


def find_named(settings: Settings) -> Account | None:
    """Return the account that is named and is another than who runs this process, None if none is.

    It needs no store. Raises ServiceUserError where there is no such account, or only root could run as it.
    """
    named = settings.service_user
    if named is None or (is_root() and named == _ROOT):
        return None
    account = find_account(named)
    if not is_root():
        if account is not None and account.uid == os.geteuid():
            return None
        raise ServiceUserError(
            f"ROUNDBOOK_SERVICE_USER: only root can run a process as {named}: start the service as root,"
            f" or as {named} and without the setting"
        )
    if account is None:
        raise _cannot_serve(named, "there is no such account")
    return account


def choose_account(settings: Settings, store: Store) -> Choice:
    """Find the account that workers and the projector can run as.

    As each is tried, it takes a second or so. Raises ServiceUserError where the one that is named can't be,
    and psycopg.Error where the store is out of reach.
    """
    account = find_named(settings)
    if account is not None:
        if (why_not := _refusal(account, settings, store)) is not None:
            raise _cannot_serve(account.name, why_not)
        return Choice(account)
    if settings.service_user is not None or not is_root():
        return Choice(None)
    refusals = []
    for candidate in filter(None, map(find_account, CANDIDATES)):
        why_not = _refusal(candidate, settings, store)
        if why_not is None:
            return Choice(candidate)
        refusals.append(f"{candidate.name}: {why_not}")
    return Choice(None, "; ".join(refusals) or "this host has none")


def as_account(account: Account) -> dict[str, Any]:
    """Return what makes `subprocess.Popen` start a process as an account; its environment is `own_home`'s."""
    folder = Path("/")
    with suppress(FileNotFoundError):  # somebody removed it
        folder = Path.cwd()
    # What a worker starts by multiprocessing goes to the worker's folder first.
    return {
        "user": account.uid,
        "group": account.gid,
        "extra_groups": [],
        "cwd": folder if account.may_enter(folder) else Path("/"),
    }


def own_home(account: Account) -> dict[str, str]:
    """Return the variables that say where libpq looks for files of its user: not in root's folder."""
    try:
        return {"HOME": pwd.getpwuid(account.uid).pw_dir}
    except KeyError:
        return {"HOME": "/nonexistent"}


def _cannot_serve(name: str, why_not: str) -> ServiceUserError:
    return ServiceUserError(f"ROUNDBOOK_SERVICE_USER: {name} can't serve: {why_not}")


def _refusal(account: Account, settings: Settings, store: Store) -> str | None:
    if account.uid == 0:
        return "it is root"
    if store.server is not None and (why_not := store.server.refusal(account)) is not None:
        return why_not
    if not account.may_enter(Path(tempfile.gettempdir())):
        return f"it can't reach {tempfile.gettempdir()}, the folder of temporary files"
    return _probe(account, settings, store)


def _probe(account: Account, settings: Settings, store: Store) -> str | None:
    environment = {**os.environ, **own_home(account)}
    for name in NOT_FOR_SERVING:
        environment.pop(name, None)
    if settings.database_url is not None:
        environment["ROUNDBOOK_DATABASE_URL"] = settings.database_url
    secrets = [*(store.server.secrets if store.server else ()), *_keys(settings.signing_path)]
    try:
        ended = subprocess.run(  # noqa: S603 (our own command)
            [sys.executable, "-P", "-c", _PROBE],
            check=False,
            capture_output=True,
            input=b"\0".join(map(os.fsencode, secrets)),
            env=environment,
            timeout=_PROBE_LIMIT_S,
            **as_account(account),
        )
    except PermissionError:
        return f"it can't run {sys.executable}"
    except subprocess.TimeoutExpired:
        return f"it did not come to import the service within {_PROBE_LIMIT_S} s"
    if ended.returncode == 0:
        return None
    if store.server is None:
        connect(store.service_url).close()  # whether anybody can
    said = ended.stderr.decode(errors="replace").strip().splitlines()
    return said[-1] if said else f"a process of its own ended with status {ended.returncode}"


def _keys(folder: Path) -> Iterator[Path]:
    yield folder
    if folder.is_dir():
        yield from folder.glob("*.key")
