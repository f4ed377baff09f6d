"""The steps that an object takes into the store, in the same order for a create, an update and an apply.

A write of the status subresource takes `STATUS_STEPS`: only its status is new.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workshop.lab.admission import admit, admit_status
from workshop.lab.admission.approval import check_answer
from workshop.lab.admission.tekton.config import config_of
from workshop.lab.admission.unsupported_effects import status_of, warnings_for
from workshop.lab.api import apply, crds, defaults, metadata, validation
from workshop.lab.api.context import Api
from workshop.lab.api.creatable import absent, template_warnings
from workshop.lab.api.image_warnings import image_warnings
from workshop.lab.api.pruning import prune_and_default, set_defaults
from workshop.lab.api.request import Target
from workshop.lab.api.views import View
from workshop.lab.api_errors import BadRequest
from workshop.lab.kinds import Kind, built_in
from workshop.lab.rbac.escalation import check_grants
from workshop.lab.rbac.policy import GROUP
from workshop.lab.scc.admitting import PodSecurity
from workshop.manifests.fitting import without_nulls
from workshop.manifests.objects import Object

_SERVER_METADATA = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "selfLink",
    "deletionTimestamp",
)


@dataclass
class Write:
    """One write. `old` is the stored object, None for a create. The steps change `obj` and add `warnings`.

    `applied` is true after a server-side apply, which has recorded its manager already.
    """

    api: Api
    view: View
    target: Target
    obj: Object
    old: Object | None = None
    applied: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        return self.view.stored

    @property
    def mode(self) -> str:
        """The request's fieldValidation: Strict, Warn or Ignore."""
        return self.target.query.get("fieldValidation") or "Warn"


def run(write: Write) -> tuple[Object, tuple[str, ...]]:
    """Take all steps. Returns the stored object and the warnings. Raises ApiError."""
    for step in STATUS_STEPS if write.target.subresource == "status" else STEPS:
        step(write)
    return write.obj, write.warnings


def refuse_absent(write: Write) -> None:
    """Refuse a kind of which the lab has no objects. Raises MethodNotAllowed."""
    if write.kind.absent:
        raise absent(write.kind)


def keep_identity(write: Write) -> None:
    """An update keeps apiVersion, kind and name. Raises BadRequest."""
    if write.old is None:
        return
    for key in ("apiVersion", "kind"):
        old, new = write.old.get(key), write.obj.get(key)
        if new != old:
            raise BadRequest(f"{key} of an object cannot be changed: it is {old}, not {new}")
    name = write.obj["metadata"].get("name")
    if name != write.target.name:
        raise BadRequest(f"the name of the object ({name}) does not match the name on the URL ({write.target.name})")


def locate(write: Write) -> None:
    """The namespace of the object is that of the URL, and exists. Raises BadRequest, NotFound."""
    set_namespace(write.kind, write.target, write.obj)
    if write.old is None and write.kind.namespaced:
        write.api.store.record(built_in("Namespace"), "", write.target.namespace)


def set_namespace(kind: Kind, target: Target, obj: Object) -> None:
    """Set the object's namespace to that of the URL. Raises BadRequest when the object names another."""
    if not kind.namespaced:
        obj["metadata"].pop("namespace", None)
        return
    given = obj["metadata"].setdefault("namespace", target.namespace) or target.namespace
    if given != target.namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    obj["metadata"]["namespace"] = given


def validate(write: Write) -> None:
    """Compare the object with its schema, then prune it. Raises BadRequest, Invalid."""
    kind = write.kind
    write.obj = set_defaults(kind, write.obj) if kind.is_custom else without_nulls(write.obj)
    write.warnings += validation.check(kind, write.obj, write.mode)
    if write.old is None:
        write.warnings += warnings_for(kind)
    write.obj = prune_and_default(kind, write.obj)


def set_status_aside(write: Write) -> None:
    """If status is a subresource, this write does not change it."""
    if "status" in write.kind.subresources:
        write.obj.pop("status", None)
        if write.old is not None and "status" in write.old:
            write.obj["status"] = write.old["status"]


