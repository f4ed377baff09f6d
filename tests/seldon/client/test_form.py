"""The form for any model: made from the model's columns, with the words of the use case."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver.support.ui import Select

from tests.browser.driving import AXE
from tests.fuel import FOLDER, trained_kit
from tests.kit import serving
from tests.s2i.conftest import Server
from tests.seldon.client.conftest import NAMESPACE, Tab, in_a_browser
from workshop.lab.gateway import build
from workshop.lab.routes import Backend, Routes, Target, client_path

pytestmark = [*in_a_browser, pytest.mark.xdist_group("client-page")]  # One browser for all.
NAME = "fuel-consumption"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server("FuelConsumption", {"MODEL_SERVER_ACCESS_LOG": "false"}, trained_kit() / FOLDER)
    made.wait_for("ready")
    yield made
    made.stop()


@pytest.fixture
def tab(server: Server, chromium: Any) -> Iterator[Tab]:
    routes = Routes()
    routes.set(NAMESPACE, NAME, (Target("main", f"{NAME}-main", (Backend("main-0", server.port),)),))
    with serving(build(routes)) as url:
        made = Tab(chromium, f"{url}{client_path(NAMESPACE, NAME)}/")
        made.look()
        chromium.get(made.url)
        made.until(lambda: made.all("#field-weight"))
        yield made


def test_the_inputs_of_a_row_begin_at_the_same_height_when_a_label_wraps(tab: Tab) -> None:
    tops = tab.driver.execute_script(
        "document.querySelector('label').textContent = 'a label of many words that needs more than a line';"
        "return [...document.querySelectorAll('.field')].map((one) => [one, one.querySelector('input, select')]"
        ".map((each) => Math.round(each.getBoundingClientRect().top)))"
    )
    assert len({field for field, _ in tops}) < len(tops), "no row has two fields"
    assert len({field for field, _ in tops}) == len({tuple(each) for each in tops}), tops


def test_the_answer_has_the_models_value_and_unit_and_its_truth_is_counted(tab: Tab, server: Server) -> None:
    assert tab.text("h1") == "How much fuel does it consume?"
    assert "Weight (kg)" in tab.text("#row")
    tab.ask()
    tab.until(lambda: tab.all(".share"))
    asked = {
        "names": ["cylinders", "displacement", "horsepower", "weight", "acceleration", "year", "origin"],
        "ndarray": [[4, 1600, 75, 1000, 16.5, 1980, "Japan"]],
    }
    value = server.post({"data": asked}).json["data"]["ndarray"][0][0]
    assert float(tab.text(".share")) == pytest.approx(value, rel=5e-3)
    assert "litres per 100 km" in tab.text("#answer")
    before = server.sample("model_feedback_error_total", power="0")
    tab.one("#truth").send_keys("8.1")
    tab.one(".feedback button").click()
    tab.until(lambda: "Thank you" in tab.text("#answer"))
    assert server.sample("model_feedback_error_total", power="0") == before + 1


def test_fields_and_units_have_the_words_of_the_readers_language(tab: Tab) -> None:
    tab.one("#languages [lang=zh-Hans]").click()
    tab.until(lambda: "重量" in tab.text("#row"))
    assert "重量 (kg)" in tab.text("#row") and "汽车的质量" in tab.text("#row")
    tab.ask()
    tab.until(lambda: tab.all(".share"))
    assert "升/100 公里" in tab.text("#answer")
    tab.driver.delete_all_cookies()


def test_each_wrong_value_is_named_at_its_field(tab: Tab) -> None:
    for name, value in (("weight", "-900"), ("cylinders", "99")):
        field = tab.one(f"#field-{name}")
        field.clear()
        field.send_keys(value)
    tab.ask()
    tab.until(lambda: tab.all(".error"))
    assert "-900" in tab.text("#field-weight-error") and "400 to 3500" in tab.text("#field-weight-error")
    assert "2 to 12" in tab.text("#field-cylinders-error")


def test_a_field_that_may_be_empty_may_be_empty_and_no_other(tab: Tab) -> None:
    tab.one("#field-horsepower").clear()
    Select(tab.one("#field-origin")).select_by_value("")
    tab.ask()
    tab.until(lambda: tab.all(".error"))
    assert [one.get_attribute("id") for one in tab.all(".error")] == ["field-origin-error"]
    Select(tab.one("#field-origin")).select_by_value("Europe")
    tab.ask()
    tab.until(lambda: tab.all(".share"))


def test_the_form_has_no_fault_that_axe_finds(tab: Tab) -> None:
    tab.ask()
    tab.until(lambda: tab.all(".share"))
    tab.driver.execute_script(AXE)
    found = tab.driver.execute_async_script("axe.run().then(arguments[0])")["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


def test_the_page_says_that_no_model_is_there(chromium: Any) -> None:
    routes = Routes()
    routes.set(NAMESPACE, NAME, ())
    with serving(build(routes)) as url:
        tab = Tab(chromium, f"{url}{client_path(NAMESPACE, NAME)}/")
        chromium.get(tab.url)
        tab.until(lambda: "no model is deployed here yet" in tab.text("body"))


def test_the_form_has_the_language_of_the_browser_and_the_words_of_the_use_case_in_it(tab: Tab) -> None:
    agent = tab.driver.execute_script("return navigator.userAgent")
    wish = {"userAgent": agent, "acceptLanguage": "zh-CN,en"}
    tab.driver.execute_cdp_cmd("Emulation.setUserAgentOverride", wish)
    tab.driver.delete_all_cookies()  # A choice goes before the browser's language.
    try:
        tab.driver.get(tab.url)
        tab.until(lambda: tab.all("#field-weight"))
        assert tab.text("h1") == "它的油耗是多少？"
        assert tab.text("#ask") == "询问模型"
        tab.ask()
        tab.until(lambda: tab.all(".share"))
        assert tab.text("#answer-title") == "它的油耗大约是" and "实际值是多少？" in tab.text("#answer")
    finally:
        tab.driver.execute_cdp_cmd("Emulation.setUserAgentOverride", wish | {"acceptLanguage": "en-US"})
