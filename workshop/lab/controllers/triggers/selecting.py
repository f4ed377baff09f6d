"""The Triggers of an event: inline in the listener, by reference, or by a selector."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.meta import LabelSelector
from workshop.manifests.objects import Object
from workshop.manifests.triggers import (
    EventListenerSpec,
    EventListenerTrigger,
    NamespaceSelector,
    Trigger,
    TriggerInterceptor,
    TriggerSpec,
)

log = logging.getLogger(__name__)
T = TypeVar("T")


class NotDefined(ValueError):
    """A trigger of a listener is neither inline nor a reference."""


@dataclass(frozen=True)
class Target:
    """A trigger and the namespace in which it acts; `group` is the group through which the event came."""

    name: str
    namespace: str
    spec: TriggerSpec
    group: str = ""


def parse(obj: Object, type_: type[T]) -> T:
    """A stored object as its type. Raises msgspec.ValidationError."""
    return msgspec.convert({key: value for key, value in obj.items() if key != "status"}, type_)


def ungrouped(store: Store, namespace: str, spec: EventListenerSpec) -> list[Target]:
    """The triggers outside groups. A reference to a missing Trigger is logged and skipped.

    Raises NotDefined, and ValueError for a label selector that cannot be parsed.
    """
    found = selected(store, namespace, spec.namespace_selector, spec.label_selector)
    return found + [target for one in spec.triggers if (target := _target(store, namespace, one)) is not None]


def selected(
    store: Store, namespace: str, namespaces: NamespaceSelector, labels: LabelSelector | None, group: str = ""
) -> list[Target]:
    """The Triggers of selectors; without a namespace selector, those of the listener's namespace."""
    names = namespaces.match_names
    if not names and labels is None:
        return []
    kind = built_in("Trigger")
    everywhere = names == ["*"]
    found = []
    for record in store.records(kind):
        if not everywhere and record.namespace not in (names or [namespace]):
            continue
        if labels is None or labels.matches(record.labels):
            trigger = parse(record.object(), Trigger)
            found.append(Target(record.name, record.namespace, trigger.spec, group))
    return found


def _target(store: Store, namespace: str, one: EventListenerTrigger) -> Target | None:
    if one.template is None and one.trigger_ref:
        obj = store.find(built_in("Trigger"), namespace, one.trigger_ref)
        if obj is None:
            log.error("Error getting Trigger %s in Namespace %s: not found", one.trigger_ref, namespace)
            return None
        return Target(one.trigger_ref, namespace, parse(obj, Trigger).spec)
    if one.template is None:
        raise NotDefined("EventListenerTrigger not defined")
    interceptors: list[TriggerInterceptor] = one.interceptors or []
    return Target(
        one.name,
        namespace,
        TriggerSpec(
            template=one.template,
            bindings=one.bindings or [],
            interceptors=interceptors,
            service_account_name=one.service_account_name,
        ),
    )
