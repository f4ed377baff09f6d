"""Parts of a SeldonDeployment, apart from its Pods, that the lab does not support. They are refused by name.

It also refuses what Seldon's webhook accepts and its executor then skips without a message: a misspelt type, or an
implementation that only the Java engine of earlier versions had.
"""

from __future__ import annotations

from collections.abc import Iterator

from workshop.manifests.seldon import PredictiveUnit, Predictor, SeldonDeploymentSpec, nodes

TYPES = ("MODEL", "ROUTER", "COMBINER", "TRANSFORMER", "OUTPUT_TRANSFORMER")
METHODS = ("TRANSFORM_INPUT", "TRANSFORM_OUTPUT", "ROUTE", "AGGREGATE", "SEND_FEEDBACK")
NO_EVENTS = "the lab sends no CloudEvents; remove logger, and read the server's log with oc logs"
OWN_IMAGES = "the lab runs own images; prepackaged servers need a cluster: name a container after the graph node"
BUILT_IN = (
    "Seldon's executor does not have it (the Java engine of earlier versions did) and would pass the node over; "
    "name a container with an own image after the graph node"
)
NO_MODEL = "the lab fetches no model when a server starts; build it into the image with S2I and remove modelUri"
NO_KEDA = "the lab does not scale by KEDA; use replicas"
REST_ONLY = "the lab's gateway speaks REST; leave grpc out or use a cluster"
NO_TENSORFLOW = "the lab speaks the protocols seldon and v2; tensorflow needs a cluster"
NO_KAFKA = "the lab has no Kafka; serverType kafka needs a cluster"
NO_SEPARATE_ENGINE = "the lab's gateway orchestrates; remove the annotation seldon.io/engine-separate-pod"


Refusal = tuple[str, str]
"""The path of a field, and why the lab does not support it."""


def spec_refusal(spec: SeldonDeploymentSpec) -> Refusal | None:
    """The field that the lab does not support in any predictor."""
    separate = "seldon.io/engine-separate-pod"
    for unfit, path, why in (
        (spec.protocol == "tensorflow", "spec.protocol", NO_TENSORFLOW),
        (spec.transport == "grpc", "spec.transport", REST_ONLY),
        (spec.server_type == "kafka", "spec.serverType", NO_KAFKA),
        (spec.annotations.get(separate, "").lower() == "true", f"spec.annotations[{separate}]", NO_SEPARATE_ENGINE),
    ):
        if unfit:
            return path, why
    return None


def graph_refusal(predictor: Predictor) -> Refusal | None:
    """The field of a predictor, apart from its Pods, that the lab does not support. Its path is below the predictor."""
    for name, value in (("explainer", predictor.explainer), ("ssl", predictor.ssl)):
        if value:
            return name, f"the lab does not run {name}; remove the field or use a cluster"
    names = [unit.name for unit in nodes(predictor.graph)]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        return "graph", f"two nodes of the graph are named {twice}; the executor finds a node by its name"
    return next((found for path, unit in _placed(predictor.graph) if (found := _unit_refusal(path, unit))), None)


def _placed(unit: PredictiveUnit, path: str = "graph") -> Iterator[tuple[str, PredictiveUnit]]:
    yield path, unit
    for index, child in enumerate(unit.children):
        yield from _placed(child, f"{path}.children[{index}]")


def _unit_refusal(path: str, unit: PredictiveUnit) -> Refusal | None:
    if unit.logger:
        return f"{path}.logger", NO_EVENTS
    if unit.endpoint and unit.endpoint.type == "GRPC":
        return f"{path}.endpoint.type", REST_ONLY
    if unit.implementation == "RANDOM_ABTEST":
        why = _ab_test_refusal(unit)
        return (path, why) if why else None
    if unit.implementation in ("SIMPLE_MODEL", "SIMPLE_ROUTER", "AVERAGE_COMBINER"):
        return f"{path}.implementation", f"implementation {unit.implementation} of {unit.name}: {BUILT_IN}"
    if unit.implementation not in ("", "UNKNOWN_IMPLEMENTATION"):
        return f"{path}.implementation", OWN_IMAGES
    if unit.model_uri:
        return f"{path}.modelUri", NO_MODEL
    if unit.type and unit.type not in TYPES:
        return f"{path}.type", f"type {unit.type} of {unit.name}: allowed: {', '.join(TYPES)}"
    unknown = next((method for method in unit.methods if method not in METHODS), "")
    if unknown:
        return f"{path}.methods", f"method {unknown} of {unit.name}: allowed: {', '.join(METHODS)}"
    return None


def _ab_test_refusal(unit: PredictiveUnit) -> str:
    where = f"RANDOM_ABTEST {unit.name}"
    if unit.type or unit.methods:
        return f"{where}: leave type and methods out, the executor would call a server that is not there"
    if len(unit.children) != 2:
        return f"{where} has {len(unit.children)} children; it chooses between two"
    for parameter in unit.parameters:
        try:
            fits = parameter.name == "ratioA" and 0 <= float(parameter.value) <= 1
        except ValueError:
            fits = False
        if not fits or len(unit.parameters) > 1:
            return f"{where}: allowed: one parameter, ratioA, from 0 to 1"
    return ""
