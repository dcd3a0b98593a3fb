"""The embedded PostgreSQL as the service sees it: own it or attach to it, and keep it alive."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from postgres.connections import connect
from postgres.embedded.accounts import Account
from postgres.embedded.admission import by_password
from postgres.embedded.cluster import DATABASE, furnish
from postgres.embedded.errors import EmbeddedError, NoClusterError, in_words
from postgres.embedded.lock import Lock
from postgres.embedded.passwords import OWNER, SERVICE, SUPERUSER, make_passwords
from postgres.embedded.place import (
    Place,
    close_socket_folder,
    find_place,
    open_socket_folder,
    verify_socket_folder,
)
from postgres.embedded.postmaster import Postmaster
from postgres.embedded.waiting import Patience
from postgres.recovery import is_recovering

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STABLE_S = 60.0
_ANOTHER = "nobody's"


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")


class EmbeddedServer:
    """A PostgreSQL of the service's own, in `data_dir`. Context manager, for the main thread.

    The first process to enter owns the server: it starts it, stops it at the end, and takes it along
    should it be killed. Others attach, and only use it. Where there is none one is made, unless `make` is
    off. Entering raises EmbeddedError: NoClusterError where there is none and none is made.

    A server that recovers, as to a point in time, is waited for without end. Where `stopped` says true
    while a server is waited for, entering raises StoppedError soon, and leaves none running.

    `owner_url` is for migrating: it owns the database. `service_url` may connect and do what
    migrations granted. `admin_url` is the superuser, in the database `postgres`. Each holds its role's
    password alone. They stay the same from one owner to the next, so that connection pools recover by
    themselves.

    A cluster of version 0.1.0, which trusts whoever reaches its socket, goes on as long as a process of that
    version owns it: one of this version attaches as before. The first of this version that enters as its
    owner gives the roles passwords, and from then on nobody is let in without.
    """

    owner_url: str
    service_url: str
    admin_url: str

    def __init__(
        self,
        data_dir: Path,
        *,
        say: Callable[[str], None] = _to_stderr,
        make: bool = True,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._stopped = stopped
        self._data_dir = data_dir
        self._say = say
        self._make = make
        self._place: Place
        self._lock: Lock
        self._postmaster: Postmaster
        self._retry_at = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._started_at = 0.0
        self._why = ""
        self._guest: Account | None = None

    def __enter__(self) -> Self:
        try:
            self._place = find_place(self._data_dir, self._say, make=self._make)
            self._lock = Lock(self._place.lock)
            self._postmaster = Postmaster(self._place)
            self._own_or_attach()
        except (OSError, psycopg.Error) as error:
            raise EmbeddedError(
                f"the embedded PostgreSQL in {self._data_dir} cannot be used: {in_words(error)}"
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._let_go()

    def keep_alive(self) -> None:
        """Start the server again if we own it and it ended; become the owner if ours has gone.

        Call it every half second from the main thread of a long-lived process. It does not wait for the
        server to be ready, and it raises nothing: what goes wrong it says, and tries again later.
        """
        try:
            if self._guest is not None and by_password(self._place):
                self._let_in_again(self._guest)
            if self._lock.held and self._postmaster.running:
                self._postmaster.log.trim()
                if not self._postmaster.unreachable:
                    return
                self._why = "lost its socket"
                self._postmaster.stop()
            if time.monotonic() >= self._retry_at:
                self._revive()
        except (EmbeddedError, OSError) as error:
            self._back_off()
            self._say(f"the embedded PostgreSQL cannot be started, trying again: {in_words(error)}")

    def refusal(self, account: Account) -> str | None:
        """Say why an account can't be let in by `let_in`, None if it can. Raises OSError."""
        place = self._place
        if account.uid == place.account.uid:
            return "PostgreSQL runs as it"
        if not account.may_enter(place.socket_folder.parent):
            return f"it can't reach {place.socket_folder.parent}"
        if not by_password(place):
            return "PostgreSQL asks for no passwords as long as a process of version 0.1.0 runs it"
        return None

    def let_in(self, account: Account) -> None:
        """Let an account, which needs a role's password then, get to the socket from now on. For root.

        Raises EmbeddedError, OSError.
        """
        self._guest = account
        open_socket_folder(self._place, account)

    @property
    def account(self) -> Account:
        """Return the account that PostgreSQL runs as."""
        return self._place.account

    @property
    def secrets(self) -> list[Path]:
        """Files and folders: who may read the former or write to the latter can become its owner."""
        place = self._place
        return [place.home, place.passwords, place.pgdata, place.pgdata / "PG_VERSION"]

    def _revive(self) -> None:
        owned = self._lock.held
        if not owned:
            self._postmaster.stop()  # it has none, unless somebody replaced the folder under us
            if not self._lock.take():
                return  # its owner lives
            self._why = "lost the process that ran it"
        elif self._postmaster.status is not None:
            self._why = f"ended with status {self._postmaster.status}"
        if time.monotonic() - self._started_at > STABLE_S:
            self._pause_s = FIRST_PAUSE_S
        try:
            if not self._postmaster.start():
                return  # a server of the owner before us still shuts down
        except BaseException:
            if not owned:
                self._lock.release()  # another process may be able to
            raise
        self._back_off()
        self._say(
            f"the embedded PostgreSQL {self._why} and was started again by this process:"
            f" see {self._place.log}"
        )

    def _let_in_again(self, guest: Account) -> None:
        # The next server makes the folder anew, or says what is wrong with it.
        with suppress(FileNotFoundError, EmbeddedError):
            open_socket_folder(self._place, guest)

    def _back_off(self) -> None:
        self._started_at = time.monotonic()
        self._retry_at = self._started_at + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def _own_or_attach(self) -> None:
        patience = Patience(self._say, self._stopped)
        while True:
            if self._lock.take():
                try:
                    self._bring_up()
                except BaseException:
                    self._let_go()
                    raise
                return
            if self._know_passwords() and patience.ask(lambda: self._accepts(self.service_url)):
                return
            patience.wait(f"process {self._lock.owner()} to start the embedded PostgreSQL")

    def _know_passwords(self) -> bool:
        """Read the passwords of somebody else's server; False while it has none yet."""
        if not self._place.passwords.exists():
            if self._place.admission.exists():
                raise EmbeddedError(
                    f"the passwords of the embedded PostgreSQL, {self._place.passwords}, are gone: end"
                    f" process {self._lock.owner()}, which runs it; the next one makes others"
                )
            if not self._place.pgdata.exists():
                return False
            # Its owner, of version 0.1.0, lets us in with any. The next owner, who may be us, sets these.
            make_passwords(self._place.passwords)
        self._read_passwords()
        return True

    def _read_passwords(self) -> None:
        self.owner_url = self._place.url(OWNER, DATABASE)
        self.service_url = self._place.url(SERVICE, DATABASE)
        self.admin_url = self._place.url(SUPERUSER, "postgres")

    def _bring_up(self) -> None:
        if not self._make and not self._place.pgdata.exists():
            raise NoClusterError(self._data_dir)
        make_passwords(self._place.passwords)
        self._read_passwords()
        if not self._place.pgdata.exists():
            self._say(f"making an embedded PostgreSQL in {self._place.home}")
            self._postmaster.make()
        patience = Patience(self._say, self._stopped)
        started = False
        while not (
            self._postmaster.listening and patience.ask(lambda: self._accepts(self.admin_url))
        ):
            if not self._postmaster.running:
                if started and not self._postmaster.met_an_orphan():
                    raise EmbeddedError(
                        f"the embedded PostgreSQL did not start, see {self._place.log}:\n"
                        + self._postmaster.log.last_words()
                    )
                started = self._postmaster.start()
            orphan = self._postmaster.orphan
            patience.wait(
                "the embedded PostgreSQL to start (after a crash it recovers first)"
                if orphan is None
                else f"process {orphan}, a PostgreSQL that outlived whoever ran it, to end"
            )
        self._outwait_recovery(patience)
        is_trusting = not by_password(self._place)
        furnish(self._place)
        if is_trusting:
            self._postmaster.reload()
            another = self._place.url(SERVICE, DATABASE, password=_ANOTHER)
            while patience.ask(lambda: self._accepts(another)):
                patience.wait("the embedded PostgreSQL to ask for passwords")
        self._started_at = time.monotonic()

    def _outwait_recovery(self, patience: Patience) -> None:
        """Wait, for as long as it takes, until the server has recovered to where somebody wants it.

        It lets sessions in before. Whoever recovers to a point in time may let it stand still there, to look.
        """
        told = False
        while patience.ask(self._is_recovering):
            if not told:
                self._say(
                    f"the embedded PostgreSQL is in recovery, and nothing is begun before that ends, see"
                    f" {self._place.log}. One that stands still at its target is ended by"
                    " `select pg_wal_replay_resume()`"
                )
                told = True
            patience.pause()

    def _is_recovering(self) -> bool:
        try:
            with connect(self.admin_url) as connection:
                return is_recovering(connection)
        except psycopg.OperationalError:
            if self._postmaster.running:
                return True  # it lets nobody in for a moment, as it ends its recovery
            raise EmbeddedError(
                f"the embedded PostgreSQL ended its recovery and itself, see {self._place.log}:\n"
                + self._postmaster.log.last_words()
            ) from None

    def _accepts(self, url: str) -> bool:
        try:
            verify_socket_folder(self._place)
            connect(url).close()
        except (FileNotFoundError, psycopg.OperationalError):
            return False
        return True

    def _let_go(self) -> None:
        # In this order: whoever gets the lock finds no server running.
        self._postmaster.stop()
        if self._guest is not None and self._lock.held:
            with suppress(OSError, EmbeddedError):
                close_socket_folder(self._place)
        self._lock.release()
