"""The signer that is another program: one that signs, and those that hang, fail, or print something else."""

import shlex
import sys
from pathlib import Path

import pytest

from app.evidence.command import CommandError, CommandSigner
from app.evidence.verifying import verify
from domain.evidence.notes import Note
from tests.evidence.histories import History, a_key, begun
from tests.processes import runs

TEXT = History().at(3).text
LINE = a_key().sign(TEXT).line

# Signs as OpenSSL, an HSM or a KMS would; what the key is called is told by the line.
SIGNS = """
import sys
from tests.evidence.histories import a_key
sys.stdout.write(a_key().sign(sys.stdin.read()).line)
"""
PATIENT_S = 60.0
HASTY_S = 0.3


@pytest.fixture(autouse=True)
def at_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])


def signer(program: str, timeout_s: float = PATIENT_S) -> CommandSigner:
    return CommandSigner(shlex.join([sys.executable, "-c", program]), a_key().vkey, timeout_s)


def refusal(program: str, timeout_s: float = PATIENT_S) -> str:
    with pytest.raises(CommandError) as refused:
        signer(program, timeout_s).sign(TEXT)
    assert "signing command" in str(refused.value)
    assert Path(sys.executable).name in str(refused.value)
    return str(refused.value)


def test_a_command_signs_what_it_reads(tmp_path: Path) -> None:
    history = History()
    note = begun(tmp_path, signer(SIGNS)).sign(history.at(3), history.prove(3))
    assert str(note) == f"{TEXT}\n{LINE}"
    assert verify(note, [a_key().vkey])


def test_it_is_run_without_a_shell_and_the_settings_and_is_told_the_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ROUNDBOOK_DATABASE_URL", "postgresql://a:secret@host/db")
    monkeypatch.setenv("KMS_REGION", "north")
    show = (
        "import os, sys; settings = [k for k in os.environ if k.startswith('ROUNDBOOK_')]\n"
        "sys.exit(repr((sys.argv[1:], settings, os.environ['KMS_REGION'], os.environ['VKEY'])))"
    )
    command = shlex.join([sys.executable, "-c", show, "$HOME; touch x", "a b"])
    with pytest.raises(CommandError) as refused:
        CommandSigner(command, a_key().vkey).sign(TEXT)
    said = str(refused.value).partition("stderr: ")[2]
    assert said == f"(['$HOME; touch x', 'a b'], [], 'north', '{a_key().vkey}')"


def test_a_command_that_fails_is_named_with_the_end_of_its_stderr() -> None:
    words = refusal(
        f"{SIGNS}\nsys.stderr.write('x' * 10**6 + 'the token is locked\\n')\nsys.exit(1)"
    )
    assert "ended with status 1; the end of its stderr: xxx" in words
    assert words.endswith("the token is locked")
    assert len(words) < 1_000
    words = refusal("import os, signal; os.close(0); os.kill(os.getpid(), signal.SIGTERM)")
    assert words.endswith("ended with status -15; it wrote nothing to stderr")


@pytest.mark.parametrize(
    ("printed", "fault"),
    [
        ("", "does not end with a signature line"),
        ("signed!\n", "em dash"),
        (LINE[:-1], "newline"),
        (LINE + LINE, "there are 2 lines"),
        (LINE + "\n", "em dash"),
        (f"{TEXT}\n{LINE}", "em dash"),
        (a_key("another.name").sign(TEXT).line, "is of the key another.name"),
        (a_key().sign(History().at(4).text).line, "does not hold"),
        (LINE.replace("— ", "—  "), "name of a key"),
    ],
)
def test_anything_but_its_one_line_is_refused(printed: str, fault: str) -> None:
    program = f"import sys; sys.stdin.read(); sys.stdout.buffer.write({printed.encode()!r})"
    words = refusal(program)
    assert f"did not print one signature line of the key {a_key().vkey}: " in words
    assert fault in words


def test_garbage_without_end_fills_no_memory_and_is_ended() -> None:
    words = refusal("import os\nwhile True: os.write(1, bytes(10**6))", HASTY_S)
    assert "did not end within 0.3 s" in words
    words = refusal("import os\nfor _ in range(100): os.write(1, b'\\xff' * 10**6)")
    assert "not UTF-8" in words


def test_a_command_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    started = tmp_path / "pids"
    begins = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)'])
with open({str(started)!r}, 'w') as file: file.write(f'{{os.getpid()}} {{child.pid}}')
sys.stderr.write('waiting for the token\\n')
sys.stderr.flush()
"""
    hangs = f"{begins}time.sleep(3600)"
    leaves_a_child = f"{begins}sys.stdout.write({LINE!r})"
    for each in (hangs, leaves_a_child):
        started.unlink(missing_ok=True)
        timeout_s = HASTY_S
        while True:  # on a machine so slow that it had not begun, it gets longer
            words = refusal(each, timeout_s)
            if started.exists() and "token" in words:
                break
            timeout_s *= 2
        assert words.endswith("s; the end of its stderr: waiting for the token")
        for pid in started.read_text().split():
            while runs(int(pid)):  # a killed one takes its time
                continue


@pytest.mark.parametrize("command", ["no-such-program-here 1234", "/ 1234"])
def test_what_can_not_be_run_is_named(command: str) -> None:
    with pytest.raises(CommandError) as refused:
        CommandSigner(command, a_key().vkey).sign(TEXT)
    named = command.split(maxsplit=1)[0]
    assert str(refused.value).startswith(f"the signing command '{named}' can't be run: ")
    assert "1234" not in str(refused.value)


@pytest.mark.parametrize("command", ["", " ", "'never closed"])
def test_what_is_no_command_is_refused(command: str) -> None:
    with pytest.raises(ValueError, match=r"empty|No closing quotation"):
        CommandSigner(command, a_key().vkey)


def test_no_pipe_is_left_open() -> None:
    folder = Path("/dev/fd")
    before = len(list(folder.iterdir()))
    for program in (SIGNS, "raise SystemExit(1)"):
        try:
            signer(program).sign(TEXT)
        except CommandError:
            continue
    # Other tests of the process may still be closing theirs.
    assert len(list(folder.iterdir())) <= before


def test_a_note_of_it_is_a_note() -> None:
    assert str(Note(TEXT).signed([signer(SIGNS).sign(TEXT)])).endswith(LINE)
