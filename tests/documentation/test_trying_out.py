""" "Try it out" in the interactive documentation, unchanged, on a service that holds the sample day."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from tests.browser import click, complaints, find, until
from tests.http.service import Service

pytestmark = pytest.mark.xdist_group("browser")

FILES = {"application/octet-stream", "application/zip"}
"""What the page has no way to show, but offers to keep."""


class Operation(NamedTuple):
    """An operation of the OpenAPI document, and the media types of its answer ("" for none)."""

    name: str
    block_id: str
    media_types: list[str]


class Shown(NamedTuple):
    """What the page shows of an answer."""

    status: str
    headers: str
    body: str = ""


@pytest.fixture(scope="module")
def operations(service: Service) -> list[Operation]:
    document = httpx.get(service.url + "/schema/openapi.json", timeout=60).json()
    return list(operations_of(document))


def operations_of(document: Any) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            answers = [
                response
                for status, response in operation["responses"].items()
                if status.startswith("2")
            ]
            yield Operation(
                f"{method.upper()} {path}",
                f"operations-{operation['tags'][0]}-{operation['operationId']}",
                [media_type for answer in answers for media_type in answer.get("content", {})]
                or [""],
            )


@pytest.fixture
def page(browser: WebDriver, service: Service, key: str) -> WebDriver:
    """The documentation, the key entered."""
    browser.get(service.url + "/schema")
    click(browser, find(browser, browser, ".scheme-container .authorize"))
    form = find(browser, browser, ".auth-container form")
    find(browser, form, "input[type=text]").send_keys(key)
    click(browser, find(browser, form, "button.authorize"))
    click(browser, find(browser, form, "button.btn-done"))
    until(browser, lambda: not browser.find_elements("css selector", ".dialog-ux"), "the page")
    return browser


def test_every_operation_can_be_tried_out_unchanged(
    page: WebDriver, operations: list[Operation]
) -> None:
    assert len(operations) > 10
    refused = {
        f"{operation.name} as {media_type}": shown
        for operation in operations
        for media_type, shown in tried(page, operation)
        if not works(media_type, shown)
    }
    assert not refused
    assert not complaints(page)


def tried(page: WebDriver, operation: Operation) -> Iterator[tuple[str, Shown]]:
    """Send the request that is filled in, for each media type of the answer."""
    block = find(page, page, f"#{operation.block_id}")
    click(page, find(page, block, ".opblock-summary-control"))
    click(page, find(page, block, ".try-out__btn"))
    for media_type in operation.media_types:
        choose(page, block, media_type)
        click(page, find(page, block, "button.execute"))
        answer = find(page, block, ".live-responses-table tbody tr.response")
        status = find(page, answer, ".response-col_status")
        *body, headers = answer.find_elements("css selector", "pre.microlight")
        body += answer.find_elements("css selector", "a[download]")
        yield media_type, Shown(*map(text_of, (status, headers, *body)))
        click(page, find(page, block, "button.btn-clear"))
        until(
            page,
            lambda: not block.find_elements("css selector", ".live-responses-table"),
            "no answer",
        )
    click(page, find(page, block, ".opblock-summary-control"))


def choose(page: WebDriver, block: WebElement, media_type: str) -> None:
    """Ask for a media type where there is a choice."""
    for found in block.find_elements("css selector", "select.content-type"):
        choice = Select(found)
        if media_type in [option.get_attribute("value") for option in choice.options]:
            choice.select_by_value(media_type)


def text_of(element: WebElement) -> str:
    """The text, without the search for what of it is visible, which takes long in long answers."""
    return str(element.get_property("textContent"))


def works(media_type: str, shown: Shown) -> bool:
    """Whether the answer is a success of this media type that shows something."""
    if not shown.status.startswith("2"):
        return False
    if not media_type:
        return not shown.body
    if f"content-type: {media_type}" not in shown.headers:
        return False
    if media_type == "application/json":
        return bool(json.loads(shown.body).get("items", ["no page"]))
    if media_type in FILES:
        return shown.body == "Download file"
    return len(shown.body) > 0
