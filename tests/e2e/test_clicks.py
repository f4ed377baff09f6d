"""The first modules in a real browser: log in, check, solve, undo, open the notebook."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.driving import HAVE_CHROMIUM, chromium, click, serious, wait_for
from tests.e2e.conftest import KIT, Lab
from tests.kit import until
from workshop.commands.lab import TRAFFIC

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


@pytest.fixture(scope="module")
def called(lab: Lab) -> None:
    """Production was called as the main job calls it. The model servers count anew since the lab was copied."""
    url = lab.summary["endpoints"]["production"]
    words = [sys.executable, "-m", "flights.traffic", "--url", url, *TRAFFIC.split()]
    subprocess.run(words, cwd=KIT / "model", check=True, stdout=subprocess.DEVNULL)


@pytest.mark.usefixtures("called")
@pytest.mark.parametrize("uid", ["model-serving", "model-quality"])
def test_every_panel_draws_what_the_main_job_sends(lab: Lab, browser: Chrome, uid: str) -> None:
    browser.get(f"{lab.summary['endpoints']['console']}/dashboards/{uid}")
    wait_for(browser, '#panels[aria-busy="false"]')
    # The first compares with the requests of 15 minutes ago, and the others have no value of a good month: they say so.
    may_be_empty = {"Shift of the predictions", "Values that training did not have", "Refused because of a feature"}
    # A rule is evaluated every 10 s, and the page loads the panels again.
    until(
        lambda: _empty_panels(browser) <= may_be_empty, 40, lambda: f"data in {_empty_panels(browser) - may_be_empty}"
    )


def _empty_panels(browser: Chrome) -> set[str]:
    """The titles of the panels without data."""
    # In one step, because the page replaces its panels.
    panels = browser.execute_script(
        "return [...document.querySelectorAll('.panel')]"
        ".map(one => [one.querySelector('h3').textContent, one.className, one.innerText])"
    )
    assert len(panels) > 10
    return {title for title, classes, text in panels if "empty" in classes or "no data" in text}


def test_the_cost_of_errors_follows_the_slider_by_keyboard(lab: Lab, browser: Chrome) -> None:
    browser.get(f"{lab.summary['endpoints']['console']}/measures/costs")
    own = wait_for(browser, "#summary", "A threshold of 0.30 costs", 120)
    gates = [each.text for each in browser.find_elements(By.CSS_SELECTOR, "#sources .state")]
    assert gates[0] == "The gate would be open"
    slider = browser.find_element(By.ID, "threshold")
    slider.send_keys(*[Keys.ARROW_RIGHT] * 40)
    assert wait_for(browser, "#summary", "A threshold of 0.70 costs") != own
    assert "The gate would be closed: recall" in wait_for(browser, "#sources", "closed")
    missed = browser.find_element(By.ID, "missed")
    missed.clear()
    missed.send_keys("1")
    click(browser, "#best")
    # Errors that cost the same: the best threshold is near a half, and lower where a miss costs more.
    equal = float(slider.get_attribute("value") or 0)
    missed.clear()
    missed.send_keys("5")
    click(browser, "#best")
    assert float(slider.get_attribute("value") or 0) < equal
    for theme in ("light", "dark"):
        browser.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
        assert serious(browser) == [], theme


def test_the_page_of_delivery_has_the_main_jobs_promotion(lab: Lab, browser: Chrome) -> None:
    browser.get(f"{lab.summary['endpoints']['console']}/measures/delivery")
    numbers = wait_for(browser, ".numbers", "Lead time for changes")
    assert "promotion" in numbers and "not counted" not in numbers
    assert "promoted" in wait_for(browser, ".table")
    for theme in ("light", "dark"):
        browser.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
        assert serious(browser) == [], theme


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
    wait_for(browser, "#findings", "4 left to do", 60)
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
