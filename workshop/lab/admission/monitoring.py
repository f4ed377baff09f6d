"""Monitors and rules at admission: what Prometheus would not load is refused, and what the lab cannot do.

For rules this is what the admission webhook of OpenShift's monitoring does, in its words. A cluster has no webhook for
monitors: there the operator leaves a faulty one out and only its log says so.
"""

from __future__ import annotations

from typing import Any

from workshop.lab.api_errors import ApiError, Invalid
from workshop.lab.monitoring import monitors, rules
from workshop.manifests.objects import Object

_WEBHOOK = 'admission webhook "prometheusrules.openshift.io" denied the request: The rules are not valid'


def admit_monitor(new: Object, old: Object | None) -> Object:
    """A PodMonitor or a ServiceMonitor. Raises Invalid."""
    if old is None or new.get("spec") != old.get("spec"):
        try:
            monitors.jobs(monitors.parse(new))
        except ValueError as e:
            raise _invalid(new, f'{new["kind"]}.monitoring.coreos.com "{new["metadata"]["name"]}" is invalid', e) from e
    return new


def admit_rule(new: Object, old: Object | None) -> Object:
    """A PrometheusRule. Raises Invalid."""
    if old is None or new.get("spec") != old.get("spec"):
        try:
            rules.rule_file(new)
        except ValueError as e:
            raise _invalid(new, _WEBHOOK, e) from e
    return new


def _invalid(obj: Object, title: str, error: ValueError) -> ApiError:
    lines = str(error).splitlines()
    causes = [{"reason": "FieldValueInvalid", "message": line} for line in lines]
    details: dict[str, Any] = {
        "name": obj["metadata"]["name"],
        "group": "monitoring.coreos.com",
        "kind": obj["kind"],
        "causes": causes,
    }
    listed = ", ".join(lines)
    return Invalid(f"{title}: {f'[{listed}]' if len(lines) > 1 else listed}", details=details)
