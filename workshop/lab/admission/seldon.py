"""The rules of Seldon's validating webhook, and a plain no to what the lab does not run yet.

Order and words of the messages are the webhook's (seldon-core 1.17.1, `seldondeployment_webhook.go`), so that what a
participant learns to read here is what a cluster says. A field that the lab cannot honour is refused, never ignored.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from workshop.lab.kinds import Object
from workshop.lab.statuses import ApiError, BadRequest, Invalid
from workshop.manifests.seldon import PredictiveUnit, Predictor, SeldonDeployment

_WEBHOOK = 'admission webhook "v1.vseldondeployment.kb.io" denied the request: '


def admit_seldon(new: Object, old: Object | None) -> Object:
    """Check a SeldonDeployment. Raises BadRequest (unknown field, wrong type) and Invalid (the webhook's rules)."""
    sdep = parse(new)
    predictors = sdep.spec.predictors
    for index, predictor in enumerate(predictors):
        _nodes_have_containers(predictor, index)
    for name, count in Counter(p.name for p in predictors).items():
        if count > 1:
            last = max(i for i, p in enumerate(predictors) if p.name == name)
            raise _invalid(f"spec.predictors[{last}]", name, "Duplicate predictor name")
    _traffic_adds_up(predictors)
    for index, predictor in enumerate(predictors):
        refusal = _unsupported(predictor)
        if refusal:
            raise _invalid(f"spec.predictors[{index}]", predictor.name, refusal)
    return new


def parse(obj: Object) -> SeldonDeployment:
    """The object as a SeldonDeployment. Raises BadRequest with the path of the field that does not fit."""
    try:
        return msgspec.convert(obj, SeldonDeployment)
    except msgspec.ValidationError as e:
        raise BadRequest(
            f'SeldonDeployment in version "v1" cannot be handled as a SeldonDeployment: strict decoding error: {e}'
        ) from e


def _nodes_have_containers(predictor: Predictor, index: int) -> None:
    containers = {c.get("name") for spec in predictor.component_specs for c in spec.spec.get("containers") or []}
    for node in nodes(predictor.graph):
        if not node.implementation and node.name not in containers:
            raise _invalid(f"spec.predictors[{index}].graph", node.name, "Can't find container for Predictive Unit")


def _traffic_adds_up(predictors: list[Predictor]) -> None:
    live = [p for p in predictors if not p.shadow]
    if len(predictors) == 1 and predictors[0].shadow:
        raise _invalid("spec.predictors[0]", predictors[0].name, "Shadow can not exist as only predictor")
    if len(predictors) - len(live) > 1:
        raise _invalid("spec", predictors[0].name, "Multiple shadows are not allowed")
    total = sum(p.traffic or 0 for p in live)
    if len(live) > 1 and total != 100:
        raise _invalid("spec", predictors[0].name, "Traffic must sum to 100 for multiple predictors")
    if len(live) == 1 and total not in (0, 100):
        raise _invalid("spec", live[0].name, "Traffic must sum be 100 for a single predictor when set")


def _unsupported(predictor: Predictor) -> str:
    """Why the lab cannot run a predictor, or nothing."""
    if predictor.graph.children or predictor.graph.type not in ("MODEL", ""):
        return "the lab runs graphs of one MODEL; routers, combiners and transformers need a cluster with the executor"
    if predictor.graph.implementation:
        return "the lab runs own images; prepackaged servers need a cluster: name a container after the graph node"
    if predictor.graph.logger:
        return "the lab sends no CloudEvents; remove logger, and read the server's log with oc logs"
    if predictor.graph.model_uri:
        return "the lab fetches no model when a server starts; build it into the image with S2I and remove modelUri"
    for name, value in (("explainer", predictor.explainer), ("ssl", predictor.ssl)):
        if value:
            return f"the lab does not run {name}; remove the field or use a cluster"
    for spec in predictor.component_specs:
        if len(spec.spec.get("containers") or []) > 1:
            return "the lab runs one container a pod; further containers need a cluster"
        if spec.spec.get("initContainers"):
            return "the lab does not run initContainers of a predictor; they need a cluster"
        if spec.keda_spec:
            return "the lab does not scale by KEDA; use replicas"
    return ""


def nodes(unit: PredictiveUnit) -> list[PredictiveUnit]:
    """A graph's nodes, parents first."""
    return [unit, *(node for child in unit.children for node in nodes(child))]


def _invalid(path: str, value: str, message: str) -> ApiError:
    cause = f'Invalid value: "{value}": {message}'
    details: dict[str, Any] = {
        # The group is misspelt in the webhook too.
        "group": "machinelearing.seldon.io",
        "kind": "SeldonDeployment",
        "causes": [{"reason": "FieldValueInvalid", "message": cause, "field": path}],
    }
    return Invalid(
        f'{_WEBHOOK}SeldonDeployment.machinelearing.seldon.io "" is invalid: {path}: {cause}', details=details
    )
