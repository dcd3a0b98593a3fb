"""Logs are for people on a terminal, and JSON lines elsewhere; no file ever gets a terminal's commands."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.cli.terminal import Terminal, terminal
from tests.databases import Database
from tests.http.service import environment, eventually, on

_LOG = """
import sys, threading, warnings
import structlog
from api.process.logs import configure_logs

configure_logs(sys.argv[1] or None)
log = structlog.get_logger()
log.info("hello", tenant=None, count=0, flag=False, empty="", hostile="a\\x1b[31mb\\x9b0m", bad="\\udcff")
try:
    raise ValueError("a\\x1b[31mb")
except ValueError:
    secret = "rb_never-shown"
    log.exception("failed")
warnings.warn("careful", stacklevel=1)
ending = threading.Thread(target=lambda: 1 / 0, daemon=True)
ending.start()
ending.join()
raise RuntimeError("the end")
"""

_ESCAPE = "\x1b"


def run(stderr: int, log_format: str = "", **variables: str) -> bytes:
    kept = {name: value for name, value in os.environ.items() if name not in {"TERM", "NO_COLOR"}}
    ended = subprocess.run(
        [sys.executable, "-c", _LOG, log_format],
        check=False,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=kept | variables,
    )
    assert (ended.returncode, ended.stdout) == (1, b"")
    return ended.stderr or b""


def on_terminal(log_format: str = "", **variables: str) -> str:
    with terminal() as shown:
        run(shown.descriptor, log_format, **variables)
    return shown.text()


def is_for_people(text: str) -> bool:
    return (
        re.search(r"^\d{4}-\d\d-\d\dT[\d:.]+Z \[info +\] hello +bad=", text, re.MULTILINE)
        is not None
    )


def test_on_a_terminal_they_are_for_people_in_colours() -> None:
    text = on_terminal(TERM="xterm-256color")
    assert "\x1b[32m" in text
    assert is_for_people(re.sub(r"\x1b\[[\d;]*m", "", text))
    assert "tenant" not in text
    for kept in ("count", "flag", "empty"):
        assert kept in text
    assert "\x1b[31mb" not in text  # what others sent is no command of ours
    assert "\x9b" not in text
    assert "a\\x1b[31mb" in text
    assert "rb_never-shown" not in text


@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, {}, {"TERM": "xterm", "NO_COLOR": "1"}])
def test_a_terminal_without_colours_gets_none(variables: dict[str, str]) -> None:
    text = on_terminal(**variables)
    assert is_for_people(text)
    assert _ESCAPE not in text


def test_elsewhere_they_are_one_json_object_a_line_whatever_ends_there() -> None:
    lines = [json.loads(line) for line in run(subprocess.PIPE, TERM="xterm").splitlines()]
    assert [line["event"].strip().partition(": ")[2] or line["event"] for line in lines] == [
        "hello",
        "failed",
        "UserWarning: careful",
        "a thread ended by an error",
        "the process ended by an error",
    ]
    assert lines[0].keys() == {
        *("event", "level", "timestamp", "count", "flag", "empty", "hostile", "bad"),
    }
    assert "ZeroDivisionError" in lines[3]["exception"]
    assert "RuntimeError: the end" in lines[4]["exception"]


def test_either_form_can_be_asked_for() -> None:
    text = run(subprocess.PIPE, "console", TERM="xterm").decode()
    assert is_for_people(text)
    assert _ESCAPE not in text
    assert json.loads(on_terminal("json", TERM="xterm").splitlines()[0])["event"] == "hello"


def test_a_service_on_a_terminal_speaks_to_people(fresh_database: Database, tmp_path: Path) -> None:
    settings = on(fresh_database) | {"ROUNDBOOK_POOLSIZE": "5", "TERM": "xterm", "NO_COLOR": ""}
    command = [sys.executable, "-m", "api.cli", "serve", "--port", "0", "--workers", "2"]
    with (
        terminal() as shown,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=shown.descriptor,
            env=environment(settings),
            cwd=tmp_path,
            text=True,
        ) as serving,
    ):
        try:
            assert serving.stdout is not None
            url = serving.stdout.readline().split()[3].rstrip(",")
            eventually(lambda: is_ready(url))
            eventually(lambda: "/health/ready" in shown.text())
            serving.send_signal(signal.SIGTERM)
            assert serving.wait(60) == 0
        finally:
            serving.kill()
    assert_for_people(shown)


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=60).is_success
    except httpx.TransportError:
        return False


def assert_for_people(shown: Terminal) -> None:
    text = shown.text()
    assert _ESCAPE in text
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert re.search(r"\[info +\] request .*path=/health/ready.* status=200", plain)
    assert "{" not in plain
    assert "tenant" not in plain
    assert len(re.findall("no such setting: ignored", plain)) == 1
    assert "ROUNDBOOK_POOLSIZE: no such setting: ignored (is ROUNDBOOK_POOL_SIZE meant?)" in plain
