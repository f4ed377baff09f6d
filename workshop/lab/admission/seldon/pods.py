"""Fields of a componentSpec's Pods in the lab, where a container is a process of this machine.

Each field of a PodSpec and of a Container is supported, accepted without effect (with the reason) or refused (with the
message). The parity page is made from these tables.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from workshop.lab.admission.seldon.graphs import NO_KEDA, Refusal
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


def pod_refusal(predictor: Predictor) -> Refusal | None:
    """The field of a predictor's Pods that the lab does not support. Its path is below the predictor."""
    if not predictor.component_specs:
        why = "componentSpecs is empty: the lab runs own images, named in a component's containers"
        return "componentSpecs", why
    units = {unit.name for unit in nodes(predictor.graph)}
    seen: set[str] = set()
    for index, component in enumerate(predictor.component_specs):
        refusal = _component_refusal(component, units, seen)
        if refusal:
            return f"componentSpecs[{index}].{refusal[0]}", refusal[1]
    return None


def _component_refusal(component: ComponentSpec, units: set[str], seen: set[str]) -> Refusal | None:
    if component.keda_spec:
        return "kedaSpec", NO_KEDA
    try:
        msgspec.convert(component.spec, PodSpec)
    except msgspec.ValidationError as e:
        return "spec", str(e)
    for name in component.spec:
        if name in POD_REFUSED:
            return f"spec.{name}", POD_REFUSED[name]
    if component.spec.get("restartPolicy", "Always") != "Always":
        return "spec.restartPolicy", "a Deployment's pods are always restarted"
    containers = component.spec.get("containers") or []
    if not containers:
        return "spec.containers", "it has no containers"
    for index, container in enumerate(containers):
        refusal = _container_refusal(container, units, seen)
        if refusal:
            return f"spec.containers[{index}].{refusal[0]}", refusal[1]
        seen.add(container["name"])
    return None


def _container_refusal(container: dict[str, Any], units: set[str], seen: set[str]) -> Refusal | None:
    if container["name"] not in units:
        return "name", TWO_CONTAINERS
    if container["name"] in seen:
        return "name", "there are two of this name"
    for name in container:
        if name in CONTAINER_REFUSED:
            return name, CONTAINER_REFUSED[name]
    for name in ("livenessProbe", "readinessProbe"):
        for way in ("exec", "grpc"):
            if way in (container.get(name) or {}):
                return f"{name}.{way}", PROBE_REFUSED
    if "postStart" in (container.get("lifecycle") or {}):
        return "lifecycle.postStart", POST_START
    for index, item in enumerate(container.get("env") or []):
        source = item.get("valueFrom") or {}
        path = f"env[{index}].valueFrom"
        if "resourceFieldRef" in source:
            return f"{path}.resourceFieldRef", RESOURCE_REFUSED
        if "fieldRef" in source and not _FIELD.fullmatch(str(source["fieldRef"].get("fieldPath", ""))):
            return f"{path}.fieldRef.fieldPath", FIELD_REFUSED
    return None
