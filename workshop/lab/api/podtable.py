"""The columns of `oc get pods`, with the STATUS word as kubectl's printer computes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workshop.lab.kinds import Column
from workshop.manifests.ages import age
from workshop.manifests.objects import Object, status_of

POD_COLUMNS = (
    Column("Ready", "", "string"),
    Column("Status", "", "string"),
    Column("Restarts", "", "string"),
    Column("Age", "", "string"),
    Column("IP", "", "string", 1),
    Column("Node", "", "string", 1),
    Column("Nominated Node", "", "string", 1),
    Column("Readiness Gates", "", "string", 1),
)


def pod_cells(obj: Object, now: datetime) -> list[Any]:
    """Ready, Status, Restarts, Age, and the columns of `-o wide`."""
    spec, status = obj.get("spec") or {}, status_of(obj)
    statuses = status.get("containerStatuses") or []
    total = len(spec.get("containers") or [])
    ready = sum(1 for one in statuses if one.get("ready"))
    restarts = sum(one.get("restartCount") or 0 for one in statuses)
    return [
        f"{ready}/{total}",
        pod_status(obj),
        str(restarts),
        age(obj["metadata"].get("creationTimestamp"), now),
        status.get("podIP") or "<none>",
        spec.get("nodeName") or "<none>",
        "<none>",
        "<none>",
    ]


def pod_status(obj: Object) -> str:
    """One word for a Pod's state: Running, Completed, Error, Init:0/2, CrashLoopBackOff, Terminating ..."""
    status = status_of(obj)
    reason = status.get("reason") or status.get("phase") or "Unknown"
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    initializing = _initializing(obj)
    if initializing:
        return initializing
    running = False
    for one in reversed(status.get("containerStatuses") or []):
        state = one.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting")
        if waiting and waiting.get("reason"):
            reason = waiting["reason"]
        elif ended:
            reason = _ended(ended)
        elif one.get("ready") and state.get("running"):
            running = True
    if reason == "Completed" and running:
        return "Running" if _is_ready(status) else "NotReady"
    return str(reason)


def _initializing(obj: Object) -> str:
    statuses = status_of(obj).get("initContainerStatuses") or []
    total = len((obj.get("spec") or {}).get("initContainers") or [])
    for done, one in enumerate(statuses):
        state = one.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting")
        if ended and ended.get("exitCode") == 0:
            continue
        if ended:
            return f"Init:{_ended(ended)}"
        if waiting and waiting.get("reason") not in (None, "", "PodInitializing"):
            return f"Init:{waiting['reason']}"
        return f"Init:{done}/{total}"
    return ""


def _ended(terminated: Object) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _is_ready(status: Object) -> bool:
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or [])
