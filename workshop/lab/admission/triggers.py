"""The rules of Triggers' webhook, and refusals of what the lab does not support.

Messages are the webhook's (Triggers 0.36, `pkg/apis/triggers/v1beta1/*_validation.go`). The webhook checks neither an
interceptor's parameters (a CEL filter that does not parse is accepted) nor a template's manifests beyond their kind.
Trigger groups are accepted here; a cluster needs `enable-api-fields: alpha` for them.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec
import orjson

from workshop.lab.admission.tekton.findings import Denied, Findings, at
from workshop.lab.api_errors import BadRequest
from workshop.manifests.objects import Object
from workshop.manifests.triggers import (
    BindingParam,
    BindingRef,
    ClusterInterceptor,
    ClusterTriggerBinding,
    EventListener,
    EventListenerTrigger,
    Interceptor,
    KubernetesResource,
    TemplateRef,
    Trigger,
    TriggerBinding,
    TriggerInterceptor,
    TriggerTemplate,
    TriggerTemplateSpec,
)
from workshop.manifests.triggers.support import REFUSED

T = TypeVar("T")
_WEBHOOK = 'admission webhook "{}webhook.triggers.tekton.dev" denied the request: {} failed: '
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")
_PARAM = re.compile(r"\$\(tt\.params\.([_a-zA-Z][_a-zA-Z0-9.-]*)\)")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
LONGEST_NAME = 60
"""With `el-` in front, a Service's name has at most 63 characters."""


def admit_listener(new: Object, old: Object | None) -> Object:
    """Check an EventListener. Raises BadRequest."""
    new = copy.deepcopy(new)
    for holder, field in _interceptor_lists(new.get("spec")):
        _default_interceptors(holder, field)
        _default_bindings(holder)
    spec = _decode(new, EventListener).spec
    found = Findings()
    name = new["metadata"].get("name") or ""
    if len(name) > LONGEST_NAME:
        found.invalid(
            f"eventListener name '{name}' must be no more than {LONGEST_NAME} characters long", "metadata.name"
        )
    if not (spec.label_selector or spec.namespace_selector.match_names or spec.trigger_groups or spec.triggers):
        found.neither("spec.labelSelector", "spec.namespaceSelector", "spec.triggerGroups", "spec.triggers")
    for index, trigger in enumerate(spec.triggers):
        _check_listener_trigger(found, at("spec", "triggers", index), trigger)
    for index, group in enumerate(spec.trigger_groups):
        path = at("spec", "triggerGroups", index)
        if not group.trigger_selector.label_selector and not group.trigger_selector.namespace_selector.match_names:
            found.neither(at(path, "triggerSelector.labelSelector"), at(path, "triggerSelector.namespaceSelector"))
        if not group.interceptors:
            found.missing(at(path, "interceptors"))
        _check_interceptors(found, path, group.interceptors)
    if spec.cloud_event_uri:
        found.add(REFUSED["EventListenerSpec.cloudEventURI"], "spec.cloudEventURI")
    if spec.resources.custom_resource is not None:
        found.add(REFUSED["ListenerResources.customResource"], "spec.resources.customResource")
    if spec.resources.kubernetes_resource is not None:
        _check_resource(found, spec.resources.kubernetes_resource)
    _raise(found)
    return new


def admit_trigger(new: Object, old: Object | None) -> Object:
    """Check a Trigger. Raises BadRequest."""
    new = copy.deepcopy(new)
    spec = new.setdefault("spec", {})
    if isinstance(spec, dict):
        _default_interceptors(spec, "interceptors")
        _default_bindings(spec)
    decoded = _decode(new, Trigger).spec
    found = Findings()
    _check_bindings(found, "spec", decoded.bindings)
    _check_template(found, "spec", decoded.template)
    _check_interceptors(found, "spec", decoded.interceptors)
    _raise(found)
    return new


def admit_binding(new: Object, old: Object | None) -> Object:
    """Check a TriggerBinding or ClusterTriggerBinding. Raises BadRequest."""
    type_ = ClusterTriggerBinding if new.get("kind") == "ClusterTriggerBinding" else TriggerBinding
    params: Sequence[BindingParam] = _decode(new, type_).spec.params  # type: ignore[attr-defined]
    found = Findings()
    if not new.get("spec"):
        found.missing("spec")
    seen: set[str] = set()
    for index, param in enumerate(params):
        if param.name in seen:
            found.both(at("spec", "params", index, "name"))
            break
        seen.add(param.name)
        if not _closed(param.value):
            found.invalid(param.value, at("spec", "params", index, "value"))
            break
    _raise(found)
    return new


