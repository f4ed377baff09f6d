"""The objects that a cluster has for a listener: a Service, a Deployment and its Pods.

In the lab one program takes the events of all listeners. The Deployment is shown for information; `oc logs` reads the
log of events from the Pods. The objects have the values of `spec.resources.kubernetesResource`, but nothing is
scheduled.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from workshop.lab.controllers.owners import owner_reference
from workshop.lab.store import now
from workshop.manifests.objects import Object
from workshop.manifests.triggers import EventListenerSpec, KubernetesResource

CONTAINER = "event-listener"
PORT = 8080
METRICS_PORT = 9000
MOST_PODS = 10
"""Limit of Pods shown for one listener, whatever number of replicas it asks for."""
_LABELS = {"app.kubernetes.io/managed-by": "EventListener", "app.kubernetes.io/part-of": "Triggers"}
_TEMPLATE_FIELDS = ("affinity", "imagePullSecrets", "nodeSelector", "tolerations", "topologySpreadConstraints")
_CONTAINER_FIELDS = ("livenessProbe", "readinessProbe", "resources", "startupProbe")


def generated_name(listener: str) -> str:
    """The name of a listener's Service and Deployment."""
    return f"el-{listener}"


def pod_names(listener: Object) -> list[str]:
    """The names of a listener's Pods, which stay the same while it exists."""
    name, uid = generated_name(listener["metadata"]["name"]), listener["metadata"]["uid"]
    count = min(_replicas(_wanted(listener)), MOST_PODS)
    return [f"{name}-{_hash(uid, 10)}-{_hash(f'{uid}/{index}', 5)}" for index in range(count)]


def service(listener: Object) -> Object:
    """The Service, with the type and the port of the listener's spec."""
    wanted = _wanted(listener)
    ports = [
        _port("http-listener", wanted.service_port or PORT, PORT),
        _port("http-metrics", METRICS_PORT, METRICS_PORT),
    ]
    spec: dict[str, Any] = {"type": wanted.service_type or "ClusterIP", "selector": _selector(listener), "ports": ports}
    if wanted.service_load_balancer_class:
        spec["loadBalancerClass"] = wanted.service_load_balancer_class
    return {"metadata": _meta(listener), "spec": spec}


def deployment(listener: Object) -> Object:
    """The Deployment, with all its Pods available."""
    wanted = _wanted(listener)
    replicas = _replicas(wanted)
    return {
        "metadata": _meta(listener),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": _selector(listener)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {"metadata": _template_meta(listener, wanted), "spec": _pod_spec(listener, wanted)},
        },
        "status": {
            "observedGeneration": 1,
            "replicas": replicas,
            "availableReplicas": replicas,
            "readyReplicas": replicas,
            "updatedReplicas": replicas,
            "conditions": [
                {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
            ],
        },
    }


def pod(listener: Object, name: str) -> Object:
    """One running Pod."""
    wanted, started = _wanted(listener), now()
    meta = _template_meta(listener, wanted)
    spec = _pod_spec(listener, wanted)
    image = spec["containers"][0]["image"]
    ready = [
        {"type": type_, "status": "True", "lastTransitionTime": started}
        for type_ in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    ]
    return {
        "metadata": {
            **meta,
            "name": name,
            "namespace": listener["metadata"]["namespace"],
            "labels": {**meta["labels"], "pod-template-hash": _hash(listener["metadata"]["uid"], 10)},
            "ownerReferences": [owner_reference(listener)],
        },
        "spec": {**spec, "nodeName": "lab"},
        "status": {
            "phase": "Running",
            "startTime": started,
            "conditions": ready,
            "containerStatuses": [
                {
                    "name": CONTAINER,
                    "image": image,
                    "imageID": image,
                    "ready": True,
                    "started": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": started}},
                }
            ],
        },
    }


def service_account(listener: Object) -> str:
    """The account of the listener's Pod; empty where nothing names one."""
    asked = _pod_template(_wanted(listener)).get("spec") or {}
    return str(asked.get("serviceAccountName") or (listener.get("spec") or {}).get("serviceAccountName") or "")


def _wanted(listener: Object) -> KubernetesResource:
    spec = msgspec.convert(listener.get("spec") or {}, EventListenerSpec)
    return spec.resources.kubernetes_resource or KubernetesResource()


def _replicas(wanted: KubernetesResource) -> int:
    return 1 if wanted.replicas is None else wanted.replicas


def _pod_template(wanted: KubernetesResource) -> dict[str, Any]:
    found: dict[str, Any] = (wanted.spec or {}).get("template") or {}
    return found


def _template_meta(listener: Object, wanted: KubernetesResource) -> dict[str, Any]:
    asked = _pod_template(wanted).get("metadata") or {}
    labels = {**_meta(listener)["labels"], **(asked.get("labels") or {})}
    return {"labels": labels, **({"annotations": asked["annotations"]} if asked.get("annotations") else {})}


def _pod_spec(listener: Object, wanted: KubernetesResource) -> dict[str, Any]:
    asked = _pod_template(wanted).get("spec") or {}
    first: dict[str, Any] = next(iter(asked.get("containers") or []), {})
    meta = listener["metadata"]
    account = service_account(listener)
    container = {
        "name": CONTAINER,
        "image": "tekton-triggers-eventlistenersink",
        "args": [f"--el-name={meta['name']}", f"--el-namespace={meta['namespace']}", f"--port={PORT}"],
        "ports": [{"containerPort": PORT, "protocol": "TCP"}, {"containerPort": METRICS_PORT, "protocol": "TCP"}],
        **{name: first[name] for name in _CONTAINER_FIELDS if first.get(name)},
    }
    return {
        "containers": [container],
        **({"serviceAccountName": account} if account else {}),
        **{name: asked[name] for name in _TEMPLATE_FIELDS if asked.get(name)},
    }


def _meta(listener: Object) -> dict[str, Any]:
    meta = listener["metadata"]
    return {
        "name": generated_name(meta["name"]),
        "namespace": meta["namespace"],
        "labels": {**(meta.get("labels") or {}), **_selector(listener)},
        "ownerReferences": [owner_reference(listener)],
    }


def _selector(listener: Object) -> dict[str, str]:
    return {**_LABELS, "eventlistener": listener["metadata"]["name"]}


def _port(name: str, port: int, target: int) -> dict[str, Any]:
    return {"name": name, "port": port, "protocol": "TCP", "targetPort": target}


def _hash(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
