"""Pages of runs on a phone, in light and dark, with a screen reader, and with the longest names of a cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from tests.browser.driving import HAVE_CHROMIUM, chromium, click, serious, wait_for
from tests.workshop.lab.pages.fixtures import TOKEN, lab_of, pipeline_run, served, task_run
from tests.workshop.lab.pages.runs.test_approval import ME, OTHER, US, _asked
from workshop.manifests.objects import Object

LONG = "n" * 63
ODD = "<img src=x onerror=document.title='caught'> " + "y" * 150
PAGES = ("/runs", f"/runs/user1-dev/{LONG}", "/runs/user1-dev/promote", "/runs/user1-dev/wide")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("runs-browser"),
    pytest.mark.skipif(not HAVE_CHROMIUM, reason="chromium or chromedriver is not installed"),
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Chrome, str]]:
    """A browser that has logged in to pages with a failed run, one that waits, and a wide one."""
    folder = tmp_path_factory.mktemp("runs")
    about = lab_of(folder)
    tasks: list[Object] = [{"name": "t" * 60, "displayName": ODD}, {"name": "after", "runAfter": ["t" * 60]}]
    results = [{"name": "r" * 63, "value": "z" * 4000}]
    run = pipeline_run(about.store, LONG, tasks, status="False", reason="Failed", results=results)
    task_run(about, run, "t" * 60, {"fit": 1}, name="odd", logs={"fit": "x" * 300_000 + "\nerror: the <end>\n"})
    _asked(about, {**ME, "message": "m" * 500}, US, OTHER)
    pipeline_run(about.store, "wide", [{"name": f"task-{n:02d}"} for n in range(60)])
    with served(about, gate=True) as lab:
        browser = chromium(folder / "chromium")
        try:
            browser.get(f"{lab.url}/#token={TOKEN}")
            wait_for(browser, "h1")
            yield browser, lab.url
        finally:
            browser.quit()


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious_on_the_pages_of_runs(opened: tuple[Chrome, str], path: str) -> None:
    browser, base = opened
    browser.get(base + path)
    wait_for(browser, "h1")
    for theme in ("light", "dark"):
        browser.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
        assert serious(browser) == [], theme


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_scrolls_down_and_not_sideways(opened: tuple[Chrome, str], path: str, width: int) -> None:
    browser, base = opened
    browser.set_window_size(width, 844)
    try:
        browser.get(base + path)
        wait_for(browser, "h1")
        # On a phone the table of times is moved inside its own frame.
        frames = "html, #panel" if width < 600 else "html, #panel, #times .table"
        wide = browser.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map((one) => one.scrollWidth - one.clientWidth)",
            frames,
        )
        assert max(wide) <= 0, f"{path} is {wide} pixels too wide"
    finally:
        browser.set_window_size(1280, 1000)


def test_text_of_other_users_is_escaped_and_the_error_is_visible_at_once(opened: tuple[Chrome, str]) -> None:
    browser, base = opened
    browser.get(f"{base}/runs/user1-dev/{LONG}")
    assert "<img src=x" in wait_for(browser, "#panel-title")
    assert wait_for(browser, "#panel .error") == "error: the <end>"
    assert browser.title != "caught"
    click(browser, "#row-after a")
    wait_for(browser, "#panel-title", "after")
