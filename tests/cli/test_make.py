"""The targets of the Makefile, as a user calls them, wherever the checkout is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

CHECKOUT = Path(__file__).parents[2]
_NEEDED = ("Makefile", "pyproject.toml", "requirements.lock", "README.md", "src", "clients/python")


def environment(**variables: str) -> dict[str, str]:
    """This process's environment, without what `make test` and a service put there."""
    others = ("MAKE", "MFLAGS", "PORT", "PYTHON", "ROUNDBOOK_", "LC_", "LANG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return kept | variables


def make(folder: Path, *words: str, **variables: str) -> str:
    ended = subprocess.run(
        ["make", *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(**variables),
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize(("words", "port"), [([], "8000"), (["PORT=8001"], "8001")])
def test_the_port_can_be_chosen(words: list[str], port: str) -> None:
    shown = make(CHECKOUT, "--dry-run", "run", *words)
    assert shown.splitlines()[-1] == f".venv/bin/roundbook serve --demo --port {port}"


def test_a_checkout_works_in_a_folder_that_the_locale_has_no_characters_for(folder: Path) -> None:
    """Python did not start: the path stood in a .pth file, which it reads in the locale's encoding."""
    checkout = folder / "müßig und größer"
    checkout.mkdir()
    for name in _NEEDED:
        (checkout / name).parent.mkdir(exist_ok=True)
        if (CHECKOUT / name).is_dir():
            # What Python compiles meanwhile comes and goes.
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(CHECKOUT / name, checkout / name, ignore=ignored)
        else:
            shutil.copy(CHECKOUT / name, checkout / name)
    # What is pinned is there already: pip finds it as it is, and asks nobody.
    here = {
        "LC_ALL": "C",
        "PYTHONPATH": str(Path(psycopg.__file__).parents[1]),
        "PIP_NO_INDEX": "1",
        "PYTHON": sys.executable,
    }
    make(checkout, "setup", **here)
    for locale in ("C", "POSIX", "C.UTF-8", "no_SUCH.ISO-8859-1"):
        imported = subprocess.run(
            [".venv/bin/python", "-c", "import api; print(ascii(api.__file__))"],
            check=True,
            capture_output=True,
            text=True,
            cwd=checkout,
            env=environment(**here | {"LC_ALL": locale}),
        )
        assert imported.stdout.strip() == ascii(str(checkout / "src/api/__init__.py"))
    program = ".venv/bin/roundbook"
    for words, said in (("migrate", "applied 0001 log"), ("tenant create måns-1", None)):
        done = subprocess.run(
            [program, *words.split()],
            check=False,
            capture_output=True,
            text=True,
            cwd=checkout,
            env=environment(**here),
        )
        if said:
            assert (done.returncode, done.stdout.splitlines()[0]) == (0, said), done.stderr
        else:
            assert done.returncode == 1
            assert done.stderr.startswith("Error: 'måns-1' is no name")
    assert (checkout / ".roundbook").is_dir()
