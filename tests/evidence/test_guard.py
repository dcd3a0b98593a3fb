"""No signer signs two histories, whatever is killed, restored or started twice."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from app.evidence.guard import (
    BusyError,
    RefusedError,
    begin_guard,
    last_path,
    sign_statement,
)
from app.evidence.verifying import verify
from domain.evidence.checkpoints import KeyStatement, Tree
from domain.evidence.notes import Note
from tests.evidence.histories import LOG_ID, ORIGIN, History, a_key, begun, guarded

TRUE, FALSE = History(0), History(1)
ROOT = Path(__file__).parents[2]


def sign(folder: Path, size: int, history: History = TRUE, tree: Tree = "log") -> Note:
    return guarded(folder, tree=tree).sign(history.at(size), history.prove(size))


def test_a_log_that_grows_is_signed_each_time(tmp_path: Path) -> None:
    begun(tmp_path)
    for size in (0, 1, 1, 3, 8, 9, 300):
        note = sign(tmp_path, size)
        assert note.text == TRUE.at(size).text
        assert [each.vkey for each in verify(note, [a_key().vkey])] == [a_key().vkey]
    assert last_path(tmp_path, LOG_ID, "log").read_text() == TRUE.at(300).text
    assert guarded(tmp_path).last() == TRUE.at(300)


def test_what_contradicts_what_was_signed_is_refused(tmp_path: Path) -> None:
    begun(tmp_path)
    sign(tmp_path, 5)
    with pytest.raises(RefusedError, match=r"size 4 is smaller than what was last signed"):
        sign(tmp_path, 4)
    with pytest.raises(RefusedError, match="the root is another"):
        sign(tmp_path, 5, FALSE)
    with pytest.raises(RefusedError, match="not proven to begin with"):
        sign(tmp_path, 6, FALSE)
    signer = guarded(tmp_path)
    for proof in ([], [bytes(32)], TRUE.prove(7)(5), TRUE.prove(6)(4)):
        with pytest.raises(RefusedError, match="not proven to begin with"):
            signer.sign(TRUE.at(6), lambda _, proof=proof: proof)  # type: ignore[misc]
    with pytest.raises(RefusedError, match="the signer is of"):
        signer.sign(History(0, "heads").at(6), TRUE.prove(6))
    assert signer.last() == TRUE.at(5)
    sign(tmp_path, 6)


def test_each_tree_has_a_memory_of_its_own_and_one_key_signs_all(tmp_path: Path) -> None:
    begun(tmp_path)
    sign(tmp_path, 9)
    for number, tree in enumerate[Tree](("heads", "accesses"), start=2):
        history = History(number, tree)
        note = sign(tmp_path, 1, history, tree)
        assert note.text.startswith(f"{ORIGIN}/{tree}\n1\n")
        (verified,) = verify(note, [a_key().vkey])
        assert verified.vkey.name == ORIGIN
        assert last_path(tmp_path, LOG_ID, tree).name == f"{LOG_ID.hex()}.{tree}.last"
        with pytest.raises(RefusedError, match="the root is another"):
            sign(tmp_path, 1, History(0, tree), tree)
    sign(tmp_path, 10)


def test_two_keys_sign_one_note_while_one_follows_the_other(tmp_path: Path) -> None:
    older, newer = a_key(), type(a_key())(ORIGIN, b"\x08" * 32)
    note = begun(tmp_path, older, newer).sign(TRUE.at(2), TRUE.prove(2))
    assert [each.vkey for each in verify(note, [newer.vkey, older.vkey])] == [
        older.vkey,
        newer.vkey,
    ]


def test_no_torn_memory_is_trusted(tmp_path: Path) -> None:
    begun(tmp_path)
    sign(tmp_path, 5)
    path = last_path(tmp_path, LOG_ID, "log")
    whole = path.read_bytes()
    torn = [whole[:size] for size in range(len(whole))]
    for content in [*torn, bytes(len(whole)), whole * 2, whole + b"\n", b"\xff" + whole]:
        path.write_bytes(content)
        with pytest.raises(RefusedError, match=rf"{path} can't be read"):
            sign(tmp_path, 6)
        assert path.read_bytes() == content
    path.write_bytes(whole)
    sign(tmp_path, 6)


def test_a_missing_memory_is_no_new_log(tmp_path: Path) -> None:
    begun(tmp_path)
    sign(tmp_path, 5)
    path = last_path(tmp_path, LOG_ID, "log")
    path.unlink()
    with pytest.raises(RefusedError, match=rf"{path} is missing"):
        sign(tmp_path, 6)
    # What the message says: from a checkpoint that is anchored elsewhere.
    path.write_text("".join(str(Note(TRUE.at(4).text)).splitlines(keepends=True)[:3]))
    sign(tmp_path, 6)


def test_the_memory_of_another_log_is_refused(tmp_path: Path) -> None:
    begun(tmp_path)
    path = last_path(tmp_path, LOG_ID, "log")
    path.write_text(path.read_text().replace(ORIGIN, "another.log"))
    with pytest.raises(RefusedError, match=r"is of 'another\.log', not of"):
        sign(tmp_path, 1)


def test_beginning_again_forgets_nothing(tmp_path: Path) -> None:
    begun(tmp_path)
    sign(tmp_path, 5)
    begin_guard(tmp_path, LOG_ID, ORIGIN)
    assert guarded(tmp_path).last() == TRUE.at(5)


def test_an_older_memory_that_was_restored_lets_only_what_continues_it_be_signed(
    tmp_path: Path,
) -> None:
    begun(tmp_path)
    sign(tmp_path, 5)
    path = last_path(tmp_path, LOG_ID, "log")
    older = path.read_bytes()
    sign(tmp_path, 9)
    path.write_bytes(older)
    with pytest.raises(RefusedError, match="not proven to begin with"):
        sign(tmp_path, 9, FALSE)
    with pytest.raises(RefusedError, match="smaller"):
        sign(tmp_path, 4)
    sign(tmp_path, 9)


def test_a_signer_that_fails_is_asked_again_for_the_same(tmp_path: Path) -> None:
    class Broken(type(a_key())):  # type: ignore[misc]
        def sign(self, text: str) -> None:
            raise OSError("the HSM is out of reach")

    with pytest.raises(OSError, match="out of reach"):
        begun(tmp_path, Broken(ORIGIN, b"\7" * 32)).sign(TRUE.at(5), TRUE.prove(5))
    with pytest.raises(RefusedError):
        sign(tmp_path, 5, FALSE)
    sign(tmp_path, 5)


@contextmanager
def signing(
    folder: Path, size: int, history: History, killed: str = "nowhere"
) -> Iterator[subprocess.Popen[str]]:
    """A process that signs."""
    command = [sys.executable, "-m", "tests.evidence.signing_process"]
    process = subprocess.Popen(
        [*command, str(folder), str(size), str(history.seed), killed],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        with process:
            yield process
    finally:
        process.kill()


def said(stream: IO[str] | None) -> str:
    assert stream
    return stream.readline()


def test_two_processes_do_not_sign_beside_each_other_and_a_killed_one_holds_nothing_up(
    tmp_path: Path,
) -> None:
    begun(tmp_path)
    sign(tmp_path, 3)
    with signing(tmp_path, 5, TRUE) as process:
        assert said(process.stdout) == "asked\n"
        # What it is about to sign is on the disk, and no signature has left.
        assert guarded(tmp_path).last() == TRUE.at(5)
        for size, history in ((5, TRUE), (6, TRUE), (5, FALSE)):
            with pytest.raises(BusyError, match=f"another process is signing for {ORIGIN}"):
                sign(tmp_path, size, history)
        sign(tmp_path, 1, History(0, "heads"), "heads")
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    with pytest.raises(RefusedError, match="smaller"):
        sign(tmp_path, 4)
    with pytest.raises(RefusedError, match="the root is another"):
        sign(tmp_path, 5, FALSE)
    assert str(sign(tmp_path, 5)) == str(sign(tmp_path, 5))
    with signing(tmp_path, 6, TRUE) as process:
        assert said(process.stdout) == "asked\n"
        assert process.communicate("go\n")[0] == str(sign(tmp_path, 6))


def test_a_process_that_is_killed_before_it_remembers_signs_nothing(tmp_path: Path) -> None:
    begun(tmp_path)
    sign(tmp_path, 3)
    with signing(tmp_path, 5, TRUE, killed="replace") as process:
        assert process.communicate()[0] == ""
    assert process.returncode == -signal.SIGKILL
    assert guarded(tmp_path).last() == TRUE.at(3)
    sign(tmp_path, 4)


def test_of_two_histories_that_are_signed_at_once_one_is_refused(tmp_path: Path) -> None:
    begun(tmp_path)

    def sign_all(history: History) -> list[int]:
        signed = []
        for size in range(1, 30):
            try:
                sign(tmp_path, size, history)
            except (BusyError, RefusedError):
                continue
            signed.append(size)
        return signed

    with ThreadPoolExecutor(4) as threads:
        one, other, one_more, other_more = threads.map(sign_all, (TRUE, FALSE, TRUE, FALSE))
    assert bool(one + one_more) != bool(other + other_more)


def test_a_statement_that_could_be_read_as_a_checkpoint_is_not_signed_unguarded() -> None:
    statement = KeyStatement(ORIGIN, 7, a_key().vkey)
    note = sign_statement(statement.text, [a_key()])
    assert note.text == statement.text
    assert verify(note, [a_key().vkey])
    for text in (TRUE.at(5).text, TRUE.at(5).text + "extension\n", "a\n007\n"):
        with pytest.raises(ValueError, match="could be read as a checkpoint"):
            sign_statement(text, [a_key()])
