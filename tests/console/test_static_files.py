"""Style and scripts: whose they are, that nobody changed them, and how long a browser keeps them."""

import hashlib
import re
from pathlib import Path

import pytest

from tests.console.visiting import client_of
from tests.http.service import Service

CONSOLE = Path(__file__).parents[2] / "src" / "api" / "console"
VENDORED = (CONSOLE / "static" / "vendor", Path(__file__).parent / "axe")


@pytest.mark.parametrize("folder", VENDORED, ids=lambda folder: folder.name)
def test_what_is_vendored_is_what_was_published_with_its_licence(folder: Path) -> None:
    lines = (folder / "SHA256SUMS.txt").read_text("ascii").splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    found = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.iterdir()
        if file.name != "SHA256SUMS.txt"
    }
    assert found == sums
    for name in found:
        assert f"{name.partition('.')[0]}.LICENSE.txt" in found


def test_browsers_keep_them_by_their_content_and_never_ask_again(service: Service) -> None:
    with client_of(service) as client:
        page = client.get("/console/login").text
        paths = re.findall(r'"(/console/static/[^"]+)"', page)
        assert {path.rpartition("/")[2] for path in paths} >= {"console.css", "htmx.min.js"}
        for path in paths:
            answer = client.get(path)
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            types = {"css": "text/css", "js": "text/javascript"}
            assert answer.headers["content-type"].startswith(types[path.rpartition(".")[2]])
            other = re.sub(r"/static/\w+/", "/static/0123456789abcdef/", path)
            gone = client.get(other)
            assert (gone.status_code, gone.headers["cache-control"]) == (404, "no-store")


def test_no_template_holds_a_script_a_style_or_a_handler_of_its_own() -> None:
    for template in CONSOLE.glob("templates/**/*.html"):
        text = template.read_text("utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|hx-on", text), template
        for script in re.findall(r"<script\b[^>]*>", text):
            assert "src=" in script or 'type="application/json"' in script, template
