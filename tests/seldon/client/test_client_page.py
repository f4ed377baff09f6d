"""The client page: a prediction, errors at their fields, an explanation, and feedback."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import matplotlib.image
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browser import pictures
from tests.seldon.client.conftest import FLIGHT, KIT, Site, Tab, in_a_browser

pytestmark = [*in_a_browser, pytest.mark.xdist_group("client-page")]  # One browser for all.

AXE = KIT / "tests/browser/axe-4.14.1.min.js"
MINUS = "\N{MINUS SIGN}"
NAMES = [
    "weekday", "sched_dep", "sched_arr", "carrier", "origin", "dest", "distance", "plane_age", "seats",
    "temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib",
]  # fmt: skip


def question() -> dict[str, Any]:
    """FLIGHT as a request, put together here."""
    reference = json.loads((KIT / "seldon/client/page/reference.json").read_text())
    distance, lasts, planes = reference["routes"]["EWR"]["ORD"]
    seats, age = planes["UA"]
    storm = reference["weather"]["conditions"]["storm"][10]
    row = [5, 18 * 60 + 30, 18 * 60 + 30 + lasts, "UA", "EWR", "ORD", distance, age, seats, *storm]
    return {"data": {"names": NAMES, "ndarray": [row]}}


def expected(site: Site) -> float:
    """The model's probability for FLIGHT."""
    return float(site.server.post(question()).json["data"]["ndarray"][0][1])


def test_the_answer_is_that_of_the_model_and_is_counted_once(tab: Tab, site: Site) -> None:
    late = expected(site)
    counted = site.server.sample("model_predictions_total")
    tab.open()
    for name, label in (("origin", "Newark (EWR)"), ("dest", "Chicago O'Hare, IL (ORD)"), ("carrier", "United (UA)")):
        tab.select(name).select_by_visible_text(label)
    tab.one("#date").send_keys("11272026")
    tab.one("#sched_dep").send_keys("0630PM")
    tab.one("#sky-storm").click()
    tab.ask()
    tab.answered()
    assert tab.text(".share") == f"{round(late * 100)} %"
    assert len(tab.all(".planes .is-late")) == round(late * 100)
    assert "United from Newark to Chicago O'Hare, Friday at 18:30" in tab.text("#answer")
    assert tab.focused == tab.one("#answer-title")
    assert site.server.sample("model_predictions_total") == counted + 1, "an explanation is no prediction"
    assert tab.complaints() == [], "the policy blocks nothing that the page needs"


def test_the_page_speaks_another_language_after_a_click_and_keeps_it(tab: Tab) -> None:
    tab.open(FLIGHT)
    tab.one("#languages [lang=zh-Hans]").click()
    tab.until(lambda: tab.text("h1") == "我的航班会晚点吗？")
    assert tab.driver.execute_script("return document.documentElement.lang") == "zh-Hans"
    tab.ask()
    tab.answered()
    assert "United，从 Newark 到 Chicago O'Hare，星期五 18:30" in tab.text("#answer")
    assert {part.text for part in tab.all(".part .name")} == {"星期与时刻", "航空公司", "航线", "飞机", "天气"}
    english = [
        one.text
        for one in tab.all("body *")
        if re.search("[a-z]{4} [a-z]{3}", one.text) and not one.get_property("childElementCount")
    ]
    assert english == []
    tab.open()
    assert tab.text("h1") == "我的航班会晚点吗？"
    tab.one("#languages [lang=en]").click()
    tab.until(lambda: tab.text("h1") == "Will my flight be late?")


def test_a_sunday_is_the_seventh_day(tab: Tab) -> None:
    tab.open(FLIGHT.replace("11-27", "11-29"))
    tab.ask()
    tab.answered()
    assert "Chicago O'Hare, Sunday at 18:30" in tab.text("#answer")


def test_the_reasons_add_up_to_the_probability(tab: Tab, site: Site) -> None:
    tab.open(FLIGHT)
    tab.ask()
    tab.answered()
    parts = {part.find_element("css selector", ".name").text: part for part in tab.all(".part")}
    assert set(parts) == {"Day and hour", "Airline", "Route", "Plane", "Weather"}
    shown_points = [part.find_element("css selector", "[aria-hidden]").text for part in parts.values()]
    points = [int(text.replace(MINUS, "-")) for text in shown_points]
    usual = int(tab.text("[aria-labelledby=moved-title] p").partition(" of 100")[0].split()[-1])
    shown = int(tab.text(".share").split()[0])
    assert abs(usual + sum(points) - shown) <= 3, "up to what rounding seven numbers may lose"
    assert "rain an hour" in parts["Weather"].text


def answers_changed(tab: Tab, change: str) -> None:
    """Let the page get the real answers after `change(body, answer)` has been at them."""
    tab.driver.execute_script(
        "const real = window.fetch; const change = " + change + ";"
        "window.fetch = async (url, how) => { const got = await real(url, how);"
        "const changed = change(JSON.parse(how.body), await got.json());"
        "return new Response(JSON.stringify(changed), {status: changed.status ? 400 : 200}); }"
    )


