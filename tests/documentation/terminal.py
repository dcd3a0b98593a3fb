"""An interactive shell on a terminal of its own, into which text is pasted."""

import codecs
import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple, Self

Shell = Literal["bash", "zsh"]
Way = Literal["in brackets", "as if typed"]

_LONG_S = 60
_COMMANDS: Mapping[Shell, list[str]] = {
    # Without the files of this machine's users.
    "bash": ["bash", "--noprofile", "--norc", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
# The program runs in a session of its own; this makes the terminal (its stdin) that of the session, and
# takes back what a parent may have ignored.
_ON_TERMINAL = """
import fcntl, os, signal, sys, termios
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
    signal.signal(number, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
_PROMPT = "\x1b[?2004h"  # the shell asks for brackets whenever it is ready for the next command
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\r\x07\b]")


class Done(NamedTuple):
    """What came of a block: the exit status of its last command, what it printed, and the screen."""

    status: int
    printed: str
    screen: str


class Terminal:
    """A shell. What its commands print goes into a file; the rest stands on the screen."""

    def __init__(
        self, shell: Shell, folder: Path, answers: Path, environment: Mapping[str, str]
    ) -> None:
        """Start in `folder`; what is printed goes to `answers`."""
        self._answers = answers
        self._blocks = 0
        self._printed = self._screen = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ON_TERMINAL, *_COMMANDS[shell]],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env={**environment, "TERM": "xterm-256color", "HOME": str(answers.parent)},
            start_new_session=True,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        """Wait for the prompt, then let what is printed go into the file."""
        self._pump(re.compile(re.escape(_PROMPT)))
        self.paste(f"exec >{shlex.quote(str(self._answers))}\n", "as if typed")
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self._process.send_signal(signal.SIGHUP)
        os.close(self._master)
        self._process.wait(_LONG_S)

    def paste(self, text: str, way: Way) -> Done:
        """Paste a block, and wait until all of it is done.

        A terminal sends a carriage return for a line break. It puts what is pasted into brackets where
        the shell asks for that; else the shell can't tell it from what is typed.
        """
        self._screen = ""
        self._blocks += 1
        typed = text.replace("\n", "\r")
        if way == "in brackets":
            typed = f"\x1b[200~{typed}\x1b[201~\r"
        # The screen shows what is typed too, but in one word only what is printed.
        end = f"printf 'ended%s %s\\n' -{self._blocks} $? >/dev/tty\r"
        ended = self._pump(
            re.compile(rf"ended-{self._blocks} (\d+)\r?\n.*{re.escape(_PROMPT)}", re.DOTALL),
            typed + end,
        )
        whole = self._answers.read_bytes().decode() if self._answers.exists() else ""
        printed, self._printed = whole[len(self._printed) :], whole
        return Done(int(ended[1]), printed, _CONTROLS.sub("", self._screen))

    def _pump(self, wanted: re.Pattern[str], text: str = "") -> re.Match[str]:
        """Send a text, and read the screen meanwhile and until it shows what is wanted."""
        rest, deadline = text.encode(), time.monotonic() + _LONG_S
        while True:
            found = None if rest else wanted.search(self._screen)
            if found:
                return found
            left_s = max(0, deadline - time.monotonic())
            sending = [self._master] if rest else []
            readable, writable, _ = select.select([self._master], sending, [], left_s)
            assert readable or writable, f"no {wanted.pattern!r} in {self._screen!r}"
            if readable:
                self._screen += self._decoder.decode(os.read(self._master, 65_536))
            if writable:
                rest = rest[os.write(self._master, rest[:256]) :]
