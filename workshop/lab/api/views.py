"""Which stored objects a kind shows, and in which form.

Most kinds show the stored objects. A Project is OpenShift's view of a Namespace, the older versions of a
SeldonDeployment show it with their apiVersion, and Tekton's v1beta1 and Triggers' v1alpha1 are converted.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from workshop.lab.api.discovery import PROJECT, SHOWN
from workshop.lab.kinds import Kind, Kinds
from workshop.lab.records import Record
from workshop.manifests.objects import Object
from workshop.manifests.tekton.beta import to_v1, to_v1beta1
from workshop.manifests.triggers import alpha

BETA = "v1beta1"


@dataclass(frozen=True)
class View:
    """A kind of the API, and the kind that is stored."""

    kind: Kind
    stored: Kind

    @property
    def differs(self) -> bool:
        """Whether the objects are shown with another apiVersion and kind than they are stored with."""
        return self.kind is not self.stored

    def body(self, record: Record) -> bytes:
        """The object as JSON."""
        return orjson.dumps(self.object(record)) if self.differs else record.body

    def object(self, record: Record) -> Object:
        """The object (a copy)."""
        return self.result(record.object())

    def result(self, obj: Object) -> Object:
        """A stored object in the form of the kind."""
        return shown(to_v1beta1(obj) if self.kind.version == BETA else obj, self.kind) if self.differs else obj

    def taken(self, obj: Object) -> Object:
        """An object in the form of the kind, as it is stored."""
        return shown(alpha.to_v1beta1(to_v1(shown(obj, self.kind))), self.stored)


def view(kinds: Kinds, group: str, version: str, plural: str) -> View | None:
    """The view at a REST path, or None."""
    for kind, stored in SHOWN.items():
        if (group, version, plural) == (kind.group, kind.version, kind.plural):
            return View(kind, stored)
    found = kinds.at(group, version, plural)
    return View(found, found) if found else None


def view_of(kinds: Kinds, obj: Object) -> View | None:
    """The kind of a manifest and the one that is stored; None for a kind that is not served."""
    wanted = (obj.get("apiVersion"), obj.get("kind"))
    for kind, stored in SHOWN.items():
        if (kind.api_version, kind.kind) == wanted:
            return View(kind, stored)
    found = kinds.of(str(wanted[0]), str(wanted[1]))
    return View(found, found) if found else None


def project(namespace: Object) -> Object:
    """A Namespace as OpenShift's Project."""
    return shown(namespace, PROJECT)


def shown(obj: Object, kind: Kind) -> Object:
    """The object with the apiVersion and the kind of another kind."""
    return {**obj, "apiVersion": kind.api_version, "kind": kind.kind}
