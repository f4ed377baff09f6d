"""Explanations: the parts add up, match their definition, and are not counted as predictions."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from FlightDelay import FlightDelay
from flights.errors import BadInputError
from flights.explain import GROUPS, Explainer, grouped
from flights.schema import FEATURES
from flights.serve import FlightModel


@pytest.fixture
def explainer(served: FlightModel) -> Explainer:
    return Explainer(served)


@pytest.fixture
def seldon(small_model: Path) -> FlightDelay:
    model = FlightDelay(model_dir=str(small_model))
    model.load()
    return model


def asked(model: FlightModel, row: list[Any]) -> dict[str, Any]:
    return {"explain": {"names": list(model.card.features), "ndarray": [row]}}


def test_every_feature_is_in_one_group() -> None:
    assert sorted(column for members in GROUPS.values() for column in members) == sorted(FEATURES)


def test_column_of_no_group_is_a_group_of_its_own() -> None:
    assert grouped(["carrier", "dep_delay"]) == [("airline", ("carrier",)), ("dep_delay", ("dep_delay",))]


def test_parts_add_up_to_the_answer(served: FlightModel, explainer: Explainer) -> None:
    for row in served.card.sample.rows:
        late, usual, parts = explainer.explain([row])
        assert late == pytest.approx(served.predict([row])[0, 1], abs=1e-7)
        assert usual + sum(part.moved for part in parts) == pytest.approx(late, abs=1e-9)
        assert [part.moved for part in parts] == sorted((part.moved for part in parts), key=lambda by: -abs(by))


def test_parts_are_the_mean_over_all_orders_of_joining(served: FlightModel, explainer: Explainer) -> None:
    """Shapley's definition, word by word: what a part adds when it joins, over every order."""
    row, names = served.card.sample.rows[3], list(served.card.features)
    groups, known = grouped(names), {}

    def worth(joined: frozenset[str]) -> float:
        if joined not in known:
            own = {column for name, members in groups if name in joined for column in members}
            mixed = [
                [mine if name in own else theirs for name, mine, theirs in zip(names, row, other, strict=True)]
                for other in served.card.sample.rows
            ]
            known[joined] = float(served.predict(mixed)[:, 1].mean())
        return known[joined]

    orders = list(permutations(name for name, _ in groups))
    expected = dict.fromkeys(orders[0], 0.0)
    for order in orders:
        for place, name in enumerate(order):
            expected[name] += (worth(frozenset(order[: place + 1])) - worth(frozenset(order[:place]))) / len(orders)
    found = {part.name: part.moved for part in explainer.explain([row])[2]}
    assert found == pytest.approx(expected, abs=1e-6)


def test_order_of_the_columns_changes_nothing(served: FlightModel, explainer: Explainer) -> None:
    row, names = served.card.sample.rows[0], list(served.card.features)
    assert explainer.explain([row[::-1]], names[::-1]) == explainer.explain([row], names)


def test_explanation_is_no_prediction(seldon: FlightDelay) -> None:
    model = seldon._model
    answer = seldon.predict(asked(model, model.card.sample.rows[0]), [], meta={})["explanation"]
    assert seldon.metrics() == FlightDelay(str(seldon._folder)).metrics(), "as if nothing had been asked"
    assert json.loads(json.dumps(answer)) == answer, "what JSON can hold"
    assert {part["name"] for part in answer["parts"]} == set(GROUPS)
    assert answer["threshold"] == model.card.threshold


@pytest.mark.parametrize(
    ("document", "text_found"),
    [
        ({}, "jsonData: got nothing, allowed: explain alone"),
        ({"explain": {}, "more": 1}, "jsonData: got explain, more, allowed: explain alone"),
        ({"explain": [1]}, "explain: got list, allowed: an object with names and ndarray"),
        ({"explain": {"tensor": []}}, "explain: got tensor, allowed: an object with names and ndarray"),
        ({"explain": {"ndarray": []}}, "explain.ndarray: got 0 rows, allowed: a list of one row"),
        ({"explain": {"ndarray": [[1], [2]]}}, "explain.ndarray: got 2 rows, allowed: a list of one row"),
        ({"explain": {"ndarray": [[1]], "names": "carrier"}}, "explain.names: got str, allowed: a list"),
        ({"explain": {"ndarray": [[1]]}}, "row 0: got 1 values, allowed: 17: weekday"),
    ],
)
def test_an_invalid_request_for_an_explanation_is_refused(
    seldon: FlightDelay, document: dict[str, Any], text_found: str
) -> None:
    with pytest.raises(BadInputError) as caught:
        seldon.predict(document)
    assert text_found in caught.value.message


def test_bad_value_is_named_by_row_and_column(seldon: FlightDelay) -> None:
    model = seldon._model
    row = [
        "ZZ" if name == "carrier" else value
        for name, value in zip(model.card.features, model.card.sample.rows[0], strict=True)
    ]
    with pytest.raises(BadInputError, match="row 0, carrier: got 'ZZ', allowed: one of 9E, AA"):
        seldon.predict(asked(model, row))


def test_missing_values_are_explained_too(served: FlightModel, explainer: Explainer) -> None:
    row = [
        None if name in GROUPS["weather"] else value
        for name, value in zip(served.card.features, served.card.sample.rows[0], strict=True)
    ]
    assert all(np.isfinite(part.moved) for part in explainer.explain([row])[2])
