"""One Chromium that clicks and looks, and axe-core's opinion of a page.

Chromium and its driver come from the system, so nothing is downloaded; the browser talks to nobody but the page.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

AXE = (Path(__file__).parent / "axe-4.14.1.min.js").read_text(encoding="utf-8")
SERIOUS = ("serious", "critical")
HAVE_CHROMIUM = bool(shutil.which("chromium") and shutil.which("chromedriver"))


def chromium(folder: Path) -> Chrome:
    """A fresh browser whose profile is in the folder; the caller ends it with `quit()`."""
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for word in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--window-size=1280,1000",
        f"--user-data-dir={folder}",
    ):
        options.add_argument(word)
    made = Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    made.set_page_load_timeout(60)
    made.set_script_timeout(60)
    return made


def serious(browser: Chrome) -> list[str]:
    """What axe-core calls serious or critical on the page that is open: rule, help and the first places."""
    browser.execute_script(AXE)
    found: dict[str, Any] = browser.execute_async_script(
        "const done = arguments[arguments.length - 1]; axe.run(document, {resultTypes: ['violations']}).then(done);"
    )
    return [
        f"{each['id']}: {each['help']}: " + "; ".join(" ".join(node["target"]) for node in each["nodes"][:3])
        for each in found["violations"]
        if each["impact"] in SERIOUS
    ]


def wait_for(browser: Chrome, css: str, words: str = "", seconds: float = 30) -> str:
    """The text of the first element that a selector finds, once it holds the words. Raises TimeoutException."""

    def there(_: Chrome) -> str | bool:
        texts = [str(each.text) for each in browser.find_elements(By.CSS_SELECTOR, css)]
        return next((text or " " for text in texts if words in text), False)

    waited = WebDriverWait(browser, seconds).until(there, f"{css} with {words!r}")
    return str(waited)


def click(browser: Chrome, css: str) -> None:
    """Click what a selector finds, once it is there and may be clicked."""
    found = WebDriverWait(browser, 30).until(
        lambda b: next((e for e in b.find_elements(By.CSS_SELECTOR, css) if e.is_displayed() and e.is_enabled()), None)
    )
    assert found
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
    found.click()
