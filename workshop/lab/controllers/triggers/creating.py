"""Creates the objects of a template, by the same authorization and admission as a request to the API."""

from __future__ import annotations

from dataclasses import dataclass

from workshop.lab.admission.tekton.config import config_of
from workshop.lab.admission.unsupported_effects import warnings_for
from workshop.lab.api.creatable import obstacle
from workshop.lab.api.offline import admitted
from workshop.lab.api.views import view_of
from workshop.lab.controllers.triggers.templates import TemplateError
from workshop.lab.identity.users import User
from workshop.lab.kinds import Kind, built_in
from workshop.lab.rbac.attributes import Attributes
from workshop.lab.rbac.escalation import check_grants
from workshop.lab.rbac.policy import GROUP, Policy
from workshop.lab.store import Store
from workshop.manifests.objects import Object

PREFIX = "triggers.tekton.dev/"


def labels_of(listener: str, event_id: str, trigger: str, group: str) -> dict[str, str]:
    """Labels that identify the objects that an event created."""
    found = {"eventlistener": listener, "triggers-eventid": event_id, "trigger": trigger, "triggergroup": group}
    return {PREFIX + name: value for name, value in found.items() if value}


@dataclass(frozen=True)
class Sender:
    """The account that creates the objects. Without a policy it may create any."""

    user: User
    policy: Policy | None = None

    def check(self, kind: Kind, namespace: str) -> None:
        """Raise Forbidden unless the account may create an object of a kind."""
        if self.policy:
            self.policy.check(self.user, Attributes("create", kind.group, kind.plural, namespace))

    def check_grants(self, kind: Kind, obj: Object) -> None:
        """Raise Forbidden or NotFound if a Role or a binding grants rights that the account does not have."""
        if self.policy and kind.group == GROUP:
            check_grants(self.policy, self.user, obj, None)


def create(
    store: Store, obj: Object, namespace: str, labels: dict[str, str], sender: Sender
) -> tuple[Object, tuple[str, ...]]:
    """Create one object, in the trigger's namespace unless it names another. Returns it and the API's warnings.

    Raises TemplateError if it is not an object of a known kind, and ApiError as the API does.
    """
    if not isinstance(obj, dict) or not isinstance(obj.get("metadata") or {}, dict):
        raise TemplateError("a resource template is no object with metadata")
    view, problem = view_of(store.kinds, obj), obstacle(store.kinds, obj)
    if view is None or problem:
        raise TemplateError(problem)
    kind = view.stored
    meta = dict(obj.get("metadata") or {})
    meta["labels"] = {**(meta.get("labels") or {}), **labels}
    if kind.namespaced:
        meta["namespace"] = meta.get("namespace") or namespace
        store.record(built_in("Namespace"), "", meta["namespace"])
    sender.check(kind, meta["namespace"] if kind.namespaced else "")
    made = admitted(view, {**obj, "metadata": meta}, config_of(store))
    sender.check_grants(kind, made)
    return store.create(kind, made), warnings_for(kind)
