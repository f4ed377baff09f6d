"""Fields of a componentSpec's Pods in the lab, where a container is a process of this machine.

Each field of a PodSpec and of a Container is supported, accepted without effect (with the reason) or refused (with the
message). The parity page is made from these tables.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from workshop.lab.admission.seldon.graphs import NO_KEDA
from workshop.manifests.kubernetes import PodSpec
from workshop.manifests.seldon import ComponentSpec, Predictor, nodes

_NO_SCHEDULER = "there is one machine and no scheduler"
_LABS_USER = "a model server runs as the lab's user, with the rights of that user"
_NO_NETWORK = "a model server is a process on 127.0.0.1"
_BUILD_IN = "the lab mounts nothing into a model server; build files into the image with S2I, and values into env"

POD_RUN = ["containers", "terminationGracePeriodSeconds"]
POD_ACCEPTED: dict[str, str] = {
    "affinity": _NO_SCHEDULER,
    "automountServiceAccountToken": _LABS_USER,
    "dnsConfig": _NO_NETWORK,
    "dnsPolicy": _NO_NETWORK,
    "enableServiceLinks": _NO_NETWORK,
    "imagePullSecrets": "images are the lab's own",
    "nodeName": _NO_SCHEDULER,
    "nodeSelector": _NO_SCHEDULER,
    "os": _NO_SCHEDULER,
    "overhead": _NO_SCHEDULER,
    "preemptionPolicy": _NO_SCHEDULER,
    "priority": _NO_SCHEDULER,
    "priorityClassName": _NO_SCHEDULER,
    "resources": "the lab does not limit the resources of a process",
    "restartPolicy": "a Deployment's pods are always restarted",
    "runtimeClassName": _NO_SCHEDULER,
    "schedulerName": _NO_SCHEDULER,
    "securityContext": _LABS_USER,
    "serviceAccountName": _LABS_USER,
    "tolerations": _NO_SCHEDULER,
    "topologySpreadConstraints": _NO_SCHEDULER,
}
POD_REFUSED: dict[str, str] = {
    "activeDeadlineSeconds": "the lab ends no predictor by time; remove activeDeadlineSeconds",
    "ephemeralContainers": "the lab has no ephemeralContainers; use oc logs",
    "hostAliases": "the lab changes no host names; remove hostAliases",
    "hostIPC": "restricted-v2 refuses hostIPC on OpenShift; remove it",
    "hostNetwork": "restricted-v2 refuses hostNetwork on OpenShift; remove it",
    "hostPID": "restricted-v2 refuses hostPID on OpenShift; remove it",
    "hostUsers": "the lab has no user namespaces; remove hostUsers",
    "hostname": "the lab changes no host names; remove hostname",
    "initContainers": "the lab does not run initContainers of a predictor; they need a cluster",
    "readinessGates": "nothing in the lab sets the conditions of readinessGates; remove them",
    "resourceClaims": "the lab has no devices to claim; remove resourceClaims",
    "schedulingGates": "nothing in the lab lifts schedulingGates; remove them",
    "serviceAccount": "serviceAccount is deprecated; use serviceAccountName",
    "setHostnameAsFQDN": "the lab changes no host names; remove setHostnameAsFQDN",
    "shareProcessNamespace": "the lab's containers are processes of one machine; remove shareProcessNamespace",
    "subdomain": "the lab changes no host names; remove subdomain",
    "volumes": _BUILD_IN,
}
CONTAINER_RUN = ["name", "image", "command", "args", "workingDir", "env", "envFrom", "livenessProbe", "readinessProbe"]
CONTAINER_ACCEPTED: dict[str, str] = {
    "imagePullPolicy": "images are the lab's own",
    "lifecycle": "preStop keeps a Pod up until routers have removed it; the lab's gateway removes it before it stops",
    "ports": "the lab picks free ports",
    "resizePolicy": "the lab does not limit the resources of a process",
    "resources": "the lab does not limit the resources of a process",
    "securityContext": _LABS_USER,
    "terminationMessagePath": "the log says it: oc logs",
    "terminationMessagePolicy": "the log says it: oc logs",
}
CONTAINER_REFUSED: dict[str, str] = {
    "restartPolicy": "a container's own restartPolicy is for initContainers, which the lab does not run",
    "startupProbe": "the lab probes a server from its start until it is ready; use readinessProbe",
    "stdin": "a model server has no terminal; remove stdin",
    "stdinOnce": "a model server has no terminal; remove stdinOnce",
    "tty": "a model server has no terminal; remove tty",
    "volumeDevices": _BUILD_IN,
    "volumeMounts": _BUILD_IN,
}
PROBE_ACCEPTED = "a starting server is probed seven times a second, a ready one every two seconds"
"""Applies to the timing of a readinessProbe, except timeoutSeconds."""
PROBE_REFUSED = "the lab probes with httpGet or tcpSocket"
POST_START = "the lab runs no lifecycle.postStart; do it in the image's command"
FIELD_REFUSED = (
    "allowed in fieldRef: metadata.name, metadata.namespace, metadata.uid, metadata.labels['x'], "
    "metadata.annotations['x'], spec.nodeName, spec.serviceAccountName, status.hostIP, status.podIP"
)
RESOURCE_REFUSED = "the lab limits no resources, so resourceFieldRef has nothing to say; give a value"
TWO_CONTAINERS = "the lab runs the containers of the graph's nodes; name it after a node, or use a cluster"
_FIELD = re.compile(
    r"metadata\.(name|namespace|uid|(labels|annotations)\['[^']+'\])|spec\.(nodeName|serviceAccountName)"
    r"|status\.(hostIP|podIP)"
)


def pod_refusal(predictor: Predictor) -> str:
    """Why the lab cannot run a predictor's Pods, or nothing."""
    if not predictor.component_specs:
        return "componentSpecs is empty: the lab runs own images, named in a component's containers"
    units = {unit.name for unit in nodes(predictor.graph)}
    seen: set[str] = set()
    for index, component in enumerate(predictor.component_specs):
        refusal = _component_refusal(component, units, seen)
        if refusal:
            return f"componentSpecs[{index}]: {refusal}"
    return ""


