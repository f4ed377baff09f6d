"""Variants of the model: groups of columns, and a candidate trained with one of them.

The notebooks 03 and 04 and the Pipelines compare-features and compare-models use these functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from flights import candidates, features
from flights.metrics import Probabilities
from flights.schema import FEATURES, LEAKS

SCHEDULE = ["weekday", "sched_dep", "sched_arr", "carrier", "origin", "dest", "distance"]
PLANE = ["plane_age", "seats"]
WEATHER = [name for name in FEATURES if name not in SCHEDULE + PLANE]
FEATURE_SETS: dict[str, list[str]] = {
    "schedule": SCHEDULE,
    "schedule and plane": SCHEDULE + PLANE,
    "schedule and weather": SCHEDULE + WEATHER,
    "all": list(FEATURES),
    "all and the leak": [*FEATURES, *LEAKS],
}


def predicted(
    candidate: str,
    names: Sequence[str],
    settings: Mapping[str, dict[str, Any]],
    learn: pd.DataFrame,
    test: pd.DataFrame,
) -> Probabilities:
    """The probabilities of late for the test rows, shape (rows,), of a candidate trained with these columns.

    Without ONNX. Raises FlightsError for an unknown candidate.
    """
    pipeline = candidates.build(candidate, names, dict(settings))
    with threadpool_limits(1):
        pipeline.fit(features.matrix(learn, names), features.labels(learn))
    late: Probabilities = pipeline.predict_proba(features.matrix(test, names))[:, 1]
    return late
