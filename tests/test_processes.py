"""What tests look at processes with, where a narrow terminal is about."""

import os

import pytest

from tests.processes import command_of


def test_a_command_is_whole_however_narrow_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = command_of(os.getpid())
    monkeypatch.setenv("COLUMNS", "10")
    assert len(whole) > 10
    assert command_of(os.getpid()) == whole
