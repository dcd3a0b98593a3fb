"""Who runs as whom: root starts, others serve; and whoever is not root runs all."""

import os
import pwd
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from api.process.service_account import Choice, ServiceUserError, choose_account
from api.process.store import Store
from app.settings import Settings
from postgres.embedded import EmbeddedServer
from postgres.embedded.accounts import find_account
from postgres.embedded.passwords import OWNER, SUPERUSER, read_passwords
from tests.databases import Database
from tests.http.python_for_all import Python, python_for_all
from tests.http.service import Service, eventually, in_folder, on, roundbook, serving
from tests.http.wire import EVENTS, body, login
from tests.processes import command_of, descendants, user_of

OWN = os.geteuid()
IS_ROOT = OWN == 0
SIGNS = {
    "worker": "api.process.worker",
    "project": "api.cli project",
    "seal": "api.cli seal",
    "postgres": "bin/postgres -D",
}
# More than a worker decodes itself.
LARGE = 300


# They share the copy of Python, where one is made.
pytestmark = pytest.mark.xdist_group("started-as-root")


@pytest.fixture(scope="module")
def python() -> Iterator[Python]:
    with tempfile.TemporaryDirectory(prefix="rb-", dir="/tmp") as folder:
        yield python_for_all(Path(folder))


def users(service: Service) -> dict[str, set[int]]:
    """Whom the long-lived processes run as that the service started."""
    found: dict[str, set[int]] = {}
    for pid in descendants(service.pid):
        command = command_of(pid)
        for name, sign in SIGNS.items():
            if sign in command:
                with suppress(ProcessLookupError):  # one that ended as the store began or stopped
                    found.setdefault(name, set()).add(user_of(pid))
    return found


def works(service: Service) -> None:
    """Ingest, in a process beside the worker too, queries, sealing and the metrics of all processes."""
    service.new_tenant("acme")
    with service.client(service.new_key("acme", "ingest", "read", "audit")) as client:
        padding = "x" * 1_000
        sent = client.post(
            EVENTS, content=body(*(login(f"l-{n}", more=padding) for n in range(LARGE)))
        )
        assert sent.status_code == 204, sent.text
        shown = client.get("/api/v1/players/p", params={"at_least": sent.headers["Log-Position"]})
        assert shown.json()["logins"] == LARGE
        eventually(lambda: client.get("/api/v1/status").json()["evidence"]["size"] == LARGE)
        assert client.get("/api/v1/evidence/checkpoint").status_code == 200
        sealed = f"roundbook_sealed_events_total {LARGE}.0"
        eventually(lambda: sealed in client.get("/metrics").text)
        metrics = client.get("/metrics").text
        for name in ("roundbook_projected_events_total", "roundbook_requests_total{"):
            assert any(line.startswith(name) for line in metrics.splitlines())
    assert [line for line in service.log_lines() if line["level"] == "error"] == []


def refused(settings: dict[str, str], python: Python | None = None) -> str:
    """Try to serve; gives what is said."""
    path = python.path if python else sys.executable
    ended = roundbook("serve", "--port", "0", settings=settings, check=False, python=path)
    assert (ended.returncode, ended.stdout) == (1, "")
    return ended.stderr


def environment_of(pid: int) -> str:
    place = Path(f"/proc/{pid}/environ")
    return place.read_bytes().decode() if place.exists() else ""


