"""What the documentation names is there: files, headings, paths, and each page is found from the README."""

import re
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from tests.docs.pages import PAGES, README, ROOT, Page

SOURCES = ROOT / "src"
PACKAGES = sorted(path.name for path in SOURCES.iterdir() if path.is_dir())
FOLDERS = ["src", "tests", "bench", "deploy", "docs", "examples"]

_PATH = re.compile(rf"(?:{'|'.join([*FOLDERS, *PACKAGES])})(?:/[\w.*-]+)+/?")
_FILE = re.compile(r"[\w-]+\.(?:py|sql|toml|lock|svg|md)")
_MODULE = re.compile(rf"(?:{'|'.join([*PACKAGES, 'bench'])})(?:\.\w+)+")

each_page = pytest.mark.parametrize("page", PAGES, ids=str)


def target(page: Page, link: str) -> tuple[Path, str]:
    """The file and the anchor that a relative link leads to."""
    name, _, anchor = link.partition("#")
    return (page.path.parent / unquote(name)).resolve() if name else page.path, anchor


def relative_links(page: Page) -> list[str]:
    return [link for link in page.links() if not re.match("[a-z]+:", link)]


@each_page
def test_relative_links_lead_somewhere(page: Page) -> None:
    pages = {each.path: each for each in PAGES}
    broken = []
    for link in relative_links(page):
        path, anchor = target(page, link)
        inside = path.is_relative_to(ROOT) and path.exists()
        if not inside or (anchor and anchor not in pages[path].anchors()):
            broken.append(link)
    assert broken == []


def test_every_page_is_found_from_the_readme() -> None:
    pages = {each.path: each for each in PAGES}
    found, to_read = {README.path}, [README]
    while to_read:
        page = to_read.pop()
        linked = {target(page, link)[0] for link in relative_links(page)} & pages.keys()
        to_read += [pages[path] for path in linked - found]
        found |= linked
    assert sorted(map(str, found ^ pages.keys())) == []


@each_page
def test_paths_that_are_named_exist(page: Page) -> None:
    named = [code for code in page.code() if _PATH.fullmatch(code)]
    named += [
        path for line in page.shell() for path in re.findall(rf"(?<![\w/.-]){_PATH.pattern}", line)
    ]
    assert [path for path in named if not exists(path)] == []


@each_page
def test_files_and_modules_that_are_named_exist(page: Page) -> None:
    files = {code for code in page.code() if _FILE.fullmatch(code)}
    known = {path.name for folder in FOLDERS for path in (ROOT / folder).rglob("*")}
    known |= {path.name for path in ROOT.iterdir()}
    assert files - known == set()
    modules = {code for code in page.code() if _MODULE.fullmatch(code)} - known
    assert {module for module in modules if not is_module(module)} == set()


def exists(path: str) -> bool:
    """Whether there is such a path, or git leaves it out because it is made by running something."""
    ignored = (ROOT / ".gitignore").read_text("utf-8").split()
    below = ROOT if path.partition("/")[0] in FOLDERS else SOURCES
    return any(below.glob(path.rstrip("/"))) or path in ignored


def is_module(name: str) -> bool:
    """Whether it is a module, or a name within one."""
    below = ROOT if name.startswith("bench.") else SOURCES
    parts = name.split(".")
    places = [below.joinpath(*parts), below.joinpath(*parts[:-1])]
    return any(place.is_dir() or place.with_suffix(".py").is_file() for place in places)


def test_the_readme_is_read_in_a_minute() -> None:
    assert len(README.text.splitlines()) < 100


@pytest.mark.parametrize(
    "drawing", sorted((ROOT / "docs/images").glob("*.svg")), ids=lambda p: p.name
)
def test_drawings_name_paths_that_exist_and_are_for_light_and_dark(drawing: Path) -> None:
    text = drawing.read_text("utf-8")
    words = " ".join(ET.fromstring(text).itertext())
    paths = _PATH.findall(words)
    assert paths
    assert [path for path in paths if not exists(path)] == []
    assert "@media (prefers-color-scheme: dark)" in text
