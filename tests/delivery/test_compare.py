"""A comparison names the better predictor and the reason, or none without evidence."""

from __future__ import annotations

import math

from delivery.commands.compare import better, counted
from delivery.rules import Limits, TrafficStats

from tests.delivery.test_rules import TURNED, seen

LIMITS = Limits(max_psi=math.inf)


def of(one: TrafficStats, other: TrafficStats) -> dict[str, object]:
    return better(("logistic", "boosted"), {"logistic": one, "boosted": other}, LIMITS)


def test_the_one_that_is_right_more_often_is_better() -> None:
    found = of(seen(recall=0.4), seen(recall=0.7, deciles=TURNED))
    assert found["better"] == "boosted"
    assert str(found["because"]).startswith("logistic: feedback quality: balanced accuracy 0.550")
    assert of(seen(recall=0.7), seen(recall=0.4))["better"] == "logistic"


def test_equal_models_and_too_few_rows_have_no_winner() -> None:
    for found in (
        of(seen(), seen()),
        of(seen(recall=0.4, known=40), seen(known=40)),
        of(TrafficStats(), TrafficStats()),
    ):
        assert found["better"] is None
        assert found["because"] == "neither is worse than the other beyond chance"


def test_a_faster_model_and_a_more_accurate_one_are_both_reported() -> None:
    found = of(seen(recall=0.2), seen(slow=400, slow_seconds=0.4))
    assert found["better"] is None
    assert "logistic: feedback quality" in str(found["because"])
    assert "boosted: latency p95" in str(found["because"])


def test_the_comparison_waits_for_the_counts_of_all_requests_up_to_a_limit() -> None:
    looks = [TrafficStats(), TrafficStats(requests=100), seen(known=50), seen(known=500)]
    slept: list[float] = []

    def look() -> dict[str, TrafficStats]:
        return {"main": looks[min(len(slept), 3)]}

    def found(known: int) -> TrafficStats:
        slept.clear()
        return counted(look, requests=80, known=known, now=lambda: float(len(slept)), sleep=slept.append)["main"]

    assert found(0) == looks[1]
    assert found(400) == looks[3] and len(slept) == 3
    assert found(10**6) == looks[3] and len(slept) == 75
