"""The status of a run: its condition Succeeded, which is Unknown until the run has ended."""

from __future__ import annotations

from typing import Any

from workshop.lab.kinds import Kind
from workshop.lab.store import Store, now
from workshop.manifests.objects import Object, Truth, condition

Status = dict[str, Any]


def set_condition(status: Status, value: Truth, reason: str, message: str) -> None:
    """Set the condition; lastTransitionTime changes only when the condition changes."""
    new: dict[str, Any] = {
        "lastTransitionTime": now(),
        "reason": reason,
        "status": value,
        "type": "Succeeded",
    }
    if message:
        new["message"] = message
    old = condition({"status": status})
    if old and all(old.get(key) == new.get(key) for key in ("reason", "status", "message")):
        return
    status["conditions"] = [new]


def save_status(store: Store, kind: Kind, run: Object) -> None:
    """Store the status and update the run's resourceVersion.

    Raises Conflict if the run changed meanwhile; the loop then reconciles again.
    """
    run["metadata"]["resourceVersion"] = str(store.update_status(kind, run).version)