def admit_template(new: Object, old: Object | None) -> Object:
    """Check a TriggerTemplate. Raises BadRequest."""
    spec = _decode(new, TriggerTemplate).spec
    found = Findings()
    if not new.get("spec"):
        found.missing("spec")
    _check_template_spec(found, "spec", spec)
    _raise(found)
    return new


def admit_cluster_interceptor(new: Object, old: Object | None) -> Object:
    """Check a ClusterInterceptor. Raises BadRequest."""
    return _interceptor(new, ClusterInterceptor)


def admit_interceptor(new: Object, old: Object | None) -> Object:
    """Check an Interceptor. Raises BadRequest."""
    return _interceptor(new, Interceptor)


def _interceptor(new: Object, type_: type[ClusterInterceptor] | type[Interceptor]) -> Object:
    config = _decode(new, type_).spec.client_config
    found = Findings()
    if config.url and config.service is not None:
        found.both("spec.clientConfig.url", "spec.clientConfig.service")
    if config.service is not None and not config.service.namespace:
        found.missing("spec.clientConfig.service.namespace")
    if config.service is not None and not config.service.name:
        found.missing("spec.clientConfig.service.name")
    _raise(found)
    return new


# -- parts -------------------------------------------------------------------------------------------------


def _check_listener_trigger(found: Findings, path: str, trigger: EventListenerTrigger) -> None:
    if trigger.template is None and not trigger.trigger_ref:
        found.neither(at(path, "template"), at(path, "triggerRef"))
    others = (trigger.template, trigger.bindings, trigger.interceptors)
    if trigger.trigger_ref and any(one is not None for one in others):
        found.both(at(path, "template or bindings or interceptors"), at(path, "triggerRef"))
    _check_bindings(found, path, trigger.bindings or [])
    if trigger.template is not None:
        _check_template(found, path, trigger.template)
    _check_interceptors(found, path, trigger.interceptors or [])
    if len(trigger.name) > 63 or not _LABEL_VALUE.fullmatch(trigger.name):
        found.invalid(f"trigger name '{trigger.name}' must be a valid label value", at(path, "name"))


def _check_bindings(found: Findings, path: str, bindings: Sequence[BindingRef]) -> None:
    for index, one in enumerate(bindings):
        where = at(path, "bindings", index)
        if one.ref:
            if one.name:
                found.both(at(where, "Name"), at(where, "Ref"))
            elif one.kind not in ("TriggerBinding", "ClusterTriggerBinding"):
                found.invalid("invalid kind", at(where, "kind"))
        elif one.name:
            if one.value is None:
                found.missing(at(where, "Value"))
        else:
            found.neither(at(where, "Name"), at(where, "Ref"), at(where, "Spec"))


def _check_template(found: Findings, path: str, template: TemplateRef) -> None:
    if template.apiversion not in ("", "v1alpha1", "v1beta1"):
        found.invalid("invalid apiVersion", at(path, "template.apiVersion"))
    if template.spec is not None and template.ref is not None:
        found.both(at(path, "template.ref"), at(path, "template.spec"))
    elif template.spec is not None:
        _check_template_spec(found, path, template.spec)
    elif template.ref is None:
        found.neither(at(path, "template.ref"), at(path, "template.spec"))
    elif not template.ref:
        found.missing(at(path, "template.ref"))


def _check_template_spec(found: Findings, path: str, spec: TriggerTemplateSpec) -> None:
    if not spec.resourcetemplates:
        found.missing(at(path, "resourcetemplates"))
    declared = {param.name for param in spec.params}
    for index, template in enumerate(spec.resourcetemplates):
        where = at(path, "resourcetemplates", index)
        for field in ("apiVersion", "kind"):
            if not template.get(field):
                found.missing(at(where, field))
    for index, template in enumerate(spec.resourcetemplates):
        unknown = [n for n in _PARAM.findall(orjson.dumps(template).decode()) if n not in declared]
        if unknown:
            found.add(
                f"invalid value: undeclared param '$(tt.params.{unknown[0]})'",
                at(path, "resourcetemplates", index),
                details=f"'$(tt.params.{unknown[0]})' must be declared in spec.params",
            )
            return