def _component_refusal(component: ComponentSpec, units: set[str], seen: set[str]) -> str:
    if component.keda_spec:
        return NO_KEDA
    try:
        msgspec.convert(component.spec, PodSpec)
    except msgspec.ValidationError as e:
        return f"spec: {e}"
    for name in component.spec:
        if name in POD_REFUSED:
            return POD_REFUSED[name]
    if component.spec.get("restartPolicy", "Always") != "Always":
        return "restartPolicy: a Deployment's pods are always restarted"
    containers = component.spec.get("containers") or []
    if not containers:
        return "it has no containers"
    for container in containers:
        refusal = _container_refusal(container, units, seen)
        if refusal:
            return f"container {container['name']}: {refusal}"
        seen.add(container["name"])
    return ""


def _container_refusal(container: dict[str, Any], units: set[str], seen: set[str]) -> str:
    if container["name"] not in units:
        return TWO_CONTAINERS
    if container["name"] in seen:
        return "there are two of this name"
    for name in container:
        if name in CONTAINER_REFUSED:
            return CONTAINER_REFUSED[name]
    for name in ("livenessProbe", "readinessProbe"):
        if {"exec", "grpc"} & (container.get(name) or {}).keys():
            return f"{name}: {PROBE_REFUSED}"
    if "postStart" in (container.get("lifecycle") or {}):
        return POST_START
    for item in container.get("env") or []:
        source = item.get("valueFrom") or {}
        if "resourceFieldRef" in source:
            return f"env {item['name']}: {RESOURCE_REFUSED}"
        if "fieldRef" in source and not _FIELD.fullmatch(str(source["fieldRef"].get("fieldPath", ""))):
            return f"env {item['name']}: {FIELD_REFUSED}"
    return ""
