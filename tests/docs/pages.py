"""The pages of documentation, as a reader gets them: links, headings, code."""

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]

_MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


class Page:
    """One Markdown file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text("utf-8")

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def _blocks(self) -> list[Token]:
        return _MARKDOWN.parse(self.text)

    def _inline(self) -> Iterator[Token]:
        for block in self._blocks:
            yield from block.children or ()

    def links(self) -> list[str]:
        """What it links to or shows."""
        targets = [token.attrs.get("href") or token.attrs.get("src") for token in self._inline()]
        return [str(target) for target in targets if target]

    def anchors(self) -> set[str]:
        """The names of its headings, as GitHub makes them."""
        texts = [
            "".join(token.content for token in text.children or ())
            for heading, text in zip(self._blocks, self._blocks[1:], strict=False)
            if heading.type == "heading_open"
        ]
        return {_NOT_IN_ANCHORS.sub("", text.lower()).replace(" ", "-") for text in texts}

    def code(self) -> list[str]:
        """What is written as code within sentences."""
        return [token.content for token in self._inline() if token.type == "code_inline"]

    def python(self) -> list[str]:
        """Its blocks of Python."""
        return [
            each.content for each in self._blocks if each.type == "fence" and each.info == "python"
        ]

    def shell(self) -> list[str]:
        """The lines of its blocks of shell, continued lines as one."""
        blocks = [
            each.content for each in self._blocks if each.type == "fence" and each.info == "sh"
        ]
        return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]


README = Page(ROOT / "README.md")
PAGES = [Page(path) for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])]


def page(name: str) -> Page:
    """The page of a name, such as `docs/operating.md`."""
    return next(each for each in PAGES if str(each) == name)
