"""Drives Chromium, and runs axe-core on a page.

Chromium and its driver come from the system, so nothing is downloaded. The browser connects to the tested page only.
Debian's `chromium-headless-shell` is Chromium without its windows. It takes half the processor time, so it comes first.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

AXE = (Path(__file__).parent / "axe-4.14.1.min.js").read_text(encoding="utf-8")
SERIOUS = ("serious", "critical")
WIDTH, HEIGHT = 1280, 1000
"""Pixels of a new window."""
PROGRAM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
HAVE_CHROMIUM = bool(PROGRAM and shutil.which("chromedriver"))
HEADLESS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")


def chromium(folder: Path, *words: str) -> Chrome:
    """A fresh browser with its profile in the folder; `words` are more arguments. The caller ends it by `quit()`."""
    folder.mkdir(parents=True, exist_ok=True)
    # The driver names no page, and the headless shell without one opens none.
    program = folder / "start"
    program.write_text(f'#!/bin/sh\nexec {PROGRAM} "$@" about:blank\n')
    program.chmod(0o755)
    options = ChromeOptions()
    options.binary_location = str(program)
    for word in (*HEADLESS, f"--window-size={WIDTH},{HEIGHT}", f"--user-data-dir={folder}", *words):
        options.add_argument(word)
    made = Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    made.set_page_load_timeout(60)
    made.set_script_timeout(60)
    return made


@contextmanager
def new_tab(browser: Chrome) -> Iterator[Chrome]:
    """A tab of a browser that several tests use: a new one has the start-up size, no cookies and no emulation.

    A start of Chromium takes a second of processor time, a tab much less.
    """
    # Cookies belong to 127.0.0.1 and not to a port, so another test's lab would receive them.
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    browser.set_window_size(WIDTH, HEIGHT)
    try:
        yield browser
    finally:
        browser.close()
        browser.switch_to.window(first)


def serious(browser: Chrome) -> list[str]:
    """The serious and critical findings of axe-core on the open page: rule, help and the first places."""
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
    """The text of the first element of a selector, once it contains the words. Raises TimeoutException."""

    def there(_: Chrome) -> str | bool:
        texts = [str(each.text) for each in browser.find_elements(By.CSS_SELECTOR, css)]
        return next((text or " " for text in texts if words in text), False)

    return str(_wait(browser, seconds).until(there, f"{css} with {words!r}"))


def click(browser: Chrome, css: str) -> None:
    """Click the element of a selector, once it can be clicked."""

    def clicked(_: Chrome) -> bool:
        for found in browser.find_elements(By.CSS_SELECTOR, css):
            if found.is_displayed() and found.is_enabled():
                browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
                found.click()
                return True
        return False

    _wait(browser, 30).until(clicked, css)


def _wait(browser: Chrome, seconds: float) -> WebDriverWait[Chrome]:
    # A page may replace an element between finding it and using it.
    return WebDriverWait(browser, seconds, ignored_exceptions=[StaleElementReferenceException])
