"""The secrets that sign webhooks, in the form of Standard Webhooks (`whsec_` and base64).

They are kept as the keys of logs are: in files that the processes which sign share, and never in the
database. That of a subscription is in `<folder>/<tenant>/<subscription>`: a line for each secret that
signs, the newest first, those before it with the time until which they do.
"""

import secrets
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from app.whole_files import FileError, whole_or_not_there
from domain.instant import format_instant

_PREFIX = "whsec_"
_BYTES = 32
_UNTIL = " until "


class SecretError(Exception):
    """The secrets of a webhook can't be made or used; the message names the file."""


class Secret(NamedTuple):
    """A secret, and until when it signs; None: for good."""

    text: str
    until: datetime | None = None

    def __repr__(self) -> str:
        """Show nothing of it: what is shown may land in a log."""
        return f"Secret(until={self.until})"


class Secrets:
    """The secrets in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, tenant: str, name: str) -> str:
        """Make the first secret of a subscription, and give it. Raises SecretError."""
        made = _new()
        path = self._path(tenant, name)
        if path.exists():
            raise SecretError(f"{path} is there already: remove it if it is of nobody any more")
        self._write(path, [Secret(made)])
        return made

    def rotate(self, tenant: str, name: str, *, overlap: timedelta) -> str:
        """Make another secret, and give it; those of before sign on for so long. Raises SecretError.

        Where there is none, as on another host after a restore, it is the first one.
        """
        now = datetime.now(UTC)
        ends = now + overlap
        before = self.read(tenant, name) if self._path(tenant, name).exists() else []
        kept = [
            Secret(each.text, ends if each.until is None else min(ends, each.until))
            for each in before
            if overlap
        ]
        made = _new()
        self._write(self._path(tenant, name), [Secret(made), *kept])
        return made

    def read(self, tenant: str, name: str) -> list[Secret]:
        """Return the secrets that sign at present, the newest first. Raises SecretError."""
        path = self._path(tenant, name)
        try:
            lines = path.read_text("ascii").splitlines()
            found = [_parse(line) for line in lines if line]
        except FileNotFoundError:
            raise SecretError(f"there is no secret {path} to sign with") from None
        except OSError as error:
            raise SecretError(f"the secret {path} can't be read: {error.strerror}") from error
        except ValueError:
            raise SecretError(f"{path} does not hold secrets of a webhook") from None
        now = datetime.now(UTC)
        valid = [each for each in found if each.until is None or now < each.until]
        if not valid:
            raise SecretError(f"{path} holds no secret that signs at present")
        return valid

    def remove(self, tenant: str, name: str) -> bool:
        """Remove the secrets of a subscription; False where there are none. Raises OSError."""
        path = self._path(tenant, name)
        is_there = path.exists()
        path.unlink(missing_ok=True)
        return is_there

    def remove_all(self, tenant: str) -> list[Path]:
        """Remove the secrets of a tenant; gives what was removed. Raises OSError."""
        folder = self._folder / tenant
        files = sorted(folder.glob("*")) if folder.is_dir() else []
        for file in files:
            file.unlink()
        if folder.is_dir():
            folder.rmdir()
        return files

    def _path(self, tenant: str, name: str) -> Path:
        return self._folder / tenant / name

    def _write(self, path: Path, found: list[Secret]) -> None:
        lines = [
            each.text if each.until is None else f"{each.text}{_UNTIL}{format_instant(each.until)}"
            for each in found
        ]
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with whole_or_not_there(path, replace=True) as file:
                file.write("".join(f"{line}\n" for line in lines).encode())
        except OSError as error:
            why = str(error) if isinstance(error, FileError) else error.strerror
            raise SecretError(f"the secret {path} can't be written: {why}") from error


def _new() -> str:
    return _PREFIX + b64encode(secrets.token_bytes(_BYTES)).decode()


def _parse(line: str) -> Secret:
    text, _, until = line.partition(_UNTIL)
    if not text.startswith(_PREFIX) or len(text) == len(_PREFIX):
        raise ValueError("a secret begins with whsec_")
    return Secret(text, datetime.fromisoformat(until) if until else None)