def test_with_the_embedded_store_each_has_its_account(folder: Path, python: Python) -> None:
    settings = in_folder(folder / "data") | {"ROUNDBOOK_ANCHORS": f"file:{folder}/anchors"}
    before = os.umask(0o077)
    try:
        service = Service(folder, settings=settings | python.variables, python=python.path)
    finally:
        os.umask(before)
    try:
        found = users(service)
        home = folder / "data"
        secrets = read_passwords(home / "passwords")
        if IS_ROOT:
            [serving_as] = found["worker"]
            assert found["project"] == {serving_as}
            assert found["seal"] == {0}
            assert not {0, serving_as} & found["postgres"]
            assert serving_as != 0
            name = pwd.getpwuid(serving_as).pw_name
            [told] = [line for line in service.log_lines() if "another account" in line["event"]]
            assert told["account"] == name
            assert (home / "socket").stat().st_mode & 0o777 == 0o710
        else:
            assert set().union(*found.values()) == {OWN}
            assert not [line for line in service.log_lines() if "account" in line["event"]]
        [worker] = service.workers()
        told_to_it = environment_of(worker)
        assert not [word for word in (secrets[OWNER], secrets[SUPERUSER]) if word in told_to_it]
        assert "ROUNDBOOK_ANCHORS" not in told_to_it
        works(service)
        anchors = folder / "anchors"
        eventually(lambda: anchors.exists() and "\n" in anchors.read_text())
        assert "acme" in roundbook("tenant", "list", settings=settings).stdout  # as before
    finally:
        service.stop()


def test_with_a_store_elsewhere_too(folder: Path, python: Python) -> None:
    settings = python.variables | {"ROUNDBOOK_SIGNING_KEYS": str(folder / "keys")}
    (folder / "keys").mkdir(0o755)
    of_others = folder / "keys" / f"{'0' * 32}.key"
    of_others.touch()
    of_others.chmod(0o644)
    nobody = find_account("nobody")
    assert nobody is not None
    expected = OWN
    with EmbeddedServer(folder / "data", say=lambda _: None) as server:
        if IS_ROOT:
            server.let_in(nobody)
            expected = nobody.uid
            settings["ROUNDBOOK_SERVICE_USER"] = nobody.name
        settings["ROUNDBOOK_DATABASE_URL"] = server.service_url
        settings["ROUNDBOOK_OWNER_URL"] = server.owner_url
        if IS_ROOT:
            assert f"nobody can't serve: it may read {of_others}" in refused(settings, python)
        of_others.chmod(0o600)
        with serving(folder, settings=settings, python=python.path) as service:
            found = users(service)
            assert found["worker"] == found["project"] == {expected}
            assert found["seal"] == {OWN}
            [worker] = service.workers()
            assert "ROUNDBOOK_OWNER_URL" not in environment_of(worker)
            works(service)


def test_where_no_account_can_serve_it_is_told_and_root_serves(
    fresh_database: Database, folder: Path
) -> None:
    (folder / "private").mkdir(0o700)
    settings = on(fresh_database) | {"TMPDIR": str(folder / "private")}
    with serving(folder, settings=settings) as service:
        assert set().union(*users(service).values()) == {OWN}
        told = [line for line in service.log_lines() if "as root" in line["event"]]
        if IS_ROOT:
            [warning] = told
            assert warning["level"] == "warning"
            assert f"nobody: it can't reach {folder}/private" in warning["reason"]
            assert "useradd --system roundbook" in warning["remedy"]
        else:
            assert told == []


def test_an_account_that_is_named_and_can_not_serve_ends_the_start(folder: Path) -> None:
    """A store was made before that was told."""
    said = refused(in_folder(folder / "data") | {"ROUNDBOOK_SERVICE_USER": "no-such-user"})
    assert not (folder / "data").exists()
    if IS_ROOT:
        assert "no-such-user can't serve: there is no such account" in said
    else:
        assert "only root can run a process as no-such-user" in said


def test_whom_a_setting_names(
    database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "private").mkdir(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "private"))
    url = database.service_url
    store = Store(url, url, lambda: None, is_embedded=False)

    def chosen(name: str) -> Choice:
        return choose_account(Settings(service_user=name), store)

    def no_choice(name: str) -> str:
        with pytest.raises(ServiceUserError) as error:
            chosen(name)
        return str(error.value)

    if IS_ROOT:
        assert chosen("root") == Choice(None)
        assert f"daemon can't serve: it can't reach {folder}/private" in no_choice("daemon")
    else:
        assert "only root can run a process as root" in no_choice("root")
