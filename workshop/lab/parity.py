"""The parity page: the lab's support for each field of Tekton, Triggers, the approval gate and Seldon.

`python -m workshop.lab.parity` writes `PARITY.md` to this folder, from the tables that admission reads, and for Seldon
from the tables here. A field of Tekton links to conformance folders that set it; a folder may not cover every use of
the field. It needs the checkout, because an installed wheel has no tests.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import yaml

from workshop.lab.admission import route
from workshop.lab.admission.seldon import graphs, pods
from workshop.lab.admission.tekton.decode import fold_case
from workshop.lab.paths import KIT
from workshop.manifests import tekton
from workshop.manifests.tekton import support as tekton_support
from workshop.manifests.triggers import support as triggers_support

PAGE = Path(__file__).with_name("PARITY.md")
CONFORMANCE = KIT / "tests" / "conformance"
_TYPES: dict[str, type[msgspec.Struct]] = {
    one.__name__: one
    for one in (
        tekton.CustomRun,
        tekton.Pipeline,
        tekton.PipelineRun,
        tekton.StepAction,
        tekton.Task,
        tekton.TaskRun,
    )
}
_LINKS = 2
"""Number of folders in a row: those that set the fewest other fields."""

_IN_THE_IMAGE = "the model is in the image; nothing is fetched when a server starts"
_NO_EXECUTOR = "the gateway is the orchestrator; it is not a Pod and has no resources of its own"
_OVERWRITTEN = "the operator overwrites it with its own port and host"
_OPEN = "the gateway requires no password"

SELDON_SUPPORTED: dict[str, str] = {
    "ComponentSpec": "metadata spec replicas",
    "HpaSpec": "minReplicas",
    "Parameter": "name value type",
    "PredictiveUnit": "name type children methods parameters",
    "Predictor": "name graph componentSpecs replicas traffic shadow labels annotations progressDeadlineSeconds",
    "SeldonDeployment": "apiVersion kind metadata spec status",
    "SeldonDeploymentSpec": "predictors replicas annotations protocol",
}
"""Fields that have the same effect as on a cluster, by type."""

SELDON_SUPPORTED_VALUES = (
    "PredictiveUnit.implementation: RANDOM_ABTEST",
    "PredictiveUnit.type: MODEL, ROUTER, COMBINER, TRANSFORMER, OUTPUT_TRANSFORMER",
    "SvcOrchSpec.env: SELDON_ENABLE_ROUTING_INJECTION",
    "SeldonDeploymentSpec.annotations: seldon.io/rest-timeout",
    "Predictor.annotations: seldon.io/no-engine, seldon.io/svc-name, version",
    *(f"ComponentSpec.spec: {name}" for name in pods.POD_RUN),
    *(f"ComponentSpec.spec: containers[].{name}" for name in pods.CONTAINER_RUN),
)
"""`Type.field: value` is a row for some values of a field."""

SELDON_ACCEPTED: dict[str, str] = {
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

SELDON_REFUSED: dict[str, str] = {
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


ROUTE_SUPPORTED: dict[str, str] = {
    "RoutePort": "targetPort",
    "RouteSpec": "to host path port alternateBackends",
    "RouteTarget": "kind name weight",
}
"""Fields of a Route that the gateway supports."""

ROUTE_ACCEPTED: dict[str, str] = {
    "RouteSpec.tls": "edge: the gateway answers HTTP on 127.0.0.1; a cluster's router also sends plain HTTP to the Pod",
    "RouteSpec.wildcardPolicy": "the only policy is None",
}
ROUTE_REFUSED: dict[str, str] = {
    "RoutePort.targetPort: grpc": route.PORT_REFUSED,
    "RouteSpec.httpHeaders": route.HEADERS_REFUSED,
    "RouteSpec.subdomain": route.SUBDOMAIN_REFUSED,
    "RouteSpec.tls: termination passthrough, reencrypt": route.TLS_REFUSED,
    "RouteSpec.wildcardPolicy: Subdomain": route.WILDCARD_REFUSED,
}


@dataclass(frozen=True)
class Row:
    """One field: `status` is supported, accepted or refused; `note` the reason or the message."""

    field: str
    status: str
    note: str = ""
    folders: tuple[str, ...] = ()


def tekton_rows() -> list[Row]:
    """Tekton's fields, each with conformance folders. Raises OSError without a checkout."""
    used = fields_of_folders()
    found = []
    for row in _rows(tekton_support.SUPPORTED, tekton_support.ACCEPTED, tekton_support.REFUSED):
        setting = sorted((len(fields), folder) for folder, fields in used.items() if row.field in fields)
        found.append(Row(row.field, row.status, row.note, tuple(folder for _, folder in setting[:_LINKS])))
    return found


def triggers_rows() -> list[Row]:
    """The fields of Triggers and of the approval gate."""
    return _rows(triggers_support.SUPPORTED, triggers_support.ACCEPTED, triggers_support.REFUSED)


