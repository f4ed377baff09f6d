"""The work of admission webhooks: defaults, and rules that a schema cannot express.

`ADMISSION` has the rule of each kind. A rule gets the new object and, on update, the stored one. It returns the object
with its defaults, or raises an ApiError with the webhook's message.
"""

from __future__ import annotations

from collections.abc import Callable

from workshop.lab.admission.approval import admit_approval
from workshop.lab.admission.config_data import admit_config_data
from workshop.lab.admission.inert import admit_pod
from workshop.lab.admission.monitoring import admit_monitor, admit_rule
from workshop.lab.admission.route import admit_route
from workshop.lab.admission.seldon import admit_seldon
from workshop.lab.admission.tekton import RULES as TEKTON
from workshop.lab.admission.triggers import RULES as TRIGGERS
from workshop.lab.kinds import Kind, Object

Rule = Callable[[Object, Object | None], Object]

ADMISSION: dict[str, Rule] = {
    "approvaltasks.openshift-pipelines.org": admit_approval,
    "configmaps": admit_config_data,
    "routes.route.openshift.io": admit_route,
    "podmonitors.monitoring.coreos.com": admit_monitor,
    "pods": admit_pod,
    "prometheusrules.monitoring.coreos.com": admit_rule,
    "servicemonitors.monitoring.coreos.com": admit_monitor,
    "secrets": admit_config_data,
    "seldondeployments.machinelearning.seldon.io": admit_seldon,
    **TEKTON,
    **TRIGGERS,
}


def admit(kind: Kind, new: Object, old: Object | None) -> Object:
    """Apply the rule of a kind, if it has one. Raises ApiError."""
    rule = ADMISSION.get(kind.resource)
    return rule(new, old) if rule else new
