"""Which stored objects a kind shows, and in which form.

Most kinds show the stored objects. A Project is OpenShift's view of a Namespace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from workshop.lab.api.discovery import PROJECT
from workshop.lab.kinds import Kind, Kinds, built_in
from workshop.lab.store import Record
from workshop.manifests.objects import Object


@dataclass(frozen=True)
class View:
    """A kind of the API, and the kind that is stored."""

    kind: Kind
    stored: Kind
    show: Callable[[Object], Object] | None = None

    def body(self, record: Record) -> bytes:
        """The object as JSON."""
        return record.body if self.show is None else orjson.dumps(self.show(record.object()))

    def object(self, record: Record) -> Object:
        """The object (a copy)."""
        return record.object() if self.show is None else self.show(record.object())

    def result(self, obj: Object) -> Object:
        """The response of a write."""
        return obj if self.show is None else self.show(obj)


def view(kinds: Kinds, group: str, version: str, plural: str) -> View | None:
    """The view at a REST path, or None."""
    if (group, version, plural) == (PROJECT.group, PROJECT.version, PROJECT.plural):
        return View(PROJECT, built_in("Namespace"), project)
    kind = kinds.at(group, version, plural)
    return View(kind, kind) if kind else None


def project(namespace: Object) -> Object:
    """A Namespace as OpenShift's Project."""
    return {**namespace, "apiVersion": PROJECT.api_version, "kind": PROJECT.kind}
