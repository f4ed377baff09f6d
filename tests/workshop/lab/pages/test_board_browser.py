"""The board in a browser: thirty participants, light and dark, on a phone; a request for help and its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.browser.driving import HAVE_CHROMIUM, chromium, click, serious, wait_for
from tests.kit import until
from tests.workshop.lab.pages.fixtures import Served, check_found, lab_of, pipeline_run, served, task_run
from workshop.lab.lab import Lab
from workshop.lab.paths import LabPaths
from workshop.lab.progress import remember
from workshop.lab.room import Room, numbered
from workshop.participants.progress import asks_for_help, entered

COUNT = 30
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("board-browser"),
    pytest.mark.skipif(not HAVE_CHROMIUM, reason="chromium or chromedriver is not installed"),
]


def fill(about: Lab) -> None:
    """A room in the middle of a day."""
    for at, view in enumerate(about.views):
        for number in range(1, at % 6 + 1):
            check_found(view, f"{number:02}", 0, 3)
        if at % 3:
            check_found(view, f"{at % 6 + 1:02}", at % 3, 3)
    for at, text in ((4, "dvc push says: permission denied, and I do not know which remote it means"), (17, "")):
        about_to = about.views[at].participant
        remember(about.store, about_to, lambda before, text=text: asks_for_help(before, "05", text))  # type: ignore[misc]
    for at, rules in ((3, ["precision", "calibration error"]), (9, ["precision"])):
        remember(about.store, about.views[at].participant, lambda before, rules=rules: entered(before, rules))  # type: ignore[misc]
    run = pipeline_run(about.store, "train-and-stage-x7f2q", [{"name": "gate"}], status="False", reason="Failed")
    task_run(about, run, "gate", {"check": 1}, logs={"check": "ERROR: auc 0.61 is below the limit of 0.70\n"})


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Chrome, Served, Lab]]:
    """The board of thirty participants, opened by the instructor's link."""
    folder = tmp_path_factory.mktemp("board")
    LabPaths(folder).make()
    about = lab_of(folder, people=Room(numbered(COUNT)))
    fill(about)
    with served(about, gate=True) as lab:
        browser = chromium(folder / "chromium")
        try:
            browser.get(f"{lab.url}/#token={about.instructors[0].token}")
            wait_for(browser, "h1", "The room")
            yield browser, lab, about
        finally:
            browser.quit()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_board(opened: tuple[Chrome, Served, Lab], theme: str) -> None:
    browser, lab, _ = opened
    browser.get(f"{lab.url}/board")
    until(lambda: len(browser.find_elements(By.CSS_SELECTOR, ".people tbody tr")) == COUNT)
    browser.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    assert serious(browser) == []


def test_on_a_phone_the_board_scrolls_down_only(opened: tuple[Chrome, Served, Lab]) -> None:
    browser, lab, _ = opened
    browser.set_window_size(390, 844)
    try:
        browser.get(f"{lab.url}/board")
        wait_for(browser, "h1", "The room")
        width = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert width[0] <= width[1]
        assert serious(browser) == []
    finally:
        browser.set_window_size(1280, 1000)


@pytest.fixture
def participants(opened: tuple[Chrome, Served, Lab], tmp_path: Path) -> Iterator[Callable[[int, str], Chrome]]:
    """Open a module as a participant, in a browser of their own."""
    _, lab, about = opened
    browsers: list[Chrome] = []

    def open_as(number: int, module: str) -> Chrome:
        browsers.append(chromium(tmp_path / f"chromium-{number}"))
        browsers[-1].get(f"{lab.url}/guide/{module}#token={about.views[number - 1].token}")
        return browsers[-1]

    yield open_as
    for browser in browsers:
        browser.quit()


def test_a_participant_asks_and_the_instructor_answers(
    opened: tuple[Chrome, Served, Lab], participants: Callable[[int, str], Chrome]
) -> None:
    browser, lab, _ = opened
    browser.get(f"{lab.url}/board")
    participant = participants(10, "05-version-the-data")
    click(participant, "#help summary")
    participant.find_element(By.ID, "help-text").send_keys("where is August?")
    click(participant, "#help-form [type=submit]")
    wait_for(participant, "#help-state", "The instructor sees it")
    assert serious(participant) == []
    wait_for(browser, "#help", "where is August?")
    click(browser, '[data-helped="user10"]')
    until(lambda: "where is August?" not in browser.find_element(By.ID, "help").text)
    participant.refresh()
    wait_for(participant, "#help-state", "marked your request")


def test_a_participant_takes_the_request_back(
    opened: tuple[Chrome, Served, Lab], participants: Callable[[int, str], Chrome]
) -> None:
    browser, lab, _ = opened
    browser.get(f"{lab.url}/board")
    participant = participants(12, "02-explore-the-data")
    click(participant, "#help summary")
    click(participant, "#help-form [type=submit]")
    wait_for(browser, "#help", "user12")
    click(participant, "#help-back")
    wait_for(participant, "#help-form [type=submit]", "Ask for help")
    until(lambda: "user12" not in browser.find_element(By.ID, "help").text)
