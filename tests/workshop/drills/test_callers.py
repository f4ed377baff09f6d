"""What a caller of a drill sends fires the drill's alert and no other; the same rows as they are fire nothing.

The rows are those that the drill's own options choose. What the server counts of them goes through the rules with
promtool, second by second as in a drill of a minute.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from flights import traffic
from flights.traffic import flights_of
from modelserver.columns import parse_columns
from modelserver.errors import ServingError
from modelserver.validation import RowValidator

from tests.grafana.replaying import Stretch, contradictions
from tests.s2i.flights import serving_model
from tests.season import PLACE, STEP, season
from workshop.cluster.prometheus import Prometheus
from workshop.drills import DRILLS, drifted_month, poisoned_feedback, schema_change
from workshop.drills.callers import Callers
from workshop.drills.drill import Place
from workshop.errors import SetupError

MINUTE, AFTERWARDS = 60.0, 25 * 60.0
"""How long a drill sends, and how long the rules are watched: longer than the longest of their windows."""
TEST_MONTH = 7


def options(drill: Callers) -> argparse.Namespace:
    return traffic.parser().parse_args(["--url", "http://127.0.0.1:9", *drill.options])


def sent(given: argparse.Namespace, until: float = AFTERWARDS) -> Iterable[dict[str, str]]:
    """The series of a drill's rows with their truth, from its beginning to `until` seconds."""
    assert given.feedback == 1
    rate, swapped = given.rate * given.rows, given.swap_outcomes
    return season().sent(given.month or TEST_MONTH, MINUTE, rate=rate, swapped=swapped).series(until)


@pytest.mark.slow
@pytest.mark.xdist_group("season")
def test_wrong_truths_and_another_month_fire_their_alert_and_july_as_it_is_none(tmp_path: Path) -> None:
    poisoned, december = options(poisoned_feedback.DRILL), options(drifted_month.DRILL)
    right = argparse.Namespace(**{**vars(poisoned), "swap_outcomes": False})
    quiet = Stretch(MINUTE + 130, AFTERWARDS)
    cases = {
        "the truths of July": (sent(right), [Stretch(0, AFTERWARDS)]),
        "the opposite of each truth": (sent(poisoned), [Stretch(0, MINUTE, [poisoned_feedback.DRILL.alert]), quiet]),
        "the flights of December": (sent(december, MINUTE), [Stretch(0, MINUTE, [drifted_month.DRILL.alert])]),
    }
    assert contradictions(tmp_path, cases) == ""


def test_an_airport_that_the_schema_lacks_is_refused_and_the_refusals_fire_the_alert(tmp_path: Path) -> None:
    given = options(schema_change.DRILL)
    inputs = json.loads((serving_model() / "model.json").read_text())["inputs"]
    validator = RowValidator(parse_columns(inputs), 100)
    refused: list[str] = []
    validator.refused = refused.append
    july = flights_of(TEST_MONTH, tmp_path)
    rows = traffic.changed(july, given).rows[:20]
    with pytest.raises(ServingError, match="dest"):
        validator.rows([[row.values[name] for name in validator.names] for row in rows], ())
    assert refused == ["dest"]
    assert len(validator.rows([[row.values[name] for name in validator.names] for row in july.rows[:20]], ())) == 20

    def requests(code: int, feature: str) -> Iterable[dict[str, str]]:
        labels = ",".join(f'{key}="{value}"' for key, value in PLACE.items())
        grown, steps = f"0+{given.rate * STEP:.0f}x{MINUTE / STEP:.0f}", int((AFTERWARDS - MINUTE) / STEP)
        until = f"{grown} {given.rate * MINUTE:.0f}x{steps}"
        counted = f'seldon_api_executor_server_requests_seconds_count{{{labels},service="predictions",code="{code}"}}'
        yield {"series": counted, "values": until}
        if feature:
            yield {"series": f'model_feature_refused_total{{{labels},feature="{feature}"}}', "values": until}

    quiet = Stretch(MINUTE + 130, AFTERWARDS)
    cases = {
        "an unknown airport": (requests(400, "dest"), [Stretch(0, MINUTE, [schema_change.DRILL.alert]), quiet]),
        "known airports": (requests(200, ""), [Stretch(0, AFTERWARDS)]),
    }
    assert contradictions(tmp_path, cases) == ""


@pytest.mark.parametrize("name", [name for name, drill in DRILLS.items() if isinstance(drill, Callers)])
def test_the_options_of_each_caller_are_those_of_the_use_case(name: str) -> None:
    drill = DRILLS[name]
    assert isinstance(drill, Callers)
    assert options(drill).rate > 0


class Closed(Prometheus):
    """A Prometheus of a production whose feedback needs the token."""

    def value(self, query: str) -> float | None:
        return 0 if query.startswith("max(model_server_feedback_open") else None


def test_a_production_that_asks_for_a_token_cannot_be_poisoned() -> None:
    place = Place(None, {"PRODUCTION_NAMESPACE": "user1-production"}, {}, Closed("http://127.0.0.1:9"))  # type: ignore[arg-type]
    with pytest.raises(SetupError, match="takes feedback only with its token"):
        poisoned_feedback.DRILL.run(place, lambda _: None, 1)
