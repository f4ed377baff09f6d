"""Behaviour of the model that does not depend on its metrics: invariance, direction, a minimum of skill.

They use a small model that is trained here, because the pipeline runs the tests before it trains.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from flights import features, metrics
from flights.schema import LEAKS
from flights.serve import FlightModel
from flights.train import plain


def rows_of(frame: pd.DataFrame, served: FlightModel) -> list[list[object]]:
    names = served.card.features
    return [[plain(name, row[name]) for name in names] for row in frame.to_dict("records")]


def changed(rows: list[list[object]], served: FlightModel, **values: object) -> list[list[object]]:
    places = {served.card.features.index(name): value for name, value in values.items()}
    return [[places.get(index, value) for index, value in enumerate(row)] for row in rows]


def late(served: FlightModel, rows: list[list[object]]) -> np.ndarray:
    return served.predict(rows)[:, 1]


def test_order_of_rows_does_not_matter(served: FlightModel, july: pd.DataFrame) -> None:
    rows = rows_of(july.head(50), served)
    assert np.array_equal(late(served, rows)[::-1], late(served, rows[::-1]))


def test_order_of_columns_does_not_matter_when_named(served: FlightModel, july: pd.DataFrame) -> None:
    rows = rows_of(july.head(50), served)
    backwards = served.predict([row[::-1] for row in rows], served.card.features[::-1])
    assert np.array_equal(late(served, rows), backwards[:, 1])


def test_a_row_gets_the_same_answer_alone_and_in_a_batch(served: FlightModel, july: pd.DataFrame) -> None:
    rows = rows_of(july.head(20), served)
    alone = [late(served, [row])[0] for row in rows]
    assert np.allclose(late(served, rows), alone, atol=1e-6)


def test_storm_makes_flights_later(served: FlightModel, july: pd.DataFrame) -> None:
    rows = rows_of(july.head(400), served)
    fair = changed(rows, served, precip=0.0, visib=10.0, humid=50.0, pressure=1020.0)
    storm = changed(rows, served, precip=0.3, visib=1.5, humid=95.0, pressure=1005.0)
    assert late(served, storm).mean() > late(served, fair).mean() + 0.05


def test_evening_is_later_than_morning(served: FlightModel, july: pd.DataFrame) -> None:
    rows = rows_of(july.head(400), served)
    morning = changed(rows, served, sched_dep=6 * 60 + 30, sched_arr=9 * 60)
    evening = changed(rows, served, sched_dep=19 * 60 + 30, sched_arr=22 * 60)
    assert late(served, evening).mean() > late(served, morning).mean() + 0.1


def test_missing_weather_and_plane_are_answered(served: FlightModel, july: pd.DataFrame) -> None:
    nothing = {entry["name"]: None for entry in served.card.inputs if entry["nullable"]}
    probabilities = served.predict(changed(rows_of(july.head(20), served), served, **nothing))
    assert np.isfinite(probabilities).all()
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_beats_the_base_rate(served: FlightModel, july: pd.DataFrame) -> None:
    actual = features.labels(july)
    quality = metrics.score(actual, late(served, rows_of(july, served)), served.card.threshold)
    always_the_rate = float(np.mean((actual.mean() - actual) ** 2))
    assert quality.auc > 0.65
    assert quality.brier < always_the_rate


def skill(frame: pd.DataFrame, name: str) -> float:
    """The AUC of one column alone: the late rate of its value or twentieth in the even rows, for the odd rows."""
    values = frame[name]
    groups = pd.qcut(values, 20, duplicates="drop").astype(str) if pd.api.types.is_numeric_dtype(values) else values
    actual = pd.Series(features.labels(frame), index=frame.index)
    rates = actual[::2].groupby(groups[::2]).mean()
    scores = groups[1::2].map(rates).astype(float).fillna(actual.mean())
    return metrics.score(actual[1::2].to_numpy(), scores.to_numpy(), 0.5).auc


def test_no_feature_is_known_only_afterwards(served: FlightModel, july: pd.DataFrame) -> None:
    assert not LEAKS & set(served.card.features)
    skills = {name: skill(july, name) for name in served.card.features}
    assert max(skills.values()) < 0.75, skills
    assert all(skill(july, name) > 0.85 for name in LEAKS), "a leak is detected by this measure"
