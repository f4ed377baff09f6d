"""Objects of `monitoring.coreos.com` at admission: refuses what Prometheus or Alertmanager would not load.

It refuses what the lab cannot do, too. For rules and routes of alerts this is what the admission webhooks of
OpenShift's monitoring do, in their words. A cluster has no webhook for monitors: there the operator leaves a faulty one
out and only its log says so.
"""

from __future__ import annotations

from typing import Any

from workshop.lab.api_errors import ApiError, Invalid
from workshop.lab.monitoring import monitors, routing, rules
from workshop.manifests.objects import Object

_WEBHOOK = 'admission webhook "prometheusrules.openshift.io" denied the request: The rules are not valid'
_ROUTING = 'admission webhook "alertmanagerconfigs.openshift.io" denied the request: AlertmanagerConfig is invalid'


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


def admit_routing(new: Object, old: Object | None) -> Object:
    """An AlertmanagerConfig. Raises Invalid."""
    if old is None or new.get("spec") != old.get("spec"):
        try:
            routing.check(routing.parse(new))
        except ValueError as e:
            raise _invalid(new, _ROUTING, e) from e
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
