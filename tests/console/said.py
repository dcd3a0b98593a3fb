"""What a page that follows the log says, one after the other: some of it stands for a moment only."""

from selenium.webdriver.chrome.webdriver import WebDriver

_LISTEN = """
window.said = [];
const status = document.querySelector(".live [role=status]");
new MutationObserver(() => window.said.push(status.textContent)).observe(status, {childList: true});
"""


def listen(browser: WebDriver) -> None:
    """Note from now on what the page says."""
    browser.execute_script(_LISTEN)


def said(browser: WebDriver) -> list[str]:
    """What it said since."""
    found: list[str] = browser.execute_script("return window.said")
    return found
