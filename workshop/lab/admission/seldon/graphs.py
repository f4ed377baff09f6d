"""Parts of a SeldonDeployment, apart from its Pods, that the lab does not support. They are refused by name.

It also refuses what Seldon's webhook accepts and its executor then skips without a message: a misspelt type, or an
implementation that only the Java engine of earlier versions had.
"""

from __future__ import annotations

from workshop.manifests.seldon import PredictiveUnit, Predictor, SeldonDeployment, nodes

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


def graph_refusal(sdep: SeldonDeployment, predictor: Predictor) -> str:
    """Why the lab cannot run a predictor, or nothing."""
    spec = sdep.spec
    for unfit, why in (
        (spec.protocol == "tensorflow", NO_TENSORFLOW),
        (spec.transport == "grpc", REST_ONLY),
        (spec.server_type == "kafka", NO_KAFKA),
        (spec.annotations.get("seldon.io/engine-separate-pod", "").lower() == "true", NO_SEPARATE_ENGINE),
    ):
        if unfit:
            return why
    for name, value in (("explainer", predictor.explainer), ("ssl", predictor.ssl)):
        if value:
            return f"the lab does not run {name}; remove the field or use a cluster"
    names = [unit.name for unit in nodes(predictor.graph)]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        return f"two nodes of the graph are named {twice}; the executor finds a node by its name"
    return next((why for unit in nodes(predictor.graph) if (why := _unit_refusal(unit))), "")


def _unit_refusal(unit: PredictiveUnit) -> str:
    if unit.logger:
        return NO_EVENTS
    if unit.endpoint and unit.endpoint.type == "GRPC":
        return REST_ONLY
    if unit.implementation == "RANDOM_ABTEST":
        return _ab_test_refusal(unit)
    if unit.implementation in ("SIMPLE_MODEL", "SIMPLE_ROUTER", "AVERAGE_COMBINER"):
        return f"implementation {unit.implementation} of {unit.name}: {BUILT_IN}"
    if unit.implementation not in ("", "UNKNOWN_IMPLEMENTATION"):
        return OWN_IMAGES
    if unit.model_uri:
        return NO_MODEL
    if unit.type and unit.type not in TYPES:
        return f"type {unit.type} of {unit.name}: allowed: {', '.join(TYPES)}"
    unknown = next((method for method in unit.methods if method not in METHODS), "")
    if unknown:
        return f"method {unknown} of {unit.name}: allowed: {', '.join(METHODS)}"
    return ""


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
