"""The rules of Seldon's validating webhook that its CRD's schema does not contain.

Order and messages are the webhook's (seldon-core 1.17.1, `seldondeployment_webhook.go`), with all violations at once,
so that participants see the messages of a cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from workshop.lab.api_errors import ApiError, BadRequest, Invalid
from workshop.manifests.objects import Object
from workshop.manifests.seldon import (
    PredictiveUnit,
    Predictor,
    SeldonDeployment,
    SeldonDeploymentSpec,
    defaulted,
    nodes,
)

_NOT_DECODED = 'SeldonDeployment in version "v1" cannot be handled as a SeldonDeployment: strict decoding error: '
_WEBHOOK = 'admission webhook "v1.vseldondeployment.kb.io" denied the request: '
_PLAYED = ("", "UNKNOWN_IMPLEMENTATION", "SIMPLE_MODEL", "SIMPLE_ROUTER", "RANDOM_ABTEST", "AVERAGE_COMBINER")
"""Implementations that are not prepackaged servers."""
_PREPACKAGED = (
    "HUGGINGFACE_SERVER",
    "MLFLOW_SERVER",
    "SKLEARN_SERVER",
    "TEMPO_SERVER",
    "TENSORFLOW_SERVER",
    "TRITON_SERVER",
    "XGBOOST_SERVER",
)
_NO_TENSORFLOW = ("SKLEARN_SERVER", "XGBOOST_SERVER", "MLFLOW_SERVER", "HUGGINGFACE_SERVER")
_KAFKA = "For kafka please supply svcOrchSpec envs KAFKA_BROKER, KAFKA_INPUT_TOPIC, KAFKA_OUTPUT_TOPIC"

Violation = tuple[str, str]
"""The path of the field, and what is wrong with it."""


def parse(obj: Object) -> SeldonDeployment:
    """The object as a SeldonDeployment, with the defaults of its graphs.

    Raises BadRequest with the path of the invalid field.
    """
    try:
        sdep = msgspec.convert(obj, SeldonDeployment)
    except msgspec.ValidationError as e:
        raise BadRequest(f"{_NOT_DECODED}{e}") from e
    _check_containers(sdep)
    predictors = [msgspec.structs.replace(p, graph=defaulted(p.graph)) for p in sdep.spec.predictors]
    return msgspec.structs.replace(sdep, spec=msgspec.structs.replace(sdep.spec, predictors=predictors))


def _check_containers(sdep: SeldonDeployment) -> None:
    """The Pods of components are not typed; what the rules read of them is a list of objects. Raises BadRequest."""
    for number, predictor in enumerate(sdep.spec.predictors):
        for index, component in enumerate(predictor.component_specs):
            found = component.spec.get("containers") or []
            if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
                path = f"$.spec.predictors[{number}].componentSpecs[{index}].spec.containers"
                raise BadRequest(f"{_NOT_DECODED}Expected `array` of `object` - at `{path}`")


def violations(sdep: SeldonDeployment) -> list[Violation]:
    """All violations, in the webhook's order."""
    return list(_violations(sdep.spec))


def invalid(path: str, value: str, message: str) -> Violation:
    """A violation with Kubernetes' message for an invalid value."""
    return path, f'Invalid value: "{value}": {message}'


def denied(found: list[Violation]) -> ApiError:
    """The API server's error when the webhook denies a request."""
    details: dict[str, Any] = {
        # The group is misspelt in the webhook too.
        "group": "machinelearing.seldon.io",
        "kind": "SeldonDeployment",
        "causes": [{"reason": "FieldValueInvalid", "message": what, "field": path} for path, what in found],
    }
    lines = list(dict.fromkeys(f"{path}: {what}" for path, what in found))
    message = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    return Invalid(f'{_WEBHOOK}SeldonDeployment.machinelearing.seldon.io "" is invalid: {message}', details=details)


def _violations(spec: SeldonDeploymentSpec) -> Iterator[Violation]:
    if spec.protocol not in ("", "seldon", "tensorflow", "kfserving", "v2"):
        yield invalid("spec", spec.protocol, "Invalid protocol")
    if spec.transport not in ("", "rest", "grpc"):
        yield invalid("spec", spec.transport, "Invalid transport")
    if spec.server_type not in ("", "rpc", "kafka"):
        yield invalid("spec", spec.server_type, "Invalid serverType")
    if spec.server_type == "kafka":
        yield from _without_kafka(spec.predictors)
    if len(spec.predictors) == 1 and spec.predictors[0].shadow:
        yield invalid("spec.predictors[0]", spec.predictors[0].name, "Shadow can not exist as only predictor")
    yield from _service_names(spec.predictors)
    if not spec.predictors:
        yield invalid("spec", spec.transport, "Graph contains no predictors")
    names: set[str] = set()
    for index, predictor in enumerate(spec.predictors):
        path = f"spec.predictors[{index}]"
        if "seldon.io/no-engine" in predictor.annotations and len(nodes(predictor.graph)) > 1:
            yield invalid(path, predictor.name, "Running without engine only valid for single element graphs")
        if predictor.name in names:
            yield invalid(path, predictor.name, "Duplicate predictor name")
        names.add(predictor.name)
        yield from _units(spec, predictor, predictor.graph, f"{path}.graph")
    yield from _transports(spec)
    yield from _traffic(spec.predictors)


