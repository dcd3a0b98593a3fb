"""What goes wrong with the embedded PostgreSQL, in words for the operator."""

import os
from pathlib import Path


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class StoppedError(Exception):
    """The embedded PostgreSQL was waited for, and whoever waited was asked to end."""


def in_words(error: Exception) -> str:
    """Write an error of the operating system as people do: without its number, its file first."""
    if isinstance(error, OSError) and error.strerror:
        file = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return f"{file}{error.strerror}"
    return str(error).strip()


class NoClusterError(EmbeddedError):
    """There is no embedded PostgreSQL, and making one was not asked for."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(
            f"there is no store in {data_dir}\n"
            "`roundbook serve`, `roundbook project` and `roundbook migrate` make one there."
            " ROUNDBOOK_DATA_DIR names another folder (absent: .roundbook in the current one),"
            " ROUNDBOOK_DATABASE_URL a database elsewhere."
        )
