"""The lab's support for each field of a SeldonDeployment. A test compares the tables with the types and with admission.

Rows of some values are `Type.field: value`. The fields of Pods are in `workshop.lab.admission.seldon.pods`.
"""

from __future__ import annotations

from workshop.lab.admission.seldon import graphs, pods

_IN_THE_IMAGE = "the model is in the image; nothing is fetched when a server starts"
_NO_EXECUTOR = "the gateway is the orchestrator; it is not a Pod and has no resources of its own"
_OVERWRITTEN = "the operator overwrites it with its own port and host"
_OPEN = "the gateway requires no password"

SUPPORTED: dict[str, str] = {
    "ComponentSpec": "metadata spec replicas",
    "HpaSpec": "minReplicas",
    "Parameter": "name value type",
    "PredictiveUnit": "name type children methods parameters",
    "Predictor": "name graph componentSpecs replicas traffic shadow labels annotations progressDeadlineSeconds",
    "SeldonDeployment": "apiVersion kind metadata spec status",
    "SeldonDeploymentSpec": "predictors replicas annotations protocol",
}
"""Fields that have the same effect as on a cluster, by type."""

SUPPORTED_VALUES = (
    "PredictiveUnit.implementation: RANDOM_ABTEST",
    "PredictiveUnit.type: MODEL, ROUTER, COMBINER, TRANSFORMER, OUTPUT_TRANSFORMER",
    "SvcOrchSpec.env: SELDON_ENABLE_ROUTING_INJECTION",
    "SeldonDeploymentSpec.annotations: seldon.io/rest-timeout",
    "Predictor.annotations: seldon.io/no-engine, seldon.io/svc-name, version",
    *(f"ComponentSpec.spec: {name}" for name in pods.POD_RUN),
    *(f"ComponentSpec.spec: containers[].{name}" for name in pods.CONTAINER_RUN),
)
"""`Type.field: value` is a row for some values of a field."""

ACCEPTED: dict[str, str] = {
    "ComponentSpec.hpaSpec": "the HorizontalPodAutoscaler is created and does not scale: minReplicas run",
    "ComponentSpec.pdbSpec": "the PodDisruptionBudget is created; there are no nodes to drain",
    "Endpoint.grpcPort": _OVERWRITTEN,
    "Endpoint.httpPort": _OVERWRITTEN,
    "Endpoint.service_host": _OVERWRITTEN,
    "Endpoint.service_port": _OVERWRITTEN,
    "Endpoint.type": "the gateway supports REST",
    "HpaSpec.maxReplicas": "nothing measures load, so nothing scales",
    "HpaSpec.metrics": "nothing measures load, so nothing scales",
    "HpaSpec.metricsv2": "nothing measures load, so nothing scales",
    "PdbSpec.maxUnavailable": "there are no nodes to drain",
    "PdbSpec.minAvailable": "there are no nodes to drain",
    "PredictiveUnit.endpoint": _OVERWRITTEN,
    "PredictiveUnit.envSecretRefName": _IN_THE_IMAGE,
    "PredictiveUnit.serviceAccountName": _IN_THE_IMAGE,
    "PredictiveUnit.storageInitializerImage": _IN_THE_IMAGE,
    "Predictor.engineResources": _NO_EXECUTOR,
    "Predictor.svcOrchSpec": _NO_EXECUTOR,
    "SeldonDeploymentSpec.name": "the object's own name is used, as the operator does",
    "SeldonDeploymentSpec.oauth_key": _OPEN,
    "SeldonDeploymentSpec.oauth_secret": _OPEN,
    "SeldonDeploymentSpec.serverType": "the gateway supports rpc",
    "SeldonDeploymentSpec.transport": "the gateway supports rest",
    "SvcOrchSpec.env": _NO_EXECUTOR,
    "SvcOrchSpec.replicas": _NO_EXECUTOR,
    "SvcOrchSpec.resources": _NO_EXECUTOR,
    **{f"ComponentSpec.spec: {name}": why for name, why in pods.POD_ACCEPTED.items()},
    **{f"ComponentSpec.spec: containers[].{name}": why for name, why in pods.CONTAINER_ACCEPTED.items()},
    "ComponentSpec.spec: containers[].readinessProbe's timing": pods.PROBE_ACCEPTED,
}
"""Fields that are accepted and have no effect on one machine, with the reason."""

REFUSED: dict[str, str] = {
    "ComponentSpec.kedaSpec": graphs.NO_KEDA,
    "ComponentSpec.spec: a container that is not a node": pods.TWO_CONTAINERS,
    "ComponentSpec.spec: containers[].env[].valueFrom.fieldRef to another field": pods.FIELD_REFUSED,
    "ComponentSpec.spec: containers[].env[].valueFrom.resourceFieldRef": pods.RESOURCE_REFUSED,
    "ComponentSpec.spec: containers[].lifecycle.postStart": pods.POST_START,
    "ComponentSpec.spec: containers[].readinessProbe.exec": pods.PROBE_REFUSED,
    "Endpoint.type: GRPC": graphs.REST_ONLY,
    "Logger.mode": graphs.NO_EVENTS,
    "Logger.url": graphs.NO_EVENTS,
    "PredictiveUnit.implementation": graphs.OWN_IMAGES,
    "PredictiveUnit.implementation: SIMPLE_MODEL, SIMPLE_ROUTER, AVERAGE_COMBINER": graphs.BUILT_IN,
    "PredictiveUnit.logger": graphs.NO_EVENTS,
    "PredictiveUnit.methods: another": f"allowed: {', '.join(graphs.METHODS)}",
    "PredictiveUnit.modelUri": graphs.NO_MODEL,
    "PredictiveUnit.type: another": f"allowed: {', '.join(graphs.TYPES)}",
    "Predictor.explainer": "the lab does not run explainer; remove the field or use a cluster",
    "Predictor.ssl": "the lab does not run ssl; remove the field or use a cluster",
    "SeldonDeploymentSpec.annotations: seldon.io/engine-separate-pod": graphs.NO_SEPARATE_ENGINE,
    "SeldonDeploymentSpec.protocol: tensorflow": graphs.NO_TENSORFLOW,
    "SeldonDeploymentSpec.serverType: kafka": graphs.NO_KAFKA,
    "SeldonDeploymentSpec.transport: grpc": graphs.REST_ONLY,
    **{f"ComponentSpec.spec: {name}": why for name, why in pods.POD_REFUSED.items()},
    **{f"ComponentSpec.spec: containers[].{name}": why for name, why in pods.CONTAINER_REFUSED.items()},
}
"""Fields that admission refuses, with the messages of `workshop.lab.admission.seldon`."""
