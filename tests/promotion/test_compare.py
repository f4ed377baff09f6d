"""Of two predictors the better one is named, with why; and nobody where nothing speaks against either."""

from __future__ import annotations

import math

from flights.promotion.compare import better
from flights.promotion.rules import Limits, Seen

from tests.promotion.test_rules import TURNED, seen

LIMITS = Limits(max_psi=math.inf)


def of(one: Seen, other: Seen) -> dict[str, object]:
    return better(("logistic", "boosted"), {"logistic": one, "boosted": other}, LIMITS)


def test_the_one_that_is_right_more_often_is_better() -> None:
    found = of(seen(recall=0.4), seen(recall=0.7, deciles=TURNED))
    assert found["better"] == "boosted"
    assert str(found["because"]).startswith("logistic: feedback quality: balanced accuracy 0.550")
    assert of(seen(recall=0.7), seen(recall=0.4))["better"] == "logistic"


def test_equals_and_too_few_rows_name_nobody() -> None:
    for found in (of(seen(), seen()), of(seen(recall=0.4, known=40), seen(known=40)), of(Seen(), Seen())):
        assert found["better"] is None
        assert found["because"] == "neither is surely worse than the other"


def test_a_faster_and_a_righter_one_are_both_told() -> None:
    found = of(seen(recall=0.2), seen(slow=400, slow_seconds=0.4))
    assert found["better"] is None
    assert "logistic: feedback quality" in str(found["because"])
    assert "boosted: latency p95" in str(found["because"])
