"""The guide's terminal in Chromium: commands of the text run in it, by mouse, by keyboard and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.driving import HAVE_CHROMIUM, chromium, click, new_tab, serious, wait_for
from tests.workshop.lab.pages.fixtures import TOKEN
from tests.workshop.lab.pages.terminal.fixtures import Lab, terminals

SCREEN = "#terminal-screen .xterm-rows"
MODULE = "/guide/05-version-the-data"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("terminal-browser"),
    pytest.mark.skipif(not HAVE_CHROMIUM, reason="chromium or chromedriver is not installed"),
]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with terminals(tmp_path / "lab") as made:
        yield made


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    made = chromium(tmp_path_factory.mktemp("chromium"))
    try:
        yield made
    finally:
        made.quit()


@pytest.fixture
def tab(lab: Lab, browser: Chrome) -> Iterator[Chrome]:
    """A tab that has logged in."""
    with new_tab(browser):
        browser.get(f"{lab.served.url}/guide/#token={TOKEN}")
        wait_for(browser, "h1", "Guide")
        yield browser
        logged = browser.get_log("browser")  # type: ignore[no-untyped-call]
        noise = [each["message"] for each in logged if each["level"] == "SEVERE"]
        assert [line for line in noise if "Content Security Policy" in line] == []


def test_nothing_is_loaded_or_run_before_a_button_is_pressed(tab: Chrome, lab: Lab) -> None:
    tab.get(lab.served.url + MODULE)
    wait_for(tab, "#terminal-toggle", "Open")
    loaded = tab.execute_script("return performance.getEntriesByType('resource').map((each) => each.name)")
    assert not [name for name in loaded if "xterm" in name and name.endswith(".js")]
    assert not lab.shells._running


def test_run_types_the_commands_of_a_block_one_after_another(tab: Chrome, lab: Lab) -> None:
    (lab.shells.cwd / "model" / "data").mkdir(parents=True)
    (lab.shells.cwd / "model" / "data" / "flights-2013-07.csv").write_text("x\n")
    tab.get(lab.served.url + MODULE)
    click(tab, '[aria-label="Run cd model"]')
    screen = wait_for(tab, SCREEN, "dvc status")
    wait_for(tab, SCREEN, "401b30e3b8b5d629635a5c613cdb7919")
    assert "(lab) model" in screen, "the second command was typed at the prompt that the first had led to"


def test_what_was_typed_and_not_sent_is_not_part_of_the_command(tab: Chrome, lab: Lab) -> None:
    tab.get(lab.served.url + MODULE)
    click(tab, "#terminal-toggle")
    wait_for(tab, SCREEN, "(lab)")
    tab.switch_to.active_element.send_keys("rm -rf ")
    wait_for(tab, SCREEN, "rm -rf")
    click(tab, '[aria-label="Run git switch -c mine"]')
    wait_for(tab, SCREEN, "git switch -c mine")
    wait_for(tab, SCREEN, "not a git repository")
    assert "rm -rf git" not in tab.find_element(By.CSS_SELECTOR, SCREEN).text


def test_while_a_program_runs_the_block_is_not_typed_into_it(tab: Chrome, lab: Lab) -> None:
    tab.get(lab.served.url + MODULE)
    click(tab, "#terminal-toggle")
    wait_for(tab, SCREEN, "(lab)")
    tab.switch_to.active_element.send_keys("cat > typed\n")
    wait_for(tab, SCREEN, "cat > typed")
    click(tab, '[aria-label="Run git switch -c mine"]')
    wait_for(tab, "#terminal-word", "A program runs in this terminal")
    assert "git switch" not in tab.find_element(By.CSS_SELECTOR, SCREEN).text


def test_the_next_page_and_a_reload_show_the_same_shell(tab: Chrome, lab: Lab) -> None:
    tab.get(lab.served.url + MODULE)
    click(tab, "#terminal-toggle")
    wait_for(tab, SCREEN, "(lab)")
    tab.switch_to.active_element.send_keys("here=42\n")
    tab.refresh()
    wait_for(tab, SCREEN, "here=42")
    tab.get(f"{lab.served.url}/guide/06-productize-the-notebook")
    wait_for(tab, SCREEN, "here=42")
    click(tab, "#terminal-screen")
    ActionChains(tab).send_keys("echo it is $here\n").perform()
    wait_for(tab, SCREEN, "it is 42")


def test_the_keyboard_opens_it_types_and_leaves_again(tab: Chrome, lab: Lab) -> None:
    tab.get(lab.served.url + MODULE)
    wait_for(tab, "#terminal-toggle", "Open")
    tab.execute_script("document.getElementById('terminal-toggle').focus()")
    ActionChains(tab).send_keys(Keys.ENTER).perform()
    wait_for(tab, SCREEN, "(lab)")
    ActionChains(tab).send_keys("echo 6$((3+4))\n").perform()
    wait_for(tab, SCREEN, "67")
    ActionChains(tab).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
    assert tab.switch_to.active_element.get_attribute("id") == "terminal-toggle"
    ActionChains(tab).send_keys(Keys.ENTER).perform()
    assert not tab.find_element(By.ID, "terminal-screen").is_displayed()


def test_a_shell_that_ended_comes_back_by_enter(tab: Chrome, lab: Lab) -> None:
    tab.get(lab.served.url + MODULE)
    click(tab, "#terminal-toggle")
    wait_for(tab, SCREEN, "(lab)")
    tab.switch_to.active_element.send_keys("exit\n")
    wait_for(tab, "#terminal-word", "The shell has ended")
    tab.switch_to.active_element.send_keys("\n")
    wait_for(tab, "#terminal-word:empty")
    wait_for(tab, SCREEN, "(lab)")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1600, 1280, 390])
def test_it_is_readable_and_passes_axe_in_each_theme_and_width(tab: Chrome, lab: Lab, width: int, theme: str) -> None:
    tab.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    tab.execute_script("localStorage.setItem('theme', arguments[0])", theme)
    tab.get(lab.served.url + MODULE)
    click(tab, "#terminal-toggle")
    wait_for(tab, SCREEN, "(lab)")
    assert serious(tab) == []
    wide = tab.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    article, panel = (tab.find_element(By.CSS_SELECTOR, css).rect for css in ("article", "#terminal"))
    if width == 1600:
        assert panel["x"] >= article["x"] + article["width"], "beside the text"
    if width == 390:
        assert panel["y"] >= article["y"] + article["height"], "below the text"
    ground = tab.execute_script(
        "return getComputedStyle(document.querySelector('#terminal-screen .xterm-scrollable-element')).backgroundColor"
    )
    assert ground == {"light": "rgb(238, 241, 245)", "dark": "rgb(16, 23, 29)"}[theme]


def test_without_javascript_the_page_has_its_text_and_no_dead_button(tab: Chrome, lab: Lab) -> None:
    tab.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    tab.get(lab.served.url + MODULE)
    WebDriverWait(tab, 20).until(lambda page: "git switch -c mine" in page.page_source)
    assert not tab.find_element(By.ID, "terminal").is_displayed()
    assert not tab.find_elements(By.CSS_SELECTOR, ".run")