def check_metadata(write: Write) -> None:
    """Remove server-set fields from a new object, and check labels and annotations. Raises Invalid."""
    if write.old is None:
        for key in _SERVER_METADATA:
            write.obj["metadata"].pop(key, None)
    metadata.check(write.kind, write.obj, write.old)


def admit_with_defaults(write: Write) -> None:
    """Set the defaults and apply the rules of the kind. Raises ApiError."""
    filled = defaults.fill(write.kind, write.obj, write.old)
    write.obj = admit(write.kind, filled, write.old, config_of(write.api.store))
    write.warnings += template_warnings(write.api.store.kinds, write.kind, write.obj)
    if write.old is None:
        write.warnings += image_warnings(write.api.lab, write.kind, write.obj)


def check_rights(write: Write) -> None:
    """A user grants rights that they have, answers for themselves, and creates Pods that a constraint allows.

    Raises BadRequest, Forbidden, NotFound.
    """
    if write.kind.group == GROUP:
        check_grants(write.api.policy, write.target.user, write.obj, write.old)
    if write.kind.resource == "pods" and write.old is None:
        write.obj = PodSecurity(write.api.policy).admitted(write.obj, write.target.user)
    if write.kind.plural == "approvaltasks" and write.old is not None:
        check_answer(write.target.user, write.obj, write.old)


def record_manager(write: Write) -> None:
    """Record in managedFields which manager set which fields."""
    if write.applied:
        return
    if write.old is None:
        write.obj["metadata"].pop("managedFields", None)
    schema = validation.schema_for(write.kind)
    apply.record(write.kind, write.old, write.obj, schema, manager=write.target.manager)


def check_definition(write: Write) -> None:
    """A CustomResourceDefinition must be valid for serving. Raises Invalid."""
    if _is_definition(write.kind):
        crds.check(write.obj)


def store(write: Write) -> None:
    """Store the object. Raises AlreadyExists, Conflict, Invalid, NotFound."""
    save = write.api.store.create if write.old is None else write.api.store.update
    write.obj = save(write.kind, write.obj, dry_run=write.target.dry_run)


def show_status(write: Write) -> None:
    """Write the status of an object that has no effect in the lab."""
    show_unsupported(write.api, write.kind, write.obj, write.target)


def show_unsupported(api: Api, kind: Kind, made: Object, target: Target) -> None:
    """Write the status of a stored object that has no effect in the lab, as a controller does after the request."""
    status = status_of(kind, made)
    if status and not target.dry_run and status != made.get("status"):
        api.store.update_status(kind, {**made, "status": status})


def serve_definition(write: Write) -> None:
    """Serve the kinds of a CustomResourceDefinition."""
    if _is_definition(write.kind) and not write.target.dry_run:
        write.obj = crds.serve(write.api, write.obj)


def validate_status(write: Write) -> None:
    """Compare the new status, and nothing else, with the schema. Raises BadRequest, Invalid."""
    kind, old = write.kind, write.old or {}
    found = {key: value for key, value in old.items() if key != "status"}
    found["metadata"] = {**old["metadata"], "resourceVersion": write.obj["metadata"].get("resourceVersion")}
    status = write.obj.get("status")
    if status is not None:
        found["status"] = without_nulls(status) if kind.schema is None else status
    found = set_defaults(kind, found)
    write.warnings += validation.check_status(kind, found, write.mode)
    write.obj = prune_and_default(kind, found)
    admit_status(kind, write.obj, config_of(write.api.store))


def store_status(write: Write) -> None:
    """Store the new status. Raises Conflict, NotFound."""
    stored = write.api.store.update_status(write.kind, write.obj, dry_run=write.target.dry_run)
    write.obj = stored.object()


STEPS: tuple[Callable[[Write], None], ...] = (
    refuse_absent,
    keep_identity,
    locate,
    validate,
    set_status_aside,
    check_metadata,
    admit_with_defaults,
    check_rights,
    record_manager,
    check_definition,
    store,
    show_status,
    serve_definition,
)
STATUS_STEPS: tuple[Callable[[Write], None], ...] = (keep_identity, locate, validate_status, store_status)


def _is_definition(kind: Kind) -> bool:
    return kind.plural == "customresourcedefinitions"
