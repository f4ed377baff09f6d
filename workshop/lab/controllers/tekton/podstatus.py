"""The parts of a TaskRun's status that come from its Pod's status.

A TaskRun's state is derived only from the Pod in the store, so a supervisor that starts again continues where the last
one stopped.
"""

from __future__ import annotations

from collections.abc import Sequence

from workshop.lab.controllers.conditions import Status
from workshop.lab.entrypoint import results
from workshop.manifests.objects import Object, status_of


def step_statuses(pod: Object, names: list[str], *, ended: str = "") -> list[Status]:
    """The `steps` of a TaskRun's status. `ended` is the reason of a run that was cancelled or timed out."""
    found = []
    by_name = {one["name"]: one for one in status_of(pod).get("containerStatuses") or []}
    for index, name in enumerate(names):
        container = f"step-{name or f'unnamed-{index}'}"
        status = by_name.get(container)
        step: Status = {"container": container, "name": name or f"unnamed-{index}", "provenance": {}}
        if status:
            step["imageID"] = status.get("imageID", "")
            state = status.get("state") or {}
            if "running" in state and not status.get("started"):
                state = {"waiting": {"reason": "PodInitializing"}}
            step |= _step_state(state, ended)
        found.append(step)
    return found


def not_started(names: list[str], *, ended: str = "") -> list[Status]:
    """The `steps` of a TaskRun without a Pod. `ended` is the reason of a run that was cancelled or timed out."""
    found: list[Status] = []
    for index, name in enumerate(names):
        step: Status = {"name": name or f"unnamed-{index}", "provenance": {}}
        if ended:
            step |= {"terminated": {"exitCode": 1, "reason": ended}, "terminationReason": ended}
        found.append(step)
    return found


def sidecar_statuses(pod: Object) -> list[Status]:
    """The `sidecars` of a TaskRun's status."""
    found = []
    for status in status_of(pod).get("containerStatuses") or []:
        if status["name"].startswith("sidecar"):
            name = status["name"].removeprefix("sidecar").removeprefix("-")
            found.append(
                {
                    "container": status["name"],
                    "name": name,
                    "imageID": status.get("imageID", ""),
                    **status["state"],
                }
            )
    return found


Entries = Sequence[tuple[str, results.Entry]]
"""Results, each with its container's name."""


def entries(pod: Object) -> list[tuple[str, results.Entry]]:
    """All results in the Pod's termination messages, in order."""
    found = []
    for status in status_of(pod).get("containerStatuses") or []:
        message = ((status.get("state") or {}).get("terminated") or {}).get("message", "")
        found += [(status["name"], entry) for entry in results.parse(message)]
    return found


def _step_state(state: Status, ended: str) -> Status:
    if "terminated" not in state:
        return state
    terminated = dict(state["terminated"])
    shown, internal = results.split(terminated.pop("message", ""))
    code = int(internal.get("ExitCode", terminated["exitCode"]))
    terminated["exitCode"] = code
    if shown:
        terminated["message"] = shown
    if "StartedAt" in internal:
        terminated["startedAt"] = internal["StartedAt"].partition(".")[0] + "Z"
    reason = internal.get("Reason")
    if "ExitCode" in internal:
        reason = "Continued"
    elif ended:
        terminated |= {"exitCode": 1, "reason": ended}
        reason = ended
    return {"terminated": terminated, "terminationReason": reason or ("Error" if code else "Completed")}
