"""SeldonDeployments are refused with the messages of Seldon's webhook; unsupported fields are refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from workshop.lab.admission.seldon import admit_seldon
from workshop.lab.api_errors import ApiError


def predictor(name: str = "main", node: str = "m", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "graph": {"name": node},
        "componentSpecs": [{"spec": {"containers": [{"name": "m", "image": "x"}]}}],
        **more,
    }


def deployment(*predictors: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": "bad"},
        "spec": {"predictors": list(predictors)},
    }


def refusal(*predictors: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(ApiError) as error:
        admit_seldon(deployment(*predictors), None)
    return error.value.status()


def test_a_good_deployment_passes_unchanged() -> None:
    good = deployment(predictor())
    assert admit_seldon(good, None) == good


@pytest.mark.parametrize(
    ("predictors", "path", "value", "why"),
    [
        (
            [predictor("a", traffic=30), predictor("b", traffic=30)],
            "spec",
            "a",
            "Traffic must sum to 100 for multiple predictors",
        ),
        (
            [predictor("a", traffic=50), predictor("a", traffic=50)],
            "spec.predictors[1]",
            "a",
            "Duplicate predictor name",
        ),
        ([predictor("a", node="zzz")], "spec.predictors[0].graph", "zzz", "Can't find container for Predictive Unit"),
        (
            [predictor("a", traffic=100, shadow=True)],
            "spec.predictors[0]",
            "a",
            "Shadow can not exist as only predictor",
        ),
    ],
)
def test_the_webhooks_rules_speak_the_webhooks_words(
    predictors: list[dict[str, Any]], path: str, value: str, why: str
) -> None:
    cause = f'Invalid value: "{value}": {why}'
    assert refusal(*predictors) == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'admission webhook "v1.vseldondeployment.kb.io" denied the request: '
        f'SeldonDeployment.machinelearing.seldon.io "" is invalid: {path}: {cause}',
        "reason": "Invalid",
        "details": {
            "group": "machinelearing.seldon.io",
            "kind": "SeldonDeployment",
            "causes": [{"reason": "FieldValueInvalid", "message": cause, "field": path}],
        },
        "code": 422,
    }


def test_an_unknown_field_is_refused_with_its_path() -> None:
    status = refusal(predictor(trafic=50))
    assert status["code"] == 400
    assert "trafic" in status["message"]
    assert "$.spec.predictors[0]" in status["message"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"graph": {"name": "m", "type": "MODLE"}}, "type MODLE of m: allowed: MODEL, ROUTER"),
        ({"graph": {"name": "m", "modelUri": "s3://x"}}, "fetches no model"),
        ({"graph": {"name": "m", "implementation": "HUGGINGFACE_SERVER"}}, "prepackaged servers need a cluster"),
        ({"graph": {"name": "m", "children": [{"name": "m"}]}}, "two nodes of the graph are named m"),
        ({"explainer": {"type": "AnchorTabular"}}, "the lab does not run explainer"),
    ],
)
def test_what_the_lab_cannot_run_is_refused_and_not_ignored(more: dict[str, Any], why: str) -> None:
    assert why in refusal(predictor(**more))["message"]