def _without_kafka(predictors: list[Predictor]) -> Iterator[Violation]:
    wanted = {"KAFKA_BROKER", "KAFKA_INPUT_TOPIC", "KAFKA_OUTPUT_TOPIC"}
    for index, predictor in enumerate(predictors):
        env = predictor.svc_orch_spec.env if predictor.svc_orch_spec else []
        if not wanted <= {item.get("name") for item in env}:
            yield invalid(f"spec.predictors[{index}]", predictor.name, _KAFKA)


def _service_names(predictors: list[Predictor]) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, predictor in enumerate(predictors):
        name = predictor.annotations.get("seldon.io/svc-name")
        if name is not None and name in seen:
            why = f"Found duplicate service name in seldon.io/svc-name with value {name}"
            yield invalid(f"spec.predictors[{index}]", predictor.name, why)
        if name is not None:
            seen.add(name)


def _units(spec: SeldonDeploymentSpec, predictor: Predictor, unit: PredictiveUnit, path: str) -> Iterator[Violation]:
    container = next(
        (
            c
            for one in predictor.component_specs
            for c in one.spec.get("containers") or []
            if c.get("name") == unit.name
        ),
        None,
    )
    if unit.implementation in ("", "UNKNOWN_IMPLEMENTATION"):
        if container is None:
            yield invalid(path, unit.name, "Can't find container for Predictive Unit")
        if unit.type == "UNKNOWN_TYPE" and not unit.methods:
            why = "has no implementation methods defined. Change to a known type or add what methods it defines"
            yield invalid(path, unit.name, f"Predictive Unit {why}")
    elif unit.implementation not in _PLAYED:
        if not unit.model_uri and unit.implementation != "HUGGINGFACE_SERVER":
            yield invalid(path, unit.name, "Predictive unit modelUri required when using standalone servers")
        if spec.protocol == "tensorflow" and unit.implementation in _NO_TENSORFLOW:
            why = f"Prepackaged server does not handle tensorflow protocol {unit.implementation}"
            yield invalid(path, unit.name, why)
        if (container is None or not container.get("image")) and unit.implementation not in _PREPACKAGED:
            yield invalid(path, unit.name, f"No entry in predictors map for {unit.implementation}")
    if unit.logger is not None and not unit.logger.mode:
        yield invalid(path, unit.logger.mode, "No logger mode specified")
    for index, child in enumerate(unit.children):
        yield from _units(spec, predictor, child, f"{path}[{index}]")


def _transports(spec: SeldonDeploymentSpec) -> Iterator[Violation]:
    units = [unit for predictor in spec.predictors for unit in nodes(predictor.graph)]
    found = {unit.endpoint.type for unit in units if unit.endpoint and unit.endpoint.type}
    if len(found) > 1:
        why = "Multiple endpoint.types found - can only have 1 type in graph. Please use spec.transport"
        yield invalid("spec", "", why)
    elif found and spec.transport:
        kind = found.pop()
        if (kind == "REST" and spec.transport != "rest") or (kind == "GRPC" and spec.transport != "grpc"):
            why = "Mixed transport types found. Remove graph endpoint.types if transport set at deployment level"
            yield invalid("spec", "", why)


def _traffic(predictors: list[Predictor]) -> Iterator[Violation]:
    shadows = 0
    for predictor in predictors:
        if predictor.shadow:
            shadows += 1
            if shadows > 1:
                yield invalid("spec", predictor.name, "Multiple shadows are not allowed")
            if not 0 <= (predictor.traffic or 0) <= 100:
                why = "shadow traffic is illegal, the traffic number should be between [0, 100]"
                yield invalid("spec", predictor.name, why)
    total = sum(p.traffic or 0 for p in predictors if not p.shadow)
    if total != 100 and len(predictors) - shadows > 1:
        yield invalid("spec", predictors[0].name, "Traffic must sum to 100 for multiple predictors")
    if 0 < total < 100 and len(predictors) == 1:
        yield invalid("spec", predictors[0].name, "Traffic must sum be 100 for a single predictor when set")
