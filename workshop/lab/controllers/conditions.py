"""The condition Succeeded of a run: Unknown until the run has ended."""

from __future__ import annotations

from typing import Any, Literal

from workshop.lab.kinds import Object
from workshop.lab.store import now

Truth = Literal["True", "False", "Unknown"]
Status = dict[str, Any]


def succeeded(obj: Object) -> dict[str, Any] | None:
    """The Succeeded condition of a run, or None if it has none yet."""
    for condition in (obj.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "Succeeded":
            return dict(condition)
    return None


def truth(obj: Object) -> Truth:
    """Whether a run succeeded; Unknown while it runs."""
    condition = succeeded(obj)
    value = condition.get("status") if condition else None
    return "True" if value == "True" else "False" if value == "False" else "Unknown"


def is_done(obj: Object) -> bool:
    """Whether a run has ended, successfully or not."""
    return truth(obj) != "Unknown"


def set_condition(status: Status, value: Truth, reason: str, message: str) -> None:
    """Set the condition; lastTransitionTime changes only when the condition changes."""
    condition: dict[str, Any] = {
        "lastTransitionTime": now(),
        "reason": reason,
        "status": value,
        "type": "Succeeded",
    }
    if message:
        condition["message"] = message
    old = succeeded({"status": status})
    if old and all(old.get(key) == condition.get(key) for key in ("reason", "status", "message")):
        return
    status["conditions"] = [condition]
