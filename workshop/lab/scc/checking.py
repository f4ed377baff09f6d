"""What of a Pod a SecurityContextConstraint does not allow, in OpenShift's words.

Rules, field paths and messages are those of openshift/apiserver-library-go, pkg/securitycontextconstraints. A field
that is not set is no fault: admission sets it to what the constraint asks for.
"""

from __future__ import annotations

import json
from typing import Any

from workshop.lab.scc.constraints import ANY, UIDS, Constraint
from workshop.manifests.objects import Object

_PROFILES = {"RuntimeDefault": "runtime/default", "Unconfined": "unconfined"}
_HOST = {"hostNetwork": "Host network", "hostPID": "Host PID", "hostIPC": "Host IPC"}
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


def faults(constraint: Constraint, pod: Object) -> list[str]:
    """Why the constraint does not allow the Pod; empty when it does."""
    spec: Object = pod.get("spec") or {}
    shared: Object = spec.get("securityContext") or {}
    root = f"provider {constraint.name}: "
    where = f"{root}.spec.securityContext"
    found = _groups(constraint, shared, where) + _seccomp(constraint, shared, where)
    found += _host(constraint, spec, where)
    for at, volume in enumerate(spec.get("volumes") or ()):
        kinds = sorted(key for key in volume if key != "name") or ["emptyDir"]
        found += [
            _invalid(f"spec.volumes[{at}]", kind, f"{kind} volumes are not allowed to be used")
            for kind in kinds
            if ANY not in constraint.volumes and kind not in constraint.volumes
        ]
    for name in _CONTAINERS:
        for at, container in enumerate(spec.get(name) or ()):
            own: Object = container.get("securityContext") or {}
            path = f"{root}.{name}[{at}]"
            found += _user(constraint, {**shared, **own}, path)
            found += _container(constraint, own, path)
            found += _seccomp(constraint, own, path)
            found += _host(constraint, spec, path)
            found += _ports(constraint, container, path)
    return found


def _ports(constraint: Constraint, container: Object, path: str) -> list[str]:
    return [
        _invalid(f"{path}.ports[{at}].hostPort", port["hostPort"], "Host ports are not allowed to be used")
        for at, port in enumerate(container.get("ports") or ())
        if port.get("hostPort") and not constraint.host
    ]


def _user(constraint: Constraint, context: Object, path: str) -> list[str]:
    uid, least, most = context.get("runAsUser"), *UIDS
    if constraint.user == "MustRunAsRange" and uid is not None and not least <= uid <= most:
        return [_invalid(f"{path}.runAsUser", uid, f"must be in the ranges: [{least}, {most}]")]
    if constraint.user == "MustRunAsNonRoot":
        if context.get("runAsNonRoot") is False:
            return [_invalid(f"{path}.runAsNonRoot", False, "must be true")]
        if uid == 0:
            return [_invalid(f"{path}.runAsUser", uid, "running with the root UID is forbidden")]
    return []


def _container(constraint: Constraint, context: Object, path: str) -> list[str]:
    found = []
    for name in (context.get("capabilities") or {}).get("add") or ():
        if ANY not in constraint.capabilities and name not in constraint.capabilities:
            found.append(_invalid(f"{path}.capabilities.add", name, "capability may not be added"))
    if context.get("privileged") and not constraint.privileged:
        found.append(_invalid(f"{path}.privileged", True, "Privileged containers are not allowed"))
    if context.get("allowPrivilegeEscalation") and not constraint.escalation:
        why = "Allowing privilege escalation for containers is not allowed"
        found.append(_invalid(f"{path}.allowPrivilegeEscalation", True, why))
    return found


def _groups(constraint: Constraint, context: Object, path: str) -> list[str]:
    group = context.get("fsGroup")
    if not constraint.groups_in_range or group is None or UIDS[0] <= group <= UIDS[1]:
        return []
    return [f"{path}.fsGroup: Invalid value: []int64{{{group}}}: {group} is not an allowed group"]


def _seccomp(constraint: Constraint, context: Object, path: str) -> list[str]:
    profile: Object = context.get("seccompProfile") or {}
    kind = profile.get("type")
    if kind is None or ANY in constraint.seccomp:
        return []
    name = _PROFILES.get(str(kind), f"localhost/{profile.get('localhostProfile', '')}")
    if not constraint.seccomp:
        return [f"{path}.seccompProfile: Forbidden: seccomp may not be set"]
    if name in constraint.seccomp:
        return []
    allowed = " ".join(sorted(constraint.seccomp))
    why = f"{name} is not an allowed seccomp profile. Valid values are [{allowed}]"
    return [f"{path}.seccompProfile: Forbidden: {why}"]


def _host(constraint: Constraint, spec: Object, path: str) -> list[str]:
    return [
        _invalid(f"{path}.{field}", True, f"{what} is not allowed to be used")
        for field, what in _HOST.items()
        if spec.get(field) and not constraint.host
    ]


def _invalid(path: str, value: Any, why: str) -> str:
    return f"{path}: Invalid value: {json.dumps(value)}: {why}"
