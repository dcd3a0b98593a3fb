"""What visitors do."""

from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser import find, until
from tests.http.service import Service


def log_in(browser: WebDriver, service: Service, key: str) -> None:
    """Log in with a key, whoever was."""
    browser.get(f"{service.url}/console/login?reason=out")
    browser.delete_all_cookies()
    browser.get(f"{service.url}/console/login")
    field = find(browser, browser, "input[name=key]")
    field.send_keys(key)
    field.submit()
    until(browser, lambda: browser.current_url == f"{service.url}/console", "the overview")
