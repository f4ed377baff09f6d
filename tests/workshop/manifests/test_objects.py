"""The common fields of an object are read in one way, whether they are there, null or missing."""

from __future__ import annotations

from typing import Any

import pytest

from workshop.manifests import objects

RUN = {
    "metadata": {"name": "r", "namespace": "n", "labels": {"a": "b"}, "annotations": {"c": "d"}},
    "status": {
        "conditions": [{"type": "Started", "status": "True"}, {"type": "Succeeded", "status": "False", "reason": "No"}],
        "results": [{"name": "auc", "value": "0.7\n"}],
    },
}


def test_fields_that_are_there_are_read() -> None:
    assert objects.namespace_and_name(RUN) == ("n", "r")
    assert (objects.labels_of(RUN), objects.annotations_of(RUN)) == ({"a": "b"}, {"c": "d"})
    assert objects.condition(RUN)["reason"] == "No"
    assert objects.condition(RUN, "Started")["status"] == "True"
    assert objects.results_of(RUN) == {"auc": "0.7\n"}


@pytest.mark.parametrize("status", [{}, {"status": None}, {"status": {"conditions": None, "results": None}}])
def test_fields_that_are_null_or_missing_are_empty(status: dict[str, Any]) -> None:
    obj = {"metadata": {"name": "r", "labels": None}, **status}
    assert objects.namespace_and_name(obj) == ("", "r")
    assert (objects.labels_of(obj), objects.annotations_of(obj)) == ({}, {})
    assert (objects.condition(obj), objects.results_of(obj)) == ({}, {})
    assert (objects.truth(obj), objects.succeeded(obj), objects.is_done(obj)) == ("Unknown", False, False)


@pytest.mark.parametrize(
    ("value", "succeeded", "done"), [("True", True, True), ("False", False, True), ("Unknown", False, False)]
)
def test_a_run_is_done_when_its_condition_succeeded_is_true_or_false(value: str, succeeded: bool, done: bool) -> None:
    obj = {"metadata": {"name": "r"}, "status": {"conditions": [{"type": "Succeeded", "status": value}]}}
    assert (objects.succeeded(obj), objects.is_done(obj)) == (succeeded, done)
