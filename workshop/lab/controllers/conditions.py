"""Writes the condition Succeeded of a run: Unknown until the run has ended."""

from __future__ import annotations

from typing import Any

from workshop.lab.store import now
from workshop.manifests.objects import Truth, condition

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
