"""The README's pictures of the console, made anew from the lab that runs: `.venv/bin/python -m tests.browser.pictures`.

Beside them stands of what they are a picture: the digest of the templates and styles of each page, and a test that says
when one has changed since. Run it after `make lab`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from workshop.lab.report import read
from workshop.lab.state import state

KIT = Path(__file__).resolve().parents[2]
FOLDER = KIT / "workshop" / "pictures"
MADE = FOLDER / "made.json"
_PAGES = KIT / "workshop" / "lab" / "pages"
_EACH = ("templates/layout.html", "templates/runs/macros.html", "static/pages.css")
SOURCES = {
    "console.png": (*_EACH, "templates/console.html", "templates/live.html"),
    "run.png": (*_EACH, "templates/runs/run.html", "templates/runs/run-live.html", "static/runs/runs.css"),
}
"""What each page is made of; a script that only reacts to clicks changes no picture."""


def digest(picture: str) -> str:
    """Of the files that a picture shows."""
    found = hashlib.sha256()
    for name in SOURCES[picture]:
        found.update(name.encode() + b"\0" + (_PAGES / name).read_bytes())
    return found.hexdigest()[:16]


def main() -> None:
    """Take both, in a light theme, 1240 wide."""
    from selenium.webdriver.common.by import By

    from tests.browser.driving import chromium, wait_for

    where = state()
    report = read(where)
    assert report is not None, "no lab runs; make lab, then again"
    console = report.endpoints["console"]
    with TemporaryDirectory() as folder:
        browser = chromium(Path(folder))
        try:
            size = {"width": 1240, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            browser.get(f"{console}/#token={where.token.read_text().strip()}")
            wait_for(browser, "#parts-title")
            browser.save_screenshot(str(FOLDER / "console.png"))
            browser.get(f"{console}/runs")
            link = '.runs a[href*="train-and-stage"]'
            wait_for(browser, link)
            links = browser.find_elements(By.CSS_SELECTOR, link)
            browser.get(str(links[-1].get_attribute("href")))
            wait_for(browser, "#times-title")
            wait_for(browser, "svg")
            browser.save_screenshot(str(FOLDER / "run.png"))
        finally:
            browser.quit()
    MADE.write_text(json.dumps({name: digest(name) for name in sorted(SOURCES)}, indent=2) + "\n")


if __name__ == "__main__":
    main()
