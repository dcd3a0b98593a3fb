"""An export and a bundle are whole or not there, whatever ends them, and whatever goes on beside."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.tenancy import create_tenant
from app.evidence.sealer import Sealer
from app.lives.closing import set_closed
from app.lives.removing import begin_removal, remove_rows
from app.log.leaves import current_log
from app.settings import Settings
from app.tenants import Tenant
from postgres.connections import Connection, connect, open_pool
from tests.databases import Database
from tests.http.service import Running, eventually, on, roundbook
from tests.logs import with_key
from tests.recording.sending import logins, send

WHY = {"reason": "the contract ended", "by": "an officer"}
EXPORT = ("tenant", "export", "leaving")
# Each with a table that it reads when it writes already, and not before.
COMMANDS = [(EXPORT, "accesses"), (("evidence", "bundle", "leaving"), "events")]


@pytest.fixture
def owner(fresh_database: Database) -> Iterator[Connection]:
    with connect(fresh_database.owner_url) as connection:
        yield connection


@pytest.fixture
def leaving(fresh_database: Database, owner: Connection, tmp_path: Path) -> Tenant:
    """A closed tenant with five events, of which three are sealed. Nobody serves it."""
    settings = Settings(signing_keys=str(tmp_path / "keys"))
    with open_pool(fresh_database.service_url, max_size=2) as pool:
        tenant = create_tenant(owner, "leaving")
        send(pool, tenant, logins(["a", "b", "c"]))
        log = current_log(owner, tenant.tenant_id)
        assert log is not None
        with_key(owner, tenant.tenant_id, settings)
        assert Sealer(pool, settings).seal(log) > 0
        send(pool, tenant, logins(["d", "e"]))
    set_closed(owner, "leaving", closed=True, **WHY)
    return tenant


def started(database: Database, file: Path, command: tuple[str, ...]) -> Running:
    """Let a command begin to write."""
    running = Running(file.parent, *command, str(file), settings=on(database))
    eventually(lambda: bool(list(file.parent.glob(f"{file.name}*"))))
    return running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "written"
    made.mkdir()
    return made


def left(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir() if file.suffix != ".log"}


@pytest.mark.usefixtures("leaving")
@pytest.mark.parametrize(("command", "table"), COMMANDS)
def test_one_that_is_killed_leaves_none_and_the_next_one_is_whole(
    fresh_database: Database, owner: Connection, folder: Path, command: tuple[str, ...], table: str
) -> None:
    file = folder / "written.zip"
    for number in (signal.SIGTERM, signal.SIGKILL):
        with owner.transaction():
            owner.execute(f"lock table {table} in access exclusive mode".encode())
            running = started(fresh_database, file, command)
            assert left(folder) == {"written.zip.part"}
            assert (folder / "written.zip.part").stat().st_mode & 0o777 == 0o600
            running.signal(number)
            assert running.ended()[0] == -number
    roundbook(*command, str(file), settings=on(fresh_database))
    assert file.stat().st_mode & 0o777 == 0o600
    assert left(folder) == {"written.zip"}


@pytest.mark.parametrize(("command", "table"), COMMANDS)
def test_of_a_tenant_that_is_removed_meanwhile_there_is_none(
    fresh_database: Database,
    owner: Connection,
    leaving: Tenant,
    folder: Path,
    command: tuple[str, ...],
    table: str,
) -> None:
    with owner.transaction():
        owner.execute(f"lock table {table} in access exclusive mode".encode())
        running = started(fresh_database, folder / "written.zip", command)
        removed = begin_removal(owner, leaving, **WHY)
        remove_rows(owner, removed, lambda _: None)
    assert running.ended() == (1, "")
    assert running.log().startswith("Error: the tenant was removed while it was read")
    assert left(folder) == set()


@pytest.mark.usefixtures("leaving")
def test_events_without_a_proof_that_are_gone_are_missed(
    fresh_database: Database, owner: Connection, tmp_path: Path
) -> None:
    owner.execute("alter table events disable trigger user")
    owner.execute("delete from events where position = 4")
    owner.execute("alter table events enable trigger user")
    file = tmp_path / "export.zip"
    ended = roundbook(*EXPORT, str(file), settings=on(fresh_database), check=False)
    assert (ended.returncode, file.exists()) == (1, False), ended.stderr
    assert ended.stderr.startswith("Error: of the events at positions 4 to 5, 1 are not there")
