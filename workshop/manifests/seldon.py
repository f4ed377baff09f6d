"""`machinelearning.seldon.io/v1`: the SeldonDeployment.

Fields and types are those of the CRD of seldon-core 1.17.1. A PodSpec inside a componentSpec has Kubernetes' own
fields. `workshop.lab.admission.seldon.support` lists the fields that the lab refuses.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from workshop.manifests.meta import Condition, Reported


class _Strict(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """Unknown fields are errors, so a misspelt field is not ignored."""


class Parameter(_Strict, frozen=True, kw_only=True):
    """One argument of the model class's constructor."""

    name: str
    value: str
    type: Literal["INT", "FLOAT", "DOUBLE", "STRING", "BOOL"]


class Endpoint(_Strict, frozen=True, kw_only=True, rename=None):
    """The address of a graph node; the operator overwrites it."""

    type: str = ""
    service_host: str = ""
    service_port: int = 0
    httpPort: int = 0
    grpcPort: int = 0


class Logger(_Strict, frozen=True, kw_only=True):
    """The receiver of requests and responses as CloudEvents."""

    url: str = ""
    mode: Literal["all", "request", "response", ""] = ""


class PredictiveUnit(_Strict, frozen=True, kw_only=True):
    """One node of the inference graph."""

    name: str
    type: str = ""
    children: list[PredictiveUnit] = []
    implementation: str = ""
    methods: list[str] = []
    endpoint: Endpoint | None = None
    parameters: list[Parameter] = []
    model_uri: str = ""
    service_account_name: str = ""
    env_secret_ref_name: str = ""
    storage_initializer_image: str = ""
    logger: Logger | None = None


def nodes(unit: PredictiveUnit) -> list[PredictiveUnit]:
    """A graph's nodes, parents first."""
    return [unit, *(node for child in unit.children for node in nodes(child))]


def defaulted(unit: PredictiveUnit) -> PredictiveUnit:
    """The graph as the operator's webhook completes it: a node without type, implementation and methods is a MODEL."""
    says = unit.type or unit.methods or unit.implementation
    return msgspec.structs.replace(
        unit, type=unit.type if says else "MODEL", children=[defaulted(child) for child in unit.children]
    )


class HpaSpec(_Strict, frozen=True, kw_only=True):
    """The limits and the metrics by which the Pods of a component are scaled.

    `metricsv2` are those of autoscaling/v2.
    """

    max_replicas: int
    min_replicas: int | None = None
    metrics: list[dict[str, Any]] = []
    metricsv2: list[dict[str, Any]] = []


class PdbSpec(_Strict, frozen=True, kw_only=True):
    """The number of Pods of a component that must stay while nodes are drained."""

    min_available: int | str | None = None
    max_unavailable: int | str | None = None


class ComponentSpec(_Strict, frozen=True, kw_only=True):
    """The Pods of a predictor: a PodSpec and its scaling."""

    metadata: dict[str, Any] = {}
    spec: dict[str, Any] = {}
    hpa_spec: HpaSpec | None = None
    keda_spec: dict[str, Any] | None = None
    pdb_spec: PdbSpec | None = None
    replicas: int | None = None


class SvcOrchSpec(_Strict, frozen=True, kw_only=True):
    """The service orchestrator (executor) of a predictor."""

    resources: dict[str, Any] = {}
    env: list[dict[str, Any]] = []
    replicas: int | None = None


class Predictor(_Strict, frozen=True, kw_only=True):
    """One version of the model, with its share of the traffic."""

    name: str
    graph: PredictiveUnit
    component_specs: list[ComponentSpec] = []
    replicas: int | None = None
    traffic: int | None = None
    shadow: bool = False
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    svc_orch_spec: SvcOrchSpec | None = None
    engine_resources: dict[str, Any] = {}
    explainer: dict[str, Any] | None = None
    ssl: dict[str, Any] | None = None
    progress_deadline_seconds: int | None = None


class SeldonDeploymentSpec(_Strict, frozen=True, kw_only=True):
    """The predictors of one deployment and their protocol."""

    predictors: list[Predictor]
    name: str = ""
    protocol: str = ""
    transport: str = ""
    replicas: int | None = None
    server_type: str = ""
    annotations: dict[str, str] = {}
    oauth_key: str = msgspec.field(default="", name="oauth_key")
    oauth_secret: str = msgspec.field(default="", name="oauth_secret")


class Address(Reported, frozen=True, kw_only=True):
    """The address of a deployment."""

    url: str | None = None


class SeldonDeploymentStatus(Reported, frozen=True, kw_only=True):
    """The operator's status: the fields that the lab and the kit read."""

    state: str | None = None
    description: str | None = None
    replicas: int | None = None
    address: Address | None = None
    conditions: list[Condition] | None = None
    deployment_status: dict[str, dict[str, Any]] | None = None
    service_status: dict[str, dict[str, Any]] | None = None


class SeldonDeployment(_Strict, frozen=True, kw_only=True):
    """A model, or a graph of models, with its predictors."""

    api_version: str
    kind: str
    metadata: dict[str, Any]
    spec: SeldonDeploymentSpec
    status: SeldonDeploymentStatus | None = None

    @property
    def name(self) -> str:
        return str(self.metadata["name"])

    @property
    def namespace(self) -> str:
        return str(self.metadata.get("namespace", ""))
