"""Whether nobody but the service can read the keys that sign, or change what was last signed."""

import stat
from collections.abc import Iterator
from pathlib import Path

from app.settings import Settings
from postgres.doctor import Finding

_CHECK = "signing keys"


def key_rights(settings: Settings) -> Iterator[Finding]:
    """Check the rights of the folder of the keys and of its files; it is not made where there is none."""
    folder = settings.signing_path
    if settings.sign_command is not None:
        yield Finding(_CHECK, "ok", "a command signs; the rights to its keys are its own business")
    try:
        names = sorted(folder.iterdir())
        found = list(_faults(folder, names))
    except FileNotFoundError:
        yield Finding(_CHECK, "ok", f"there are none in {folder}: this host signs nothing yet")
    except NotADirectoryError:
        remedy = "name a folder by ROUNDBOOK_SIGNING_KEYS"
        yield Finding(_CHECK, "wrong", f"{folder} is no folder", remedy)
    except PermissionError:
        what = f"this user may not look into {folder}"
        yield Finding(_CHECK, "warning", what, "run this command as the user that seals")
    else:
        yield from found
        if not found:
            keys = sum(name.suffix == ".key" for name in names)
            yield Finding(_CHECK, "ok", f"{keys} in {folder}, for nobody else to read")


def _faults(folder: Path, names: list[Path]) -> Iterator[Finding]:
    mode = _mode(folder)
    if mode & 0o077:
        what = f"the folder {folder} has mode {mode:04o}: others may see which keys there are"
        if mode & 0o022:
            what = f"the folder {folder} has mode {mode:04o}: others may replace what is in it"
        yield Finding(_CHECK, "wrong" if mode & 0o022 else "warning", what, f"`chmod 700 {folder}`")
    for file in names:
        mode = _mode(file)
        if file.suffix == ".key" and mode & 0o077:
            what = f"{file} has mode {mode:04o}: who reads it can forge the log"
            remedy = (
                f"`chmod 600 {file}`; if somebody may have read it, `roundbook evidence rotate-key`"
            )
            yield Finding(_CHECK, "wrong", what, remedy)
        elif mode & 0o022:
            what = f"{file} has mode {mode:04o}: others may change it"
            yield Finding(_CHECK, "wrong", what, f"`chmod 600 {file}`")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
