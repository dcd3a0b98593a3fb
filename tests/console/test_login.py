"""Logging in and out, as people do it."""

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.keys import Keys

from app.tenants import find_tenant, list_keys, revoke_key
from postgres.connections import connect
from tests.browser import click, complaints, find, until
from tests.console.conftest import TENANT
from tests.console.visiting import log_in
from tests.http.service import Service

pytestmark = pytest.mark.xdist_group("browser")


def revoke_newest(service: Service) -> None:
    with connect(service.store_url) as connection:
        revoke_key(connection, list_keys(connection, find_tenant(connection, TENANT))[-1].key_id)


def test_one_logs_in_with_a_key_and_comes_to_where_one_wanted(
    browser: WebDriver, service: Service, key: str
) -> None:
    browser.get(f"{service.url}/console/login")
    browser.delete_all_cookies()
    wanted = f"{service.url}/console?a=1&b=%2F%2Fevil"
    browser.get(wanted)
    assert browser.title == "Log in · Roundbook"
    complaints(browser)
    field = find(browser, browser, "input[name=key]")
    assert field.get_attribute("type") == "password"
    assert browser.switch_to.active_element == field
    field.send_keys(key, Keys.ENTER)
    until(browser, lambda: browser.current_url == wanted, "the page that was wanted")
    assert find(browser, browser, ".who").text == TENANT
    assert not complaints(browser)


def test_a_wrong_key_is_told_at_the_field(browser: WebDriver, service: Service) -> None:
    browser.get(f"{service.url}/console/login?reason=ended")
    field = find(browser, browser, "input[name=key]")
    field.send_keys("rb_unknown", Keys.ENTER)
    fault = find(browser, browser, ".fault")
    assert fault.text == "This key is unknown, expired or revoked."
    field = find(browser, browser, "input[name=key]")
    assert field.get_attribute("aria-describedby") == fault.get_attribute("id")
    assert field.get_attribute("value") == ""


def test_one_logs_out(browser: WebDriver, service: Service, key: str) -> None:
    log_in(browser, service, key)
    click(browser, find(browser, browser, ".out button"))
    assert find(browser, browser, "[role=status]").text == "You are logged out."
    browser.get(f"{service.url}/console")
    assert browser.title == "Log in · Roundbook"


def test_who_revokes_a_key_logs_everybody_out_who_uses_it(
    browser: WebDriver, service: Service
) -> None:
    log_in(browser, service, service.new_key(TENANT, "read"))
    # The overview asks again and again, and would be the first to be told.
    browser.get(f"{service.url}/console/players")
    revoke_newest(service)
    browser.get(f"{service.url}/console")
    said = "You are logged out: the key was revoked or has expired. Log in with another one."
    assert find(browser, browser, "[role=status]").text == said
    assert [cookie["name"] for cookie in browser.get_cookies()] == ["roundbook_csrf"]


def test_a_link_from_elsewhere_finds_who_is_logged_in(
    browser: WebDriver, service: Service, key: str
) -> None:
    """A strict cookie does not come with it, so the colleague who followed the link had to log in again."""
    log_in(browser, service, key)
    wanted = f"{service.url}/console?from=a-colleague"
    elsewhere = service.url.replace("127.0.0.1", "localhost")
    browser.get(f"{elsewhere}/")
    browser.execute_script("location.href = arguments[0]", wanted)
    until(browser, lambda: browser.title == "Overview · Roundbook", "the overview")
    assert browser.current_url == wanted


def test_what_the_key_does_not_admit_is_not_offered(browser: WebDriver, service: Service) -> None:
    log_in(browser, service, service.new_key(TENANT, "read"))
    offered = [link.text for link in browser.find_elements("css selector", "nav a")]
    assert "Overview" in offered
    assert "Log" not in offered
    assert "System" not in offered
