"""The link with the token, pasted into a tab that already shows a page of the lab: only its fragment changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.driving import HAVE_CHROMIUM, chromium, new_tab, wait_for
from tests.workshop.lab.pages.fixtures import TOKEN, Served, lab_of, served

pytestmark = [
    pytest.mark.xdist_group("login-browser"),
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not HAVE_CHROMIUM, reason="chromium or chromedriver is not installed"),
]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Served]:
    with served(lab_of(tmp_path, token=TOKEN), gate=True) as running:
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    made = chromium(tmp_path_factory.mktemp("chromium"))
    try:
        yield made
    finally:
        made.quit()


@pytest.fixture
def window(browser: Chrome) -> Iterator[Chrome]:
    with new_tab(browser):
        yield browser


def test_it_logs_in_a_tab_that_shows_the_token_page(lab: Served, window: Chrome) -> None:
    window.get(lab.url)
    wait_for(window, "h1", "This lab has a token")
    window.get(f"{lab.url}/#token={TOKEN}")
    wait_for(window, "h1", "Your lab")
    assert "token" not in window.current_url


def test_it_logs_in_after_a_token_that_was_wrong(lab: Served, window: Chrome) -> None:
    window.get(f"{lab.url}/#token=wrong")
    wait_for(window, "#word", "is not the lab's token")
    window.get(f"{lab.url}/#token={TOKEN}")
    wait_for(window, "h1", "Your lab")


def test_it_leaves_the_address_of_a_tab_that_is_logged_in(lab: Served, window: Chrome) -> None:
    window.get(f"{lab.url}/#token={TOKEN}")
    wait_for(window, "h1", "Your lab")
    window.get(f"{lab.url}/#token={TOKEN}")
    WebDriverWait(window, 10).until(lambda page: "token" not in page.current_url)
    wait_for(window, "h1", "Your lab")
