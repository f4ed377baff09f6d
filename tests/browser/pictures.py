"""Makes the README's pictures of the console from the running lab: `.venv/bin/python -m tests.browser.pictures`.

A file next to them has the digest of the templates and styles of each page; a test fails when one has changed since.
Run it after `make lab`. The tests of the client page make its picture: `PICTURES=1 .venv/bin/pytest tests/seldon/client
-k picture`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from workshop.lab.paths import lab_paths
from workshop.lab.report import read

KIT = Path(__file__).resolve().parents[2]
FOLDER = KIT / "workshop" / "pictures"
MADE = FOLDER / "made.json"
_PAGES = "workshop/lab/pages"
_EACH = (f"{_PAGES}/templates/layout.html", f"{_PAGES}/templates/runs/macros.html", f"{_PAGES}/static/pages.css")
_RUN = (f"{_PAGES}/templates/runs/run.html", f"{_PAGES}/templates/runs/run-live.html", f"{_PAGES}/static/runs/runs.css")
_CONSOLE = (f"{_PAGES}/templates/console.html", f"{_PAGES}/templates/live.html")
_PARTS = ("index.html", "client.css", "elements.js", "form.js", "answer.js")
_CLIENT = tuple(f"seldon/client/page/{name}" for name in _PARTS)
SOURCES = {"console.png": (*_EACH, *_CONSOLE), "run.png": (*_EACH, *_RUN), "client.png": _CLIENT}
"""The sources of each page. A script that only reacts to clicks does not change the picture."""


def digest(picture: str) -> str:
    """The digest of the files that a picture shows."""
    found = hashlib.sha256()
    for name in SOURCES[picture]:
        found.update(name.encode() + b"\0" + (KIT / name).read_bytes())
    return found.hexdigest()[:16]


def note(*pictures: str) -> None:
    """Record the digest of the sources of a new picture."""
    made = json.loads(MADE.read_text()) if MADE.exists() else {}
    made |= {picture: digest(picture) for picture in pictures}
    MADE.write_text(json.dumps(made, indent=2, sort_keys=True) + "\n")


def main() -> None:
    """Make both pictures, in a light theme, 1240 px wide."""
    from selenium.webdriver.common.by import By

    from tests.browser.driving import chromium, wait_for

    where = lab_paths()
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
    note("console.png", "run.png")


if __name__ == "__main__":
    main()
