"""The work of admission webhooks: defaults, and rules that a schema cannot express.

A rule gets the new object and, on update, the stored one. It returns the object with its defaults, or raises an
ApiError with the webhook's message.
"""

from __future__ import annotations

from collections.abc import Callable

from workshop.lab.admission.approval import admit_approval
from workshop.lab.admission.builds import admit_build_config
from workshop.lab.admission.config_data import admit_config_data, admit_config_map
from workshop.lab.admission.monitoring import admit_monitor, admit_routing, admit_rule
from workshop.lab.admission.pipelinesascode import admit_repository
from workshop.lab.admission.roles import admit_binding, admit_role
from workshop.lab.admission.route import admit_route
from workshop.lab.admission.seldon import admit_seldon
from workshop.lab.admission.tekton import RULES as TEKTON
from workshop.lab.admission.triggers import RULES as TRIGGERS
from workshop.lab.admission.unsupported_effects import admit_pod
from workshop.lab.kinds import Kind, built_in
from workshop.manifests.objects import Object, status_of
from workshop.manifests.tekton.config import SHIPPED, Config

Rule = Callable[[Object, Object | None], Object]

ADMISSION: dict[str, Rule] = {
    "alertmanagerconfigs.monitoring.coreos.com": admit_routing,
    "approvaltasks.openshift-pipelines.org": admit_approval,
    "buildconfigs.build.openshift.io": admit_build_config,
    "clusterrolebindings.rbac.authorization.k8s.io": admit_binding,
    "clusterroles.rbac.authorization.k8s.io": admit_role,
    "configmaps": admit_config_map,
    "repositories.pipelinesascode.tekton.dev": admit_repository,
    "rolebindings.rbac.authorization.k8s.io": admit_binding,
    "roles.rbac.authorization.k8s.io": admit_role,
    "routes.route.openshift.io": admit_route,
    "podmonitors.monitoring.coreos.com": admit_monitor,
    "pods": admit_pod,
    "prometheusrules.monitoring.coreos.com": admit_rule,
    "servicemonitors.monitoring.coreos.com": admit_monitor,
    "secrets": admit_config_data,
    "seldondeployments.machinelearning.seldon.io": admit_seldon,
    **TRIGGERS,
}
"""The rules that depend on nothing but the object; those of Tekton's kinds depend on Tekton's configuration too."""


def admit(kind: Kind, new: Object, old: Object | None, config: Config = SHIPPED) -> Object:
    """Apply the rule of a kind, if it has one. `config` is Tekton's in this cluster. Raises ApiError."""
    if tekton := TEKTON.get(kind.resource):
        return tekton(new, old, config)
    rule = ADMISSION.get(kind.resource)
    return rule(new, old) if rule else new


_SPECS_IN_STATUS = {
    "pipelineruns.tekton.dev": ("pipelineSpec", "Pipeline"),
    "taskruns.tekton.dev": ("taskSpec", "Task"),
}
"""Where a run's status holds the spec that its controller runs, and the kind whose rules apply to it."""


def admit_status(kind: Kind, obj: Object, config: Config = SHIPPED) -> None:
    """Apply the rules of a Pipeline or a Task to the one in the status of a run. Raises ApiError."""
    field, of_kind = _SPECS_IN_STATUS.get(kind.resource, ("", ""))
    spec = status_of(obj).get(field) if field else None
    if spec is not None:
        meta = {"name": "status", "namespace": obj["metadata"].get("namespace", "")}
        obj = {"apiVersion": "tekton.dev/v1", "kind": of_kind, "metadata": meta, "spec": spec}
        admit(built_in(of_kind), obj, None, config)
