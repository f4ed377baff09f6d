"""Variants of the model are trained as the candidates are."""

from __future__ import annotations

import pandas as pd
import pytest
from flights import comparison, export, features, params, train
from flights.errors import FlightsError
from flights.schema import FEATURES, LEAKS


def test_a_variant_with_the_models_columns_answers_as_the_model_does(
    given: params.Params, june: pd.DataFrame, july: pd.DataFrame
) -> None:
    model, made = train.train("logistic", given, june, july, "0" * 12)
    late = comparison.predicted("logistic", given.features, given.candidates, june, july)
    served = export.late(export.session(model), features.inputs(july, made.features))
    assert late == pytest.approx(served, abs=1e-5)


def test_the_sets_divide_the_features_and_the_leak_is_in_the_last_one_alone() -> None:
    assert sorted(comparison.SCHEDULE + comparison.PLANE + comparison.WEATHER) == sorted(FEATURES)
    *others, leak = comparison.FEATURE_SETS.values()
    assert set(leak) - set(FEATURES) == set(LEAKS)
    assert not any(set(LEAKS) & set(one) for one in others)


def test_an_unknown_candidate_is_an_error(june: pd.DataFrame, july: pd.DataFrame) -> None:
    with pytest.raises(FlightsError, match="got 'forest', allowed: boosted"):
        comparison.predicted("forest", FEATURES, {"boosted": {}}, june, july)