def seldon_rows() -> list[Row]:
    """Seldon's fields, and the values that have their own row."""
    rows = _rows(SELDON_SUPPORTED, SELDON_ACCEPTED, SELDON_REFUSED)
    return sorted([*rows, *(Row(name, "supported") for name in SELDON_SUPPORTED_VALUES)], key=lambda row: row.field)


def route_rows() -> list[Row]:
    """The fields of OpenShift's Routes."""
    return _rows(ROUTE_SUPPORTED, ROUTE_ACCEPTED, ROUTE_REFUSED)


def fields_of_folders(root: Path = CONFORMANCE) -> dict[str, set[str]]:
    """`Type.field` of all fields that each conformance folder sets in Tekton's kinds. Raises OSError."""
    found: dict[str, set[str]] = {}
    for expect in sorted(root.rglob("expect.yaml")):
        fields = found.setdefault(expect.parent.relative_to(root).as_posix(), set())
        for document in yaml.safe_load_all((expect.parent / "pipeline.yaml").read_text()):
            if not document or document.get("kind") not in _TYPES:
                continue
            type_ = _TYPES[document["kind"]]
            document = _quoted(document)
            fold_case(document, type_)
            fields |= set(_set_in(msgspec.convert(document, type_)))
    return found


def page() -> str:
    """The whole page."""
    rows = tekton_rows()
    linked = {folder for row in rows for folder in row.folders}
    others = [folder for folder in fields_of_folders() if folder not in linked]
    supported = [row for row in rows if row.status == "supported"]
    shown = sum(bool(row.folders) for row in supported)
    return "\n".join(
        [
            _INTRODUCTION,
            "## Tekton Pipelines",
            "",
            f"{shown} of the {len(supported)} supported fields are set in a [conformance folder]({_link('')}); the "
            "last column names those that set little else. A folder runs in every test of the lab, with private file "
            "trees and without.",
            "",
            *_table(rows, folders=True),
            "Conformance folders that no row names, because others set fewer fields:",
            "",
            *(f"- {_folder(one)}" for one in others),
            "",
            "## Triggers and the approval gate",
            "",
            *_table(triggers_rows()),
            "## Seldon",
            "",
            *_table(seldon_rows()),
            "## Routes",
            "",
            "Without a host it gets `<name>-<namespace>.localhost`; `status.ingress` carries the gateway's port too.",
            "",
            *_table(route_rows()),
        ]
    )


def main() -> int:
    """Write the page."""
    PAGE.write_text(page())
    sys.stdout.write(f"wrote {PAGE}\n")
    return 0


_INTRODUCTION = """\
<!-- generated by `python -m workshop.lab.parity`; do not edit -->
# What the lab does with each field

The lab takes the same manifests as a cluster. A field is

- **supported**: it has the same effect as on a cluster;
- **accepted**: it has no effect on one machine, for the reason in the table;
- **refused**: the object is not admitted, with this message.

A field that is in no table does not exist in the type, and is refused as the API server refuses an unknown field.
The name of a field begins with its type.
"""


def _rows(supported: Mapping[str, str], accepted: Mapping[str, str], refused: Mapping[str, str]) -> list[Row]:
    found = [Row(f"{type_}.{name}", "supported") for type_, names in supported.items() for name in names.split()]
    found += [Row(name, "accepted", reason) for name, reason in accepted.items()]
    found += [Row(name, "refused", message) for name, message in refused.items()]
    return sorted(found, key=lambda row: row.field)


def _table(rows: list[Row], *, folders: bool = False) -> Iterator[str]:
    yield "| Field | Status | Reason or message |" + (" See |" if folders else "")
    yield "|---|---|---|" + ("---|" if folders else "")
    for row in rows:
        name, colon, what = row.field.partition(":")
        line = f"| `{name}`{colon}{what} | {row.status} | {row.note} |"
        yield line + (f" {', '.join(map(_folder, row.folders))} |" if folders else "")
    yield ""


def _folder(name: str) -> str:
    return f"[{name}]({_link(name)})"


def _link(folder: str) -> str:
    return f"../../tests/conformance/{folder}"


def _quoted(value: Any, key: str = "") -> Any:
    """Numbers and booleans of parameters as text, as the mutating webhook returns them."""
    if isinstance(value, dict):
        return {name: _quoted(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_quoted(one, key) for one in value]
    return str(value) if key in ("value", "default") and isinstance(value, int | float) else value


def _set_in(value: Any) -> Iterator[str]:
    """`Type.field` of all fields that a typed manifest sets."""
    if isinstance(value, msgspec.Struct):
        for name, wire in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            one = getattr(value, name)
            if one is not None and one not in ("", [], {}):
                yield f"{type(value).__name__}.{wire}"
                yield from _set_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from _set_in(one)


if __name__ == "__main__":
    sys.exit(main())
