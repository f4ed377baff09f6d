"""The SecurityContextConstraints of the lab, in the order in which OpenShift tries them.

Values are those of OpenShift's cluster-kube-apiserver-operator and, for `pipelines-scc`, of tektoncd/operator. The lab
has those that matter to the kit. It lacks `restricted` and `nonroot`, which are older forms, and the `host...` ones.
"""

from __future__ import annotations

from dataclasses import dataclass

USED = "openshift.io/scc"
"""The annotation with the name of the constraint that a Pod was admitted by."""
UIDS = (1000650000, 1000659999)
"""The range of user ids and groups of every namespace of the lab. OpenShift gives each namespace another range."""
_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
ANY = "*"


@dataclass(frozen=True)
class Constraint:
    """One SCC. `user` is MustRunAsRange, MustRunAsNonRoot or RunAsAny."""

    name: str
    user: str
    capabilities: frozenset[str] = frozenset()
    """Those that a container may add; ANY means all."""
    escalation: bool = False
    groups_in_range: bool = False
    seccomp: frozenset[str] = frozenset()
    """Profiles that may be set; empty means none, ANY means all."""
    privileged: bool = False
    host: bool = False
    """Whether the network, ports, processes and IPC of the node may be used."""
    volumes: frozenset[str] = _VOLUMES


_RUNTIME_DEFAULT = frozenset({"runtime/default"})
CONSTRAINTS = (
    Constraint("anyuid", "RunAsAny", escalation=True),
    Constraint("pipelines-scc", "RunAsAny", frozenset({"SETFCAP"}), groups_in_range=True),
    Constraint(
        "restricted-v2",
        "MustRunAsRange",
        frozenset({"NET_BIND_SERVICE"}),
        groups_in_range=True,
        seccomp=_RUNTIME_DEFAULT,
    ),
    Constraint("nonroot-v2", "MustRunAsNonRoot", frozenset({"NET_BIND_SERVICE"}), seccomp=_RUNTIME_DEFAULT),
    Constraint(
        "privileged",
        "RunAsAny",
        frozenset({ANY}),
        escalation=True,
        seccomp=frozenset({ANY}),
        privileged=True,
        host=True,
        volumes=frozenset({ANY}),
    ),
)
"""By priority, then the most restrictive first."""
