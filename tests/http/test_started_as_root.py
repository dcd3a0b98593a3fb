"""Who runs as whom: root starts, others serve; and whoever is not root runs all."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from postgres.embedded.passwords import OWNER, SUPERUSER, read_passwords
from tests.databases import Database
from tests.http.python_for_all import Python, python_for_all
from tests.http.service import Service, environment, eventually, in_folder, on, roundbook, serving
from tests.http.wire import EVENTS, body, login
from tests.processes import command_of, descendants, user_of

OWN = os.geteuid()
IS_ROOT = OWN == 0
# More than a worker decodes itself.
LARGE = 300


@pytest.fixture
def python(folder: Path) -> Iterator[Python]:
    place = folder / "python"
    place.mkdir()
    yield python_for_all(place)


def users(service: Service) -> dict[str, set[int]]:
    """Whom the processes run as that the service started."""
    found: dict[str, set[int]] = {"other": set()}
    for pid in descendants(service.pid):
        command = command_of(pid)
        signs = ("api.process.worker", "api.cli project", "api.cli seal", "bin/postgres -D")
        sign = next((sign for sign in signs if sign in command), "other")
        found.setdefault(sign.split()[-1] if "cli" in sign else sign, set()).add(user_of(pid))
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
            [serving_as] = found["api.process.worker"]
            assert found["project"] == {serving_as}
            assert found["seal"] == {0}
            assert not {0, serving_as} & found["bin/postgres -D"]
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
        # Commands find the store as before, and doctor tells who runs what.
        assert "acme" in roundbook("tenant", "list", settings=settings).stdout
    finally:
        service.stop()
    assert (folder / "anchors").read_text().count("\n") >= 1


def test_with_a_store_elsewhere_too(
    fresh_database: Database, folder: Path, python: Python
) -> None:
    settings = on(fresh_database) | python.variables | {"ROUNDBOOK_SERVICE_USER": ""}
    if IS_ROOT:
        settings["ROUNDBOOK_SERVICE_USER"] = "nobody"
    with serving(folder, settings=settings, python=python.path) as service:
        expected = pwd.getpwnam("nobody").pw_uid if IS_ROOT else OWN
        found = users(service)
        assert found["api.process.worker"] == found["project"] == {expected}
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
        works(service)
    with serving(folder, settings=settings | {"ROUNDBOOK_SERVICE_USER": pwd.getpwuid(OWN)[0]}) as own:
        assert set().union(*users(own).values()) == {OWN}
        assert not [line for line in own.log_lines() if line["level"] == "warning"]


def test_an_account_that_is_named_and_can_not_serve_ends_the_start(
    fresh_database: Database, folder: Path
) -> None:
    (folder / "private").mkdir(0o700)
    settings = on(fresh_database) | {"TMPDIR": str(folder / "private")}

    def refused(name: str, **variables: str) -> str:
        given = settings | {"ROUNDBOOK_SERVICE_USER": name} | variables
        ended = roundbook("serve", "--port", "0", settings=given, check=False)
        assert (ended.returncode, ended.stdout) == (1, "")
        return ended.stderr

    if IS_ROOT:
        assert "no-such-user can't serve: there is no such account" in refused("no-such-user")
        assert f"daemon can't serve: it can't reach {folder}/private" in refused("daemon")
    else:
        for name in ("no-such-user", "root"):
            assert f"only root can run a process as {name}" in refused(name)
    assert "must be the name of an account of this host" in refused("a name")


def test_who_may_read_a_signing_key_does_not_serve(
    fresh_database: Database, folder: Path, python: Python
) -> None:
    keys = folder / "keys"
    keys.mkdir(0o755)
    (keys / f"{'0' * 32}.key").write_text("secret")
    (keys / f"{'0' * 32}.key").chmod(0o644)
    settings = on(fresh_database) | python.variables | {"ROUNDBOOK_SIGNING_KEYS": str(keys)}
    said = _doctor(settings, python)
    if IS_ROOT:
        assert "warning accounts: workers and the projector: uid 0" in said
        assert f"nobody: it may read {keys}/" in said
        (keys / f"{'0' * 32}.key").chmod(0o600)
        assert "ok      accounts: workers and the projector: " in _doctor(settings, python)
    else:
        assert f"ok      accounts: workers and the projector: uid {OWN}" in said


def _doctor(settings: dict[str, str], python: Python) -> str:
    ended = subprocess.run(
        [python.path, "-P", "-m", "api.cli", "doctor"],
        check=False,
        capture_output=True,
        text=True,
        env=environment(settings),
        timeout=60,
    )
    return ended.stdout
