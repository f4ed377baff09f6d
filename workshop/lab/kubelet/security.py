"""The security of a container: its security context over that of its Pod, and what its constraint adds.

Sources: kubernetes.io, "Configure a Security Context for a Pod or Container"; OpenShift's documentation of
SecurityContextConstraints: `restricted-v2` drops all capabilities and runs a container with a user id of its namespace.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workshop.lab.kubelet.pod import ContainerPlan, PodPlan
from workshop.lab.runtimes.base import Security
from workshop.lab.scc.constraints import UIDS

RESTRICTED = "restricted-v2"


def security_of(pod: PodPlan, container: ContainerPlan, constraint: str = "") -> Security:
    """The security of a container whose Pod was admitted by a constraint; without one, nothing is added."""
    of_pod: Mapping[str, Any] = pod.shown.get("securityContext") or {}
    own: Mapping[str, Any] = container.shown.get("securityContext") or {}
    both = {**of_pod, **own}
    capabilities = own.get("capabilities") or {}
    user, dropped = both.get("runAsUser"), tuple(capabilities.get("drop") or ())
    escalation = own.get("allowPrivilegeEscalation") is not False
    if constraint == RESTRICTED:
        user = UIDS[0] if user is None else user
        dropped, escalation = ("ALL",), False
    groups = [*(of_pod.get("supplementalGroups") or ()), *([of_pod["fsGroup"]] if "fsGroup" in of_pod else ())]
    return Security(
        user=user,
        group=both.get("runAsGroup"),
        non_root=bool(both.get("runAsNonRoot")),
        groups=tuple(groups),
        privileged=bool(own.get("privileged")),
        escalation=escalation,
        capabilities=tuple(capabilities.get("add") or ()),
        dropped=dropped,
        read_only_root=bool(own.get("readOnlyRootFilesystem")),
        seccomp=(both.get("seccompProfile") or {}).get("type") != "Unconfined",
    )