def test_an_explanation_by_the_other_of_two_models_is_marked(tab: Tab) -> None:
    tab.open(FLIGHT)
    answers_changed(tab, "(body, got) => { if (body.jsonData) got.jsonData.explanation.late = 0.07; return got }")
    tab.ask()
    tab.answered()
    assert "This explanation is from the other one, which expects 7 in 100." in tab.text("#answer")


def test_a_model_that_does_not_explain_still_answers(tab: Tab) -> None:
    tab.open(FLIGHT)
    refusal = "{status: {info: 'jsonData is not for this model'}}"
    answers_changed(tab, f"(body, got) => body.jsonData ? {refusal} : got")
    tab.ask()
    tab.answered()
    assert "does not explain its answers" in tab.text("#answer")
    assert "%" in tab.text(".share")


def test_an_empty_field_has_its_error_next_to_it(tab: Tab) -> None:
    tab.open()
    tab.select("origin").select_by_value("JFK")
    tab.ask()
    assert tab.text("#dest-error") == "Choose where you fly to."
    assert tab.focused == tab.one("#dest")
    assert tab.one("#dest").get_attribute("aria-describedby") == "dest-error"
    tab.select("dest").select_by_value("HNL")
    assert not tab.all("#dest-error"), "it goes when it is mended"
    assert tab.one("#carrier").get_attribute("value") == "HA", "the only airline of a route is chosen"


def test_an_error_of_the_server_is_next_to_its_field(tab: Tab) -> None:
    tab.open(FLIGHT)
    tab.write("temp", "400")
    tab.write("seats", "1.5")
    tab.one("summary").click()
    tab.ask()
    tab.until(lambda: tab.all("#temp-error"))
    assert tab.text("#temp-error") == "The model got 400. Allowed: number from -40 to 130 (F), or nothing."
    assert tab.text("#seats-error").startswith("The model got 1.5. Allowed: integer from 1 to 600")
    assert tab.one("details").get_attribute("open"), "a field that is folded away is shown"
    assert tab.focused == tab.one("#seats")
    assert tab.one("#sky-own").is_selected()
    tab.one("#typical").click()
    tab.ask()
    tab.answered()
    assert not tab.all(".error")


def test_an_error_without_a_field_is_above_the_form(tab: Tab) -> None:
    tab.open(FLIGHT)
    changed = "{...how, body: how.body.replace('visib', 'fog')}"
    tab.driver.execute_script(f"const real = window.fetch; window.fetch = (url, how) => real(url, {changed})")
    tab.ask()
    tab.until(lambda: tab.one("#form-error").is_displayed())
    assert 'unknown column "fog"' in tab.text("#form-error")


def test_an_unavailable_model_is_explained_and_can_be_retried(tab: Tab, site: Site) -> None:
    tab.open(FLIGHT)
    site.serve(ready=False)
    tab.ask()
    tab.until(lambda: tab.all("#answer .bad"))
    assert "The model is busy or just starting. Your flight is kept" in tab.text("#answer")
    assert tab.focused == tab.one("#answer-title")
    site.serve()
    tab.one("#answer .bad button").click()
    tab.answered()


def test_a_lost_connection_is_explained(tab: Tab) -> None:
    tab.open(FLIGHT)
    limits = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    tab.driver.execute_cdp_cmd("Network.enable", {})
    tab.driver.execute_cdp_cmd("Network.emulateNetworkConditions", limits)
    try:
        tab.ask()
        tab.until(lambda: tab.all("#answer .bad"))
        assert "The model cannot be reached. Check your connection." in tab.text("#answer")
    finally:
        on = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        tab.driver.execute_cdp_cmd("Network.emulateNetworkConditions", on)


@pytest.mark.parametrize(("button", "actual"), [("It was late", "late"), ("It was on time", "on_time")])
def test_feedback_is_counted_once(tab: Tab, site: Site, button: str, actual: str) -> None:
    before = site.server.sample("model_feedback_total", actual=actual)
    tab.open(FLIGHT)
    tab.ask()
    tab.answered()
    next(found for found in tab.all(".feedback button") if found.text == button).click()
    tab.until(lambda: "Thank you" in tab.text(".feedback"))
    assert site.server.sample("model_feedback_total", actual=actual) == before + 1
    assert not tab.all(".feedback button"), "and cannot be sent twice"


def test_feedback_that_does_not_arrive_can_be_sent_again(tab: Tab, site: Site) -> None:
    tab.open(FLIGHT)
    tab.ask()
    tab.answered()
    site.serve(ready=False)
    tab.one(".feedback button").click()
    tab.until(lambda: "Your report was not sent" in tab.text(".feedback"))
    site.serve()
    tab.one(".feedback button").click()
    tab.until(lambda: "Thank you" in tab.text(".feedback"))


