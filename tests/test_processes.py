"""What tests look at processes with, where a narrow terminal is about or a process is gone."""

import os
import subprocess

import pytest

from tests.processes import command_of, limit, resident_bytes, stopped, user_of


def test_a_command_is_whole_however_narrow_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = command_of(os.getpid())
    monkeypatch.setenv("COLUMNS", "10")
    assert len(whole) > 10
    assert command_of(os.getpid()) == whole


def test_a_process_that_is_gone_is_said_to_be_gone() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    for look in (user_of, resident_bytes, lambda pid: limit(pid, fsize="unlimited")):
        with pytest.raises(ProcessLookupError):
            look(process.pid)


def test_one_that_ends_while_it_is_stopped_is_not_told_to_go_on() -> None:
    process = subprocess.Popen(["sleep", "60"])
    with stopped(process.pid):
        process.kill()
        process.wait()
