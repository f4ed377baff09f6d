"""Runs the triggers of an accepted event: interceptors, bindings, template, objects.

Processing is asynchronous: the sender already has its answer. Results go to the listener's log and to Events. An event
that a filter drops is only logged; an event with a bad signature is a Warning event. Neither contains a secret or a
body.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Sequence

import msgspec

from workshop.lab.api_errors import ApiError
from workshop.lab.controllers.events import Events
from workshop.lab.controllers.triggers.chain import passed
from workshop.lab.controllers.triggers.creating import Sender, create, labels_of
from workshop.lab.controllers.triggers.event import Event
from workshop.lab.controllers.triggers.interceptors import Stopped
from workshop.lab.controllers.triggers.logbook import Logbook
from workshop.lab.controllers.triggers.selecting import Target, parse, selected
from workshop.lab.controllers.triggers.templates import OLD_ESCAPE, filled
from workshop.lab.controllers.triggers.values import resolve
from workshop.lab.controllers.triggers.workload import service_account
from workshop.lab.identity.account_tokens import account_user
from workshop.lab.identity.users import User
from workshop.lab.kinds import Kind, built_in
from workshop.lab.rbac.policy import Policy
from workshop.lab.store import Store
from workshop.manifests.jsonpath import PathError
from workshop.manifests.objects import Object, annotations_of
from workshop.manifests.triggers import (
    BindingParam,
    BindingRef,
    ClusterTriggerBinding,
    TriggerBinding,
    TriggerGroup,
    TriggerTemplate,
    TriggerTemplateSpec,
)

SUCCESSFUL = "dev.tekton.event.triggers.successful.v1"
FAILED = "dev.tekton.event.triggers.failed.v1"
QUIET_SECONDS = 60.0
"""The same Warning of a listener is not repeated within this time, so that forged events cannot fill the store."""
MAX_REMEMBERED = 1000


class Dispatcher:
    """Runs triggers for the listeners of one store. `policy` decides what their accounts may create."""

    def __init__(self, store: Store, logbook: Logbook, policy: Policy | None = None) -> None:
        self._store, self._logbook, self._policy = store, logbook, policy
        self._events = Events(store, "triggers")
        self._warned_at: dict[tuple[str, str], float] = {}

    async def ungrouped(self, listener: Object, targets: Sequence[Target], event: Event) -> None:
        """Run triggers concurrently; a failure of one does not affect the others."""
        await asyncio.gather(*(self._trigger(listener, target, event) for target in targets))

    async def group(self, listener: Object, group: TriggerGroup, event: Event) -> None:
        """Send an event through a group's interceptors and to the Triggers that the group selects."""
        namespace = listener["metadata"]["namespace"]
        trigger_id = f"namespaces/{namespace}/triggerGroups/{group.name}"
        try:
            event = await passed(self._store, namespace, namespace, trigger_id, event, group.interceptors)
            selector = group.trigger_selector
            targets = selected(self._store, namespace, selector.namespace_selector, selector.label_selector, group.name)
        except Stopped as e:
            self._stopped(listener, group.name, event, e, group=True)
            return
        except Exception as e:
            self._failed(listener, group.name, event, e, group=True)
            return
        await self.ungrouped(listener, targets, event)

    async def _trigger(self, listener: Object, target: Target, event: Event) -> None:
        try:
            own = listener["metadata"]["namespace"]
            trigger_id = f"namespaces/{target.namespace}/triggers/{target.name}"
            event = await passed(self._store, target.namespace, own, trigger_id, event, target.spec.interceptors)
            made = self._create(listener, target, event)
        except Stopped as e:
            self._stopped(listener, target.name, event, e)
        except Exception as e:
            self._failed(listener, target.name, event, e)
        else:
            self._logbook.write(
                listener, logging.INFO, f"created {', '.join(made)}", event=event.id, trigger=target.name
            )
            message = f"event {event.id}: {_title(target.name)} created {', '.join(made)}"
            self._events.emit(listener, SUCCESSFUL, message)

    def _create(self, listener: Object, target: Target, event: Event) -> list[str]:
        template, old_escape = self._template(target)
        values = resolve(self._params(target), template.params, event.parts())
        labels = labels_of(listener["metadata"]["name"], event.id, target.name, target.group)
        sender = Sender(_account(listener, target), self._policy)
        made = []
        for obj in filled(template, values, str(uuid.uuid4()), old_escape=old_escape):
            created, warnings = create(self._store, obj, target.namespace, labels, sender)
            made.append(f"{created['kind']} {created['metadata']['name']}")
            for text in warnings:
                self._logbook.write(listener, logging.WARNING, text, event=event.id, trigger=target.name)
        return made

    def _template(self, target: Target) -> tuple[TriggerTemplateSpec, bool]:
        wanted = target.spec.template
        if wanted.spec is not None:
            return wanted.spec, False
        obj = self._get(built_in("TriggerTemplate"), target.namespace, wanted.ref or "")
        annotations = annotations_of(obj)
        return parse(obj, TriggerTemplate).spec, OLD_ESCAPE in annotations

    def _params(self, target: Target) -> list[BindingParam]:
        return [param for binding in target.spec.bindings for param in self._binding(target.namespace, binding)]

    def _binding(self, namespace: str, binding: BindingRef) -> list[BindingParam]:
        if not binding.ref:
            return [BindingParam(name=binding.name, value=binding.value or "")]
        if binding.kind == "ClusterTriggerBinding":
            found = self._get(built_in("ClusterTriggerBinding"), "", binding.ref)
            return parse(found, ClusterTriggerBinding).spec.params
        return parse(self._get(built_in("TriggerBinding"), namespace, binding.ref), TriggerBinding).spec.params

    def _get(self, kind: Kind, namespace: str, name: str) -> Object:
        obj = self._store.find(kind, namespace, name)
        if obj is None:
            place = f" in {namespace}" if namespace else ""
            raise LookupError(f"error getting {kind.kind} {name}{place}: not found; oc get {kind.plural} lists them")
        return obj

    def _stopped(self, listener: Object, name: str, event: Event, why: Stopped, *, group: bool = False) -> None:
        level = logging.WARNING if why.suspicious else logging.INFO
        message = f"interceptor stopped trigger processing: {why}"
        self._logbook.write(
            listener, level, message, event=event.id, trigger="" if group else name, group=name if group else ""
        )
        if why.suspicious or why.code == "Internal":
            self._warn(listener, f"{_title(name, group)}: {why.message}")

    def _failed(self, listener: Object, name: str, event: Event, why: Exception, *, group: bool = False) -> None:
        known = isinstance(why, ApiError | ValueError | LookupError | PathError | msgspec.ValidationError)
        message = str(why) if known else f"an error in the lab, {type(why).__name__}; see the supervisor's log"
        self._logbook.write(
            listener,
            logging.ERROR,
            message,
            event=event.id,
            trigger="" if group else name,
            group=name if group else "",
            exc_info=not known,
        )
        self._warn(listener, f"{_title(name, group)}: {message}")

    def _warn(self, listener: Object, text: str) -> None:
        """Record it as an Event of the listener. The log has every entry, with the event's id."""
        key, moment = (listener["metadata"]["uid"], text), time.monotonic()
        if moment - self._warned_at.get(key, -QUIET_SECONDS) < QUIET_SECONDS:
            return
        if len(self._warned_at) >= MAX_REMEMBERED:
            self._warned_at.clear()
        self._warned_at[key] = moment
        self._events.emit(listener, FAILED, text, warning=True)


def _title(name: str, group: bool = False) -> str:
    return f"{'group' if group else 'trigger'} {name or '(without a name)'}"


def _account(listener: Object, target: Target) -> User:
    """The account that creates the objects: the trigger's own, else that of the listener's Pod."""
    if target.spec.service_account_name:
        return account_user(target.namespace, target.spec.service_account_name)
    return account_user(listener["metadata"]["namespace"], service_account(listener) or "default")