def test_everything_can_be_done_from_the_keyboard(tab: Tab) -> None:
    tab.open()
    keys = ActionChains(tab.driver, duration=0)
    keys.send_keys(Keys.TAB)  # The other language.
    for word in ("Newark", "Chicago O", "United"):
        keys.send_keys(Keys.TAB, word)
    keys.send_keys(Keys.TAB, "11272026").send_keys(Keys.TAB, Keys.TAB, "0630PM").perform()
    assert tab.one("#carrier").get_attribute("value") == "UA"
    ActionChains(tab.driver, duration=0).send_keys(Keys.ENTER).perform()
    tab.answered()
    assert tab.focused == tab.one("#answer-title")
    ActionChains(tab.driver, duration=0).send_keys(Keys.TAB, Keys.ENTER).perform()
    tab.until(lambda: "Thank you" in tab.text(".feedback"))
    assert "Thank you" in tab.focused.text


def test_the_address_keeps_the_flight(tab: Tab) -> None:
    tab.open(FLIGHT)
    tab.ask()
    tab.answered()
    address = tab.driver.current_url
    tab.open("#" + address.partition("#")[2])
    kept = {name: tab.one(f"#{name}").get_attribute("value") for name in ("origin", "dest", "carrier", "sched_dep")}
    assert kept == {"origin": "EWR", "dest": "ORD", "carrier": "UA", "sched_dep": "18:30"}
    assert tab.one("#sky-storm").is_selected()


def test_weather_that_a_month_does_not_have_is_not_offered(tab: Tab) -> None:
    tab.open("#date=2026-07-10&sky=snow")
    assert not tab.one("label[for=sky-snow]").is_displayed()
    assert tab.one("#sky-typical").is_selected()
    tab.open("#date=2026-02-10&sky=snow")
    assert tab.one("#sky-snow").is_selected()
    assert "snow as water" in tab.text("#assumed-text")


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_never_scrolls_sideways(tab: Tab, width: int) -> None:
    def room() -> list[int]:
        found: list[int] = tab.driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
        return found

    tab.look(width, 700)
    tab.open(FLIGHT)
    tab.write("temp", "400")
    tab.ask()
    tab.until(lambda: tab.all("#temp-error"))
    assert room() == [width, width]
    tab.one("#typical").click()
    tab.ask()
    tab.answered()
    assert room() == [width, width]


def test_the_picture_in_the_readme_can_be_made_anew(tab: Tab, tmp_path: Path) -> None:
    """With PICTURES=1 it is: `PICTURES=1 .venv/bin/pytest tests/seldon/client -k picture`."""
    tab.open(FLIGHT)
    tab.ask()
    tab.answered()
    folder = KIT / "workshop/pictures" if os.environ.get("PICTURES") else tmp_path
    (folder / "client.png").write_bytes(tab.picture(1080))
    if os.environ.get("PICTURES"):
        pictures.note("client.png")
    assert matplotlib.image.imread(folder / "client.png").std() > 0.1, "something is to be seen"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(tab: Tab, site: Site, dark: bool) -> None:
    """Empty, with errors, answered, and without an answer."""
    tab.look(dark=dark)
    tab.open()
    assert axe(tab) == []
    tab.ask()
    assert axe(tab) == [], "with errors next to the fields"
    tab.open(FLIGHT)
    tab.one("summary").click()
    tab.ask()
    tab.answered()
    assert axe(tab) == [], "answered"
    site.serve(ready=False)
    tab.ask()
    tab.until(lambda: tab.all("#answer .bad"))
    assert axe(tab) == [], "away"


def axe(tab: Tab) -> list[tuple[str, str, list[Any]]]:
    """What axe-core finds, by rule, weight and element; every rule that is on by default."""
    tab.driver.execute_script(AXE.read_text(encoding="utf-8"))
    found = tab.driver.execute_async_script("axe.run().then(arguments[0])")
    assert len(found["passes"]) > 15, "it has looked"
    return [(each["id"], each["impact"], [node["html"] for node in each["nodes"]]) for each in found["violations"]]


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_the_words_change_where_the_model_begins_to_call_a_flight_late(tab: Tab, site: Site, threshold: float) -> None:
    tab.open()
    said = [
        str(
            tab.driver.execute_async_script(
                "const [late, threshold, done] = arguments;"
                "import(new URL('answer.js', location.href)).then((it) => done(it.phrase(late, threshold)));",
                late,
                threshold,
            )
        )
        for late in (threshold - 0.001, threshold)
    ]
    assert "on time" in said[0] and "late" in said[1]


def test_the_threshold_is_that_of_the_model_that_answered(tab: Tab, site: Site) -> None:
    tab.open()
    found = tab.driver.execute_async_script(
        "const [asked, done] = arguments;"
        "import(new URL('model.js', location.href)).then((it) => it.predict(asked)).then((it) => done(it.threshold));",
        question(),
    )
    assert found == float(site.server.post(question()).json["meta"]["tags"]["threshold"]) == 0.3
