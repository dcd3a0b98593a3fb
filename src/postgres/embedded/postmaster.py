"""The server process of the owner: starting, watching and stopping it. Nothing here waits for readiness."""

import os
import subprocess
import time
from signal import SIGCONT, SIGHUP, SIGINT, SIGKILL, SIGQUIT, Signals

from postgres.embedded.admission import prepare_admission
from postgres.embedded.binaries import find_binaries
from postgres.embedded.cluster import SETTINGS, check_version, make_cluster, shared_buffers
from postgres.embedded.log import Log
from postgres.embedded.place import Place, claim_socket_folder
from postgres.embedded.process import disown, end_process, launch, running_postmaster
from postgres.memory import share_of_plenty

# A fast shutdown writes all dirty buffers, of which there are few; what it takes longer is a stuck disk.
FAST_SHUTDOWN_S = 60.0
SOCKET = ".s.PGSQL.5432"
_ORPHANS = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')


class Postmaster:
    """A server as our direct child. Use it as the owner of the cluster, from the main thread."""

    def __init__(self, place: Place) -> None:
        self.log = Log(place)
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None
        self._listened = False
        self._orphan_seen_at: float | None = None
        self.orphan: int | None = None
        """The process that `start` met and that still has to end: a server of an owner before us."""

    @property
    def running(self) -> bool:
        """Return whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def listening(self) -> bool:
        """Return whether the process lives and its socket is there, soon after the start, recovery or not."""
        exists = self.running and (self._place.socket_folder / SOCKET).exists()
        self._listened = self._listened or exists
        return exists

    @property
    def unreachable(self) -> bool:
        """Return whether the process lives, but its socket is gone: somebody may tidy up around us."""
        return self.running and not self.listening and self._listened

    @property
    def status(self) -> int | None:
        """Return the exit status of the process, or minus the signal that ended it."""
        return self._process.returncode if self._process else None

    def make(self) -> None:
        """Make the data folder if there is none. Raises EmbeddedError, OSError."""
        if not self._place.pgdata.exists():
            make_cluster(self._place, find_binaries(self._place))

    def start(self, **others: str) -> bool:
        """Start the server; False while one that its owner left behind still has to end.

        `others` are settings beside those of every server.

        Raises EmbeddedError, OSError.
        """
        pgdata = self._place.pgdata
        self.orphan = running_postmaster(pgdata)
        if self.orphan is not None:
            self._end_orphan(self.orphan)
            return False
        self._orphan_seen_at = None
        binaries = find_binaries(self._place)
        check_version(pgdata, binaries)
        claim_socket_folder(self._place)
        disown(pgdata / "postmaster.pid")
        for stale in (SOCKET, f"{SOCKET}.lock"):
            (self._place.socket_folder / stale).unlink(missing_ok=True)
        prepare_admission(self._place)
        self.log.trim()
        settings = {
            **SETTINGS,
            "shared_buffers": shared_buffers(share_of_plenty()),
            "hba_file": str(self._place.admission),
            "unix_socket_directories": str(self._place.socket_folder),
            **others,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [binaries.postgres, "-D", str(pgdata), *options]
        self._listened = False
        log = self.log.open()
        try:
            self._process = launch(command, self._place.account, ending=SIGINT, output=log)
        finally:
            os.close(log)
        return True

    def reload(self) -> None:
        """Let the server read its configuration anew, soon."""
        if self._process is not None:
            self._process.send_signal(SIGHUP)

    def stop(self) -> None:
        """Shut the server down and wait for it; what was committed stays, whatever this takes."""
        if self._process is None:
            return
        steps: list[tuple[Signals, float | None]]
        steps = [(SIGINT, FAST_SHUTDOWN_S), (SIGQUIT, 10.0), (SIGKILL, None)]
        for number, wait_s in steps:
            self._process.send_signal(number)  # does nothing if the process ended
            self._process.send_signal(SIGCONT)  # one that is stopped would not come to it
            try:
                self._process.wait(wait_s)
            except subprocess.TimeoutExpired:
                continue
            break
        self._process = None

    def met_an_orphan(self) -> bool:
        """Return whether the server ended as it found another, or its backends, that will end soon."""
        return is_of_an_orphan(self.log.last_words())

    def _end_orphan(self, pid: int) -> None:
        # As its owner we hold the lock, so nobody else answers for it. Where the death of its owner sent a
        # signal already, a second one does no harm. One that is stopped goes on, or it would keep us from
        # starting for ever.
        now = time.monotonic()
        if self._orphan_seen_at is None:
            self._orphan_seen_at = now
            end_process(pid, SIGINT)
        elif now - self._orphan_seen_at > FAST_SHUTDOWN_S:
            self._orphan_seen_at = now
            end_process(pid, SIGQUIT)


def is_of_an_orphan(said: str) -> bool:
    """Return whether a program of PostgreSQL ended over another server, or its backends, which end soon."""
    return any(sign in said for sign in _ORPHANS)
