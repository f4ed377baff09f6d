"""The first modules in a real browser: log in, check, solve, undo, open the notebook."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.driving import HAVE_CHROMIUM, chromium, click, wait_for
from tests.e2e.conftest import Lab
from tests.kit import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not HAVE_CHROMIUM, reason="chromium or chromedriver is not installed"),
]


@pytest.fixture(scope="module")
def browser(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser that has opened the link of `workshop status`, as a participant does."""
    made = chromium(tmp_path_factory.mktemp("chromium"))
    try:
        token = (lab.state / "token").read_text().strip()
        made.get(f"{lab.summary['endpoints']['console']}/#token={token}")
        wait_for(made, "h1, h2")
        yield made
    finally:
        made.quit()


@pytest.mark.parametrize("uid", ["model-serving", "model-quality"])
def test_every_panel_draws_what_the_main_job_has_sent(lab: Lab, browser: Chrome, uid: str) -> None:
    browser.get(f"{lab.summary['endpoints']['console']}/dashboards/{uid}")
    wait_for(browser, '#panels[aria-busy="false"]')
    panels = {
        panel.find_element(By.CSS_SELECTOR, "h3").text: panel
        for panel in browser.find_elements(By.CSS_SELECTOR, ".panel")
    }
    assert len(panels) > 10
    empty = {
        title
        for title, panel in panels.items()
        if "empty" in str(panel.get_attribute("class")) or "no data" in panel.text
    }
    # It compares with the requests of 15 minutes ago, and says so.
    assert empty <= {"Shift of the predictions"}


def test_the_first_module_is_found_and_checked(lab: Lab, browser: Chrome) -> None:
    click(browser, 'nav[aria-label="Pages"] a[href="/guide/"]')
    click(browser, ".modules a")
    wait_for(browser, "h1", "Meet the lab")
    click(browser, "#proof-check")
    wait_for(browser, "#findings", "All done.")
    assert "done" in str(browser.find_element(By.CSS_SELECTOR, '.side [data-module="01"]').get_attribute("class"))


def test_a_module_is_done_by_a_click_stays_done_and_is_taken_back(lab: Lab, browser: Chrome) -> None:
    click(browser, ".turn a:last-child")
    wait_for(browser, "h1", "Explore the data")
    click(browser, "#proof-check")
    wait_for(browser, "#findings", "left to do", 60)
    click(browser, "#proof-solve")
    wait_for(browser, "#job-lines", "jupyter execute", 60)
    browser.refresh()  # a closed page stops nothing, and an opened one finds what runs
    wait_for(browser, "#job-title", "workshop solve 02", 60)
    wait_for(browser, "#findings, #job-title", "is done", 240)
    browser.refresh()
    wait_for(browser, '.side [data-module="02"].done', "Explore")
    click(browser, "#proof-reset")
    browser.switch_to.alert.accept()
    wait_for(browser, "#findings", "3 left to do", 60)
    assert not (lab.state / "home" / "mlops-workshop" / "answers" / "02.yaml").exists()


def test_the_notebook_opens_from_the_guide_without_another_login(lab: Lab, browser: Chrome) -> None:
    link = browser.find_element(By.CSS_SELECTOR, 'a[href*="lab/tree/notebooks/01_explore.ipynb"]').get_attribute("href")
    assert link
    browser.get(link)
    wait_for(browser, ".jp-Notebook, .jp-NotebookPanel", "Which flights arrive late?", 120)
    assert "/user/user1/" in browser.current_url


def test_a_terminal_of_jupyterlab_has_the_commands_of_the_guide(lab: Lab, browser: Chrome) -> None:
    browser.get(f"{lab.summary['endpoints']['jupyterhub']}/hub/user-redirect/lab/workspaces/typing")
    wait_for(browser, '.jp-LauncherCard[title*="terminal" i]', seconds=120)
    click(browser, '.jp-LauncherCard[title*="terminal" i]')
    wait_for(browser, ".xterm-screen", seconds=60)
    said = lab.state / "home" / "mlops-workshop" / "said.txt"
    typed = "(oc whoami; git rev-parse --is-inside-work-tree; command -v workshop dvc mlflow; echo end) > said.txt 2>&1"
    browser.find_element(By.CSS_SELECTOR, ".xterm-helper-textarea").send_keys(typed, Keys.ENTER)
    until(lambda: said.exists() and "end" in said.read_text(), 60, "what the terminal said")
    lines = said.read_text().splitlines()
    said.unlink()
    assert lines[:2] == ["user1", "true"]
    assert [line.rpartition("/")[2] for line in lines[2:5]] == ["workshop", "dvc", "mlflow"]
