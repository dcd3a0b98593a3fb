"""However a command ends, it ends in order: interrupted, with nobody to read, with no room to write."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from api.tenancy import create_tenant
from postgres.connections import connect
from tests.databases import Database
from tests.http.service import environment, eventually, on

ROUNDBOOK = (sys.executable, "-m", "api.cli")

# A job in the background inherits that SIGINT is ignored.
_INTERRUPTIBLE = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
_MAIN = "from api.cli import main; main()"

_INTERRUPTED_IMPORT = """
import builtins

real_import = builtins.__import__

def interrupted_import(name, *arguments, **options):
    if name == "api.cli.keys":
        signal.raise_signal(signal.SIGINT)
    return real_import(name, *arguments, **options)

builtins.__import__ = interrupted_import
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def tenant_name(fresh_database: Database) -> str:
    with connect(fresh_database.service_url) as connection:
        return create_tenant(connection, "ends").name


@pytest.fixture
def start(fresh_database: Database, cleanup: ExitStack) -> Start:
    """A function that starts a command, which is gone at the end of the test."""

    def run(*command: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
        started = subprocess.Popen(
            command,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(on(fresh_database)),
        )
        cleanup.enter_context(started)
        cleanup.callback(started.kill)
        return started

    return run


def waiting(database: Database) -> bool:
    """Whether a session of the service waits for a lock."""
    with connect(database.admin_url) as admin:
        row = admin.execute(
            "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
            " and datname = split_part(%s, '/', 4)",
            [database.service_url.partition("?")[0]],
        ).fetchone()
    return row is not None


@pytest.mark.parametrize(
    "words", [["tenant", "list"], ["key", "list", "ends"], ["rebuild", "ends"]]
)
def test_an_interrupted_command_says_so_and_ends_by_the_signal(
    fresh_database: Database, start: Start, words: list[str]
) -> None:
    with connect(fresh_database.owner_url) as holder, holder.transaction():
        holder.execute("lock table tenants in access exclusive mode")
        running = start(sys.executable, "-c", _INTERRUPTIBLE + _MAIN, *words)
        eventually(lambda: waiting(fresh_database))
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == -signal.SIGINT, err
    assert (out, err.splitlines()[-1]) == ("", "Error: interrupted")
    assert "Traceback" not in err


def test_a_command_that_is_interrupted_while_it_begins_says_so_too(
    start: Start,
) -> None:
    """It takes half a second to load, and a user who saw the mistake is quick."""
    ended = start(sys.executable, "-c", _INTERRUPTIBLE + _INTERRUPTED_IMPORT + _MAIN, "--version")
    assert ended.communicate(timeout=60) == ("", "Error: interrupted\n")
    assert ended.returncode == -signal.SIGINT


@pytest.mark.parametrize("words", ["tenant list", "key list ends", "--help", "replay --help"])
def test_nobody_who_reads_is_no_error_to_tell_of(start: Start, words: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    running = start(*ROUNDBOOK, *words.split(), stdout=writer)
    os.close(writer)
    assert running.communicate(timeout=60)[1] in ("", "tenant ends has no keys\n")


@pytest.mark.parametrize("words", ["tenant list", "replay --help", "--version"])
def test_no_room_to_write_is_an_error(start: Start, words: str) -> None:
    with Path("/dev/full").open("wb") as full:
        running = start(*ROUNDBOOK, *words.split(), stdout=full.fileno())
    assert running.communicate(timeout=60)[1] == "Error: No space left on device\n"
    assert running.returncode == 1


@pytest.mark.parametrize("closed", ["1", "2"])
def test_output_that_goes_nowhere_is_refused_before_anything_is_done(
    start: Start, closed: str
) -> None:
    """A key whose only showing went nowhere was made all the same."""
    making = ("key", "create", "ends", "--scope", "read")
    running = start("sh", "-c", f'exec "$@" {closed}>&-', "sh", *ROUNDBOOK, *making)
    assert "".join(running.communicate(timeout=60)) == "Error: stdout and stderr must be open\n"
    assert running.returncode == 1
    listing = start(*ROUNDBOOK, "key", "list", "ends")
    assert listing.communicate(timeout=60) == ("", "tenant ends has no keys\n")


def test_what_the_locale_has_no_characters_for_is_written_as_an_escape(
    start: Start,
) -> None:
    label = ["--label", "→ to"]
    assert start(*ROUNDBOOK, "key", "create", "ends", "--scope", "read", *label).wait(60) == 0
    running = start("env", "PYTHONIOENCODING=latin-1", *ROUNDBOOK, "key", "list", "ends")
    assert running.communicate(timeout=60)[0].endswith("\t\\u2192 to\t\n")
