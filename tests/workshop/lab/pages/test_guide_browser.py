"""The guide for everybody: axe-core finds nothing serious, the keyboard reaches all, a phone scrolls down only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.driving import HAVE_CHROMIUM, chromium, click, serious, wait_for
from tests.kit import until
from tests.workshop.lab.pages.fixtures import TOKEN, check_found, lab_of, served
from workshop.guide.module import load_all
from workshop.lab.paths import LabPaths

KIT = Path(__file__).resolve().parents[4]
MODULES = load_all(KIT / "workshop" / "modules")
PAGES = [
    "/guide/",
    "/guide/search?q=dvc",
    "/guide/slides",
    "/guide/data",
    "/guide/01-meet-the-lab?lang=zh-Hans",
    "/guide/?lang=en",
    *(f"/guide/{m.name}" for m in MODULES),
]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("guide-browser"),
    pytest.mark.skipif(not HAVE_CHROMIUM, reason="chromium or chromedriver is not installed"),
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Chrome, str]]:
    """A browser that has logged in to a lab's pages."""
    folder = tmp_path_factory.mktemp("guide")
    LabPaths(folder).make()
    about = lab_of(folder)
    check_found(about, "02", 0, 4)
    with served(about, gate=True) as lab:
        browser = chromium(folder / "chromium")
        try:
            browser.get(f"{lab.url}/guide/#token={TOKEN}")
            wait_for(browser, "h1", "Guide")
            yield browser, lab.url
        finally:
            browser.quit()


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious_in_light_and_dark_and_ids_are_unique(opened: tuple[Chrome, str], path: str) -> None:
    browser, base = opened
    browser.get(base + path)
    wait_for(browser, "h1")
    ids = [str(each.get_attribute("id")) for each in browser.find_elements(By.CSS_SELECTOR, "[id]")]
    assert sorted(ids) == sorted(set(ids)), "two elements share an id, and a script finds the wrong one"
    for theme in ("light", "dark"):
        browser.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
        assert serious(browser) == [], theme


def test_a_phone_scrolls_down_and_not_sideways(opened: tuple[Chrome, str]) -> None:
    browser, base = opened
    width = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    browser.set_window_size(390, 844)
    try:
        for module in MODULES:
            browser.get(f"{base}/guide/{module.name}")
            # The window and its styles may take a moment.
            until(lambda: browser.execute_script(width) <= 0, 15, f"{module.name} as wide as the window")
    finally:
        browser.set_window_size(1280, 1000)


def test_the_keyboard_reaches_the_content_first_and_the_buttons(opened: tuple[Chrome, str]) -> None:
    browser, base = opened
    browser.get(f"{base}/guide/02-explore-the-data")
    wait_for(browser, "h1")
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the content"
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    seen: set[str] = set()
    for _ in range(60):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        seen.add(browser.switch_to.active_element.get_attribute("id") or "")
    assert {"proof-check", "proof-solve", "proof-reset"} <= seen


def test_the_copy_button_copies_the_command_without_its_prompt(opened: tuple[Chrome, str]) -> None:
    browser, base = opened
    browser.get(f"{base}/guide/05-version-the-data")
    permissions = {"origin": base, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.execute_cdp_cmd("Browser.grantPermissions", permissions)
    click(browser, ".code.wrap .copy")
    wait_for(browser, ".code.wrap .copy", "Copied")
    copied = browser.execute_async_script("navigator.clipboard.readText().then(arguments[arguments.length - 1])")
    assert copied == "git switch -c mine"


def test_an_answer_opens_on_demand_and_the_check_says_what_is_missing(opened: tuple[Chrome, str]) -> None:
    browser, base = opened
    browser.get(f"{base}/guide/02-explore-the-data")
    assert not browser.find_element(By.CSS_SELECTOR, "details pre").is_displayed()
    click(browser, "details:has(pre) > summary")
    assert "leak: dep_delay" in browser.find_element(By.CSS_SELECTOR, "details pre").text
    assert "done" in str(browser.find_element(By.CSS_SELECTOR, '.side [data-module="02"]').get_attribute("class"))
    click(browser, "#proof-check")
    wait_for(browser, "#findings", "left to do")
    assert "open" in str(browser.find_element(By.CSS_SELECTOR, '.side [data-module="02"]').get_attribute("class"))


def test_taking_a_module_back_asks_and_a_no_changes_nothing(opened: tuple[Chrome, str]) -> None:
    browser, base = opened
    browser.get(f"{base}/guide/02-explore-the-data")
    click(browser, "#proof-reset")
    question = browser.switch_to.alert
    assert "Take module 2 back to its start?" in question.text and "answers/kept" in question.text
    question.dismiss()
    assert not browser.find_element(By.ID, "job").is_displayed()


def test_a_term_is_explained_by_keyboard(opened: tuple[Chrome, str]) -> None:
    browser, base = opened
    browser.get(f"{base}/guide/04-compare-features-and-models")
    term, meaning = browser.find_element(By.CSS_SELECTOR, ".term"), browser.find_element(By.CSS_SELECTOR, ".meaning")
    assert not meaning.is_displayed()
    browser.execute_script("arguments[0].focus()", term)
    term.send_keys(Keys.ENTER)
    assert meaning.is_displayed() and len(meaning.text) > 20
    assert serious(browser) == []
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not meaning.is_displayed()


def test_the_readers_answer_is_kept_and_shown_when_the_answer_opens(opened: tuple[Chrome, str]) -> None:
    browser, base = opened
    for number, answer in enumerate(("1", "3")):
        browser.get(f"{base}/guide/02-explore-the-data")
        wait_for(browser, "h1")
        if number == 0:
            assert not browser.find_element(By.CSS_SELECTOR, ".question .given").is_displayed()
        click(browser, f".question input[value='{answer}']")
        click(browser, ".question [type=submit]")
        wait_for(browser, ".question [role=status]", "Kept")
    browser.refresh()
    assert browser.find_element(By.CSS_SELECTOR, ".question input[value='3']").is_selected()
    click(browser, ".question summary")
    wait_for(browser, ".question .given", "17, in the evening rush")
    assert "41 in 100" in browser.find_element(By.CSS_SELECTOR, ".question details").text
    assert serious(browser) == []
