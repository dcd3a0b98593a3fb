"""Decisions are told alike, and their list says of each what it says itself."""

import re

import pytest

from tests.docs.pages import PAGES, Page, page

INDEX = page("docs/adr/README.md")
DECISIONS = [each for each in PAGES if re.match(r"docs/adr/\d{4}-", str(each))]

_HEAD = re.compile(r"\A# (\d+\. .+)\n\n- Status: (.+)\n- Date: (\d{4}-\d\d-\d\d)\n")
_STATUS = re.compile(r"proposed|accepted|superseded by \[ADR \d+\]\(\d{4}-[\w-]+\.md\)")
_SECTIONS = ["Context", "Decision", "Alternatives", "Consequences"]


@pytest.mark.parametrize("decision", DECISIONS, ids=str)
def test_a_decision_has_a_status_a_date_and_its_reasons(decision: Page) -> None:
    head = _HEAD.match(decision.text)
    assert head
    assert _STATUS.fullmatch(head[2])
    assert re.findall("^## (.+)$", decision.text, re.MULTILINE) == _SECTIONS


def test_the_list_of_decisions_says_what_they_say() -> None:
    heads = {each.path.name: _HEAD.match(each.text) for each in DECISIONS}
    rows = [
        f"| [{head[1]}]({name}) | {head[2]} | {head[3]} |" for name, head in heads.items() if head
    ]
    assert [line for line in INDEX.text.splitlines() if line.startswith("| [")] == rows


def test_decisions_are_numbered_without_gaps_in_order_of_time() -> None:
    heads = [head for each in DECISIONS if (head := _HEAD.match(each.text))]
    assert [int(head[1].split(".")[0]) for head in heads] == list(range(1, len(DECISIONS) + 1))
    assert [head[3] for head in heads] == sorted(head[3] for head in heads)
