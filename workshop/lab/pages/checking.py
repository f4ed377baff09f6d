"""The input of the modules' checks when the lab's own pages run them."""

from __future__ import annotations

from typing import Any

from anyio import from_thread

from workshop.checks import CheckContext
from workshop.lab import process_environment
from workshop.lab.endpoints import endpoints, variables
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.participant import clone_folder
from workshop.lab.store import Store
from workshop.manifests.objects import Object


def check_context(lab: Lab) -> CheckContext:
    """The participant's objects, values, clone and environment. Use it in a worker thread of the event loop."""
    known = endpoints(lab)
    return CheckContext(
        _Objects(lab.store),
        lab.participant.variables(variables(known, lab.components)),
        clone_folder(lab.paths),
        process_environment.participant(lab.paths, lab.participant, known, lab.components, lab.token),
    )


class _Objects:
    """The lab's store in the form of the cluster that checks read.

    Checks wait for HTTP in a separate thread. The event loop that owns the store reads it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """One object, or None."""
        found: Object | None = from_thread.run_sync(self._store.find, built_in(kind), namespace, name)
        return found

    def list(self, kind: str, namespace: str) -> list[dict[str, Any]]:
        """The objects of a kind in a namespace."""
        found: list[Object] = from_thread.run_sync(self._store.objects, built_in(kind), namespace)
        return found
