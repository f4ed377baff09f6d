"""The pages of the measures: delivery from production's history, and the cost of errors."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from delivery.history import CANARY_REFUSED, PROMOTED, ROLLED_BACK, Entry

from tests.workshop.lab.pages.fixtures import browser, lab_of, visitor
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.pages.delivery import WIDTH, releases
from workshop.lab.paths import LabPaths
from workshop.lab.room import Room, numbered

NOW = "2026-01-11T00:00:00Z"


def entry(version: int, since: str, until: str = "", cause: str = PROMOTED, **more: str) -> dict[str, str]:
    digest = f"sha256:{version:064x}"
    return {
        "image": f"registry/flight-delay@{digest}", "digest": digest, "model_version": str(version),
        "git_commit": f"{version:040x}", "data_version": "d" * 12, "run": "", "by": "user1", "came": cause,
        "since": since, "until": until, "cause": cause,
    } | more  # fmt: skip


ENTRIES = [
    entry(1, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", committed_at="2025-12-31T22:00:00Z"),
    entry(2, "2026-01-02T00:00:00Z", "2026-01-02T00:30:00Z", left="rolled back to version 1 because <b>slow</b>"),
    entry(3, "", "2026-01-02T00:10:00Z", CANARY_REFUSED, reason="errors"),
    entry(1, "2026-01-02T00:30:00Z", cause=ROLLED_BACK, reason="it is slow"),
]


def remember(about: Lab, text: str, name: str = "flight-delay-history") -> None:
    meta = {"name": name, "namespace": "user1-production"}
    about.store.create(built_in("ConfigMap"), {"metadata": meta, "data": {"history.json": text}})


def deploy(about: Lab, name: str, names: object) -> None:
    """A deployment in production with the description of its use case."""
    notes = {"mlops-workshop/usecase": json.dumps(names)}
    meta = {"name": name, "namespace": "user1-production", "annotations": notes}
    about.store.create(built_in("SeldonDeployment"), {"metadata": meta, "spec": {"predictors": []}})


def test_the_page_has_the_four_measures_with_their_definitions(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    remember(about, json.dumps({"schema": 2, "entries": ENTRIES}))
    page = browser(about).get("/measures/delivery").text
    for title in ("Lead time for changes", "Deployment frequency", "Change failure rate", "Time to restore service"):
        assert title in page
    assert "67%" in page and "2 of 3 changes" in page
    assert "2 h" in page and "1 promotion, and 1 not counted, of a commit whose time is not known" in page
    assert "30 min" in page
    assert "Not counted as changes: rollbacks, A/B tests, shadows" in page
    assert "<b>slow" not in page and "&lt;b&gt;slow" in page


def test_without_a_promotion_the_page_says_what_is_missing(tmp_path: Path) -> None:
    page = browser(lab_of(tmp_path)).get("/measures/delivery")
    assert page.status_code == 200
    assert "Production has no history yet" in page.text


@pytest.mark.parametrize("text", ["nonsense", '{"entries": [{"image": 1}]}', "[]"])
def test_a_history_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    about = lab_of(tmp_path)
    remember(about, text)
    page = browser(about).get("/measures/delivery")
    assert page.status_code == 200
    assert "ConfigMap flight-delay-history in user1-production cannot be read" in page.text


def test_each_release_has_its_place_between_the_first_and_now() -> None:
    found = releases([Entry(**one) for one in ENTRIES], NOW)
    assert [one.version for one in found] == ["1", "3", "2", "1"]
    assert (found[-1].x, found[-1].width) == (0, WIDTH // 10)
    assert found[0].x + found[0].width == WIDTH
    assert all(0 <= one.x <= one.x + one.width <= WIDTH for one in found)


def test_a_time_in_the_future_stays_on_the_timeline() -> None:
    found = releases([Entry(**entry(1, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"))], NOW)
    assert (found[0].x, found[0].width) == (0, WIDTH)


def test_the_costs_of_a_lab_that_is_down_are_an_error_with_the_next_command(tmp_path: Path) -> None:
    LabPaths(tmp_path).make()
    answer = browser(lab_of(tmp_path)).get("/measures/costs/numbers")
    assert answer.status_code == 503
    assert "workshop up" in answer.json()["error"]


def test_a_regression_has_no_threshold_to_choose(tmp_path: Path) -> None:
    page = browser(lab_of(tmp_path)).get("/measures/costs").text
    assert 'id="threshold"' in page
    about = lab_of(tmp_path / "other")
    deploy(about, "fuel-consumption", {"experiment": "fuel", "task": "regression"})
    page = browser(about).get("/measures/costs?deployment=fuel-consumption").text
    assert "fuel-consumption is a regression" in page
    assert 'id="threshold"' not in page and "costs.js" not in page


def test_each_deployed_use_case_has_its_own_measures(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    visit = browser(about)
    assert "<select" not in visit.get("/measures/delivery").text
    deploy(about, "cars", {"experiment": "cars", "task": "classification", "classes": ["kept", "sold"]})
    # Anyone may write such annotations; these are no use cases.
    deploy(about, "odd", ["nonsense"])
    deploy(about, "odder", {"task": 1})
    remember(about, json.dumps({"schema": 2, "entries": ENTRIES}), "cars-history")
    assert "Production has no history yet" in visit.get("/measures/delivery").text
    page = visit.get("/measures/delivery?deployment=cars").text
    assert "2 of 3 changes" in page
    assert re.findall(r"<option(.*?)>(.*?)<", page) == [("", "flight-delay"), (" selected", "cars")]
    assert 'href="/measures/costs?deployment=cars"' in page
    page = visit.get("/measures/costs?deployment=cars").text
    assert 'data-numbers="/measures/costs/numbers?deployment=cars" data-positive="sold"' in page
    assert "flight-delay" in visit.get("/measures/costs?deployment=unknown").text


def test_the_dashboards_lead_to_the_measures_of_a_participant_and_not_of_the_instructor(tmp_path: Path) -> None:
    room = lab_of(tmp_path, people=Room(numbered(2)))
    assert "/measures/costs" in visitor(room, room.token).get("/dashboards/").text
    instructor = visitor(room, room.instructors[0].token)
    assert "/measures/" not in instructor.get("/dashboards/").text
    assert instructor.get("/measures/delivery").status_code == 404


def test_both_pages_need_the_token(tmp_path: Path) -> None:
    for path in ("/measures/delivery", "/measures/costs", "/measures/costs/numbers"):
        assert browser(lab_of(tmp_path), token="wrong").get(path).status_code == 401
