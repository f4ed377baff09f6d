"""The environment of a model server: what the operator sets, what the container asks for, and $(NAME) in both."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from workshop.lab.kinds import Object, built_in
from workshop.lab.store import Store
from workshop.manifests.seldon import PredictiveUnit, Predictor, SeldonDeployment

_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_FIELD_KEY = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


class MissingReference(Exception):
    """A ConfigMap, Secret or key that a container needs is not there."""


def operator_environment(
    sdep: SeldonDeployment, predictor: Predictor, unit: PredictiveUnit, image: str, port: int, metrics_port: int
) -> dict[str, str]:
    """What the operator gives the container of a graph node (`createContainerService`)."""
    env = {
        "PREDICTIVE_UNIT_SERVICE_PORT": str(port),
        "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(port),
        "PREDICTIVE_UNIT_ID": unit.name,
        "PREDICTIVE_UNIT_IMAGE": image,
        "PREDICTOR_ID": predictor.name,
        "PREDICTOR_LABELS": json.dumps({"version": predictor.name, **predictor.labels}),
        "SELDON_DEPLOYMENT_ID": sdep.name,
        # The operator has had no other orchestrator since 1.0, so it says so of a predictor without one too.
        "SELDON_EXECUTOR_ENABLED": "true",
        "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(metrics_port),
        "PREDICTIVE_UNIT_METRICS_ENDPOINT": "/prometheus",
        "MLSERVER_HTTP_PORT": str(port),
        "MLSERVER_METRICS_PORT": str(metrics_port),
        "MLSERVER_METRICS_ENDPOINT": "/prometheus",
        "MLSERVER_MODEL_NAME": unit.name,
        # The lab's own: a laptop's ports are for the laptop.
        "MODEL_SERVER_HOST": "127.0.0.1",
        "MLSERVER_HOST": "127.0.0.1",
    }
    parameters = [{"name": p.name, "value": p.value, "type": p.type} for p in unit.parameters]
    return env | {"PREDICTIVE_UNIT_PARAMETERS": json.dumps(parameters)}


def own_environment(
    store: Store, pod: Object, container: Mapping[str, Any], known: Mapping[str, str]
) -> dict[str, str]:
    """The container's env and envFrom, with $(NAME) of what comes before. Raises MissingReference."""
    namespace = pod["metadata"]["namespace"]
    env: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            if key in source:
                values = _values(store, kind, namespace, source[key])
                env |= {source.get("prefix", "") + name: value for name, value in values.items()}
    for item in container.get("env") or []:
        reference = item.get("valueFrom") or {}
        if "fieldRef" in reference:
            env[item["name"]] = _field(pod, str(reference["fieldRef"].get("fieldPath", "")))
            continue
        for kind, key in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
            if key in reference:
                found = _value(store, kind, namespace, reference[key])
                if found is not None:
                    env[item["name"]] = found
        if not reference:
            env[item["name"]] = expanded(str(item.get("value", "")), {**known, **env})
    return env


def expanded(text: str, env: Mapping[str, str]) -> str:
    """Kubernetes' $(NAME) in text; $$ is one dollar, and a name that is not there stays as it is written."""
    return _REFERENCE.sub(lambda m: "$" if m[0] == "$$" else env.get(m[1], m[0]), text)


def field_paths(pod: Object) -> dict[str, str]:
    """What fieldRef can name, beside single labels and annotations."""
    meta = pod["metadata"]
    return {
        "metadata.name": meta["name"],
        "metadata.namespace": meta["namespace"],
        "metadata.uid": meta.get("uid", ""),
        "spec.nodeName": "lab",
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName") or "default",
        "status.hostIP": "127.0.0.1",
        "status.podIP": "127.0.0.1",
    }


def _field(pod: Object, path: str) -> str:
    keyed = _FIELD_KEY.fullmatch(path)
    if keyed:
        return str((pod["metadata"].get(keyed[1]) or {}).get(keyed[2], ""))
    return field_paths(pod).get(path, "")


def _value(store: Store, kind: str, namespace: str, reference: Mapping[str, Any]) -> str | None:
    values = _values(store, kind, namespace, reference)
    key = str(reference["key"])
    if key in values:
        return values[key]
    if reference.get("optional"):
        return None
    raise MissingReference(f"couldn't find key {key} in {kind} {namespace}/{reference['name']}")


def _values(store: Store, kind: str, namespace: str, reference: Mapping[str, Any]) -> dict[str, str]:
    name = str(reference["name"])
    obj = store.find(built_in(kind), namespace, name)
    if obj is None:
        if reference.get("optional"):
            return {}
        raise MissingReference(f'{kind.lower()} "{name}" not found')
    if kind == "Secret":
        encoded = {k: base64.b64decode(v).decode() for k, v in (obj.get("data") or {}).items()}
        return encoded | (obj.get("stringData") or {})
    return dict(obj.get("data") or {})