def _check_interceptors(found: Findings, path: str, interceptors: Sequence[TriggerInterceptor]) -> None:
    for index, one in enumerate(interceptors):
        where = at(path, "interceptors", index)
        if one.webhook is not None:
            found.add(REFUSED["TriggerInterceptor.webhook"], at(where, "webhook"))
            continue
        if not one.ref.name:
            found.missing(at(where, "interceptor"))
        if one.ref.kind not in ("", "ClusterInterceptor", "NamespacedInterceptor"):
            found.invalid("invalid kind", at(where, "ref.kind"))
        if one.ref.name == "github" and one.ref.kind in ("", "ClusterInterceptor"):
            _check_github(found, where, one)


def _check_github(found: Findings, where: str, one: TriggerInterceptor) -> None:
    """Settings with which the interceptor calls GitHub's API."""
    for param in one.params:
        value: Any = param.value if isinstance(param.value, dict) else {}
        if param.name == "githubOwners" and value.get("enabled"):
            found.add(
                "the lab asks GitHub nothing: githubOwners works on a cluster only; set enabled: false",
                at(where, "params.githubOwners"),
            )
        if param.name == "addChangedFiles" and value.get("personalAccessToken"):
            found.add(
                "the lab asks GitHub nothing: addChangedFiles takes the files from push events, without a "
                "personalAccessToken",
                at(where, "params.addChangedFiles.personalAccessToken"),
            )


def _check_resource(found: Findings, wanted: KubernetesResource) -> None:
    path = "spec.resources.kubernetesResource"
    if wanted.replicas is not None and wanted.replicas < 0:
        found.invalid(wanted.replicas, at(path, "spec.replicas"))
    pod = ((wanted.spec or {}).get("template") or {}).get("spec") or {}
    containers = pod.get("containers") or []
    if len(containers) > 1:
        found.both(at(path, "spec.template.spec.containers"))
    for container in containers:
        if container.get("env"):
            found.add(
                "one program takes the events of all the lab's listeners: env (TLS) works on a cluster only",
                at(path, "spec.template.spec.containers[0].env"),
            )


def _closed(value: str) -> bool:
    """Whether every `$(` except the last is closed; the webhook does not check the last one either."""
    closed = True
    for piece in value.split("$(")[1:]:
        if not closed:
            return False
        depth, closed = 0, False
        for char in piece:
            depth += {"(": 1, ")": -1}.get(char, 0)
            if depth < 0:
                closed = True
                break
    return True


# -- defaults and decoding ---------------------------------------------------------------------------------


def _interceptor_lists(spec: Any) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(spec, dict):
        for name in ("triggers", "triggerGroups"):
            for one in _list(spec, name):
                if isinstance(one, dict):
                    yield one, "interceptors"


def _list(holder: Any, field: str) -> list[Any]:
    """A list of a manifest that is not decoded yet; empty for another value, which decoding refuses."""
    found = holder.get(field) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []


def _default_interceptors(holder: dict[str, Any], field: str) -> None:
    for one in _list(holder, field):
        ref = one.get("ref") if isinstance(one, dict) else None
        if isinstance(ref, dict) and ref.get("name"):
            ref.setdefault("kind", "ClusterInterceptor")


def _default_bindings(holder: Any) -> None:
    for one in _list(holder, "bindings"):
        if isinstance(one, dict) and one.get("ref"):
            one.setdefault("kind", "TriggerBinding")


def _decode(obj: Object, type_: type[T]) -> T:
    try:
        return msgspec.convert({key: value for key, value in obj.items() if key != "status"}, type_)
    except msgspec.ValidationError as e:
        unknown = _UNKNOWN.match(str(e))
        text = f'unknown field "{unknown.group(1)}"' if unknown else str(e)
        raise BadRequest(_WEBHOOK.format("", "mutation") + f"cannot decode incoming new object: json: {text}") from e


def _raise(found: Findings) -> None:
    if found:
        raise Denied(_WEBHOOK.format("validation.", "validation"), found)


RULES = {
    "clusterinterceptors.triggers.tekton.dev": admit_cluster_interceptor,
    "clustertriggerbindings.triggers.tekton.dev": admit_binding,
    "eventlisteners.triggers.tekton.dev": admit_listener,
    "interceptors.triggers.tekton.dev": admit_interceptor,
    "triggerbindings.triggers.tekton.dev": admit_binding,
    "triggers.triggers.tekton.dev": admit_trigger,
    "triggertemplates.triggers.tekton.dev": admit_template,
}
