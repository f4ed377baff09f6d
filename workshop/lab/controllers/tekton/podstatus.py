"""Translates: what an engine reports into a Pod's status, and a Pod's status into a TaskRun's.

The Pod in the store is the only thing that a TaskRun's state is derived from, so a supervisor that starts
again goes on where the last one stopped.
"""

from __future__ import annotations

from typing import Any

from workshop.lab.controllers.conditions import Status
from workshop.lab.engines import results
from workshop.lab.engines.pod import ContainerState, PodState
from workshop.lab.kinds import Object
from workshop.lab.store import now

FINAL_PHASES = ("Succeeded", "Failed")


def pod_status(state: PodState, started: str) -> Status:
    """The status of a Pod from what the engine says."""
    containers = [_container_status(one) for one in (*state.steps, *state.sidecars)]
    if state.phase == "Running":
        _begin(containers, started)
    status: Status = {
        "phase": state.phase,
        "startTime": started,
        "hostIP": "127.0.0.1",
        "podIP": "127.0.0.1",
        "qosClass": "BestEffort",
        "conditions": _conditions(state.phase, started),
        "containerStatuses": containers,
    }
    if state.reason:
        status |= {"reason": state.reason, "message": state.message}
    return status


def _begin(containers: list[Status], started: str) -> None:
    """Show a Pod as a cluster does: all containers run from its start, and steps wait for their turn in theirs.

    A step that waits so is not `started`, which tells it from one at work.
    """
    for one in containers:
        if (one["state"].get("waiting") or {}).get("reason") == "PodInitializing":
            one["state"] = {"running": {"startedAt": started}}
            one["ready"] = True


def lost(pod: Object, reason: str, message: str) -> Status:
    """The status of a Pod whose processes are gone: what had finished stays, the rest was killed."""
    status: Status = dict(pod.get("status") or {})
    status |= {"phase": "Failed", "reason": reason, "message": message}
    status["conditions"] = _conditions("Failed", status.get("startTime") or now())
    if not status.get("containerStatuses"):
        # Ended before the engine has said anything of it, though its first step may have begun.
        status["containerStatuses"] = [
            {"name": one["name"], "image": one["image"], "imageID": "", "restartCount": 0, "state": {}}
            for one in pod["spec"]["containers"]
        ]
    for container in status["containerStatuses"]:
        state = container.get("state") or {}
        if "terminated" not in state:
            started = (state.get("running") or {}).get("startedAt") or now()
            container["state"] = {
                "terminated": {"exitCode": 137, "reason": "Error", "startedAt": started, "finishedAt": now()}
            }
            container["ready"] = container["started"] = False
    return status


def step_statuses(pod: Object, names: list[str], *, ended: str = "") -> list[Status]:
    """The `steps` of a TaskRun's status. `ended` is the reason of a run that was stopped from outside."""
    found = []
    by_name = {one["name"]: one for one in (pod.get("status") or {}).get("containerStatuses") or []}
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


def sidecar_statuses(pod: Object) -> list[Status]:
    """The `sidecars` of a TaskRun's status."""
    found = []
    for status in (pod.get("status") or {}).get("containerStatuses") or []:
        if status["name"].startswith("sidecar-"):
            name = status["name"].removeprefix("sidecar-")
            found.append(
                {
                    "container": status["name"],
                    "name": name,
                    "imageID": status.get("imageID", ""),
                    **status["state"],
                }
            )
    return found


def entries(pod: Object) -> list[tuple[str, results.Entry]]:
    """All results in the Pod's termination messages, each with its container's name, in order."""
    found = []
    for status in (pod.get("status") or {}).get("containerStatuses") or []:
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


def _container_status(state: ContainerState) -> dict[str, Any]:
    if state.exit_code is not None:
        terminated: dict[str, Any] = {
            "containerID": state.container_id,
            "exitCode": state.exit_code,
            "finishedAt": state.finished_at,
            "reason": "Error" if state.exit_code else "Completed",
            "startedAt": state.started_at,
        }
        if state.message:
            terminated["message"] = state.message
        where: dict[str, Any] = {"terminated": terminated}
    elif state.running:
        where = {"running": {"startedAt": state.started_at}}
    else:
        where = {"waiting": {"reason": state.waiting}}
    return {
        "containerID": state.container_id,
        "image": state.image,
        "imageID": state.image_id,
        "lastState": {},
        "name": state.name,
        "ready": state.running,
        "restartCount": 0,
        "started": state.running,
        "state": where,
    }


def _conditions(phase: str, started: str) -> list[dict[str, Any]]:
    done = phase in FINAL_PHASES
    ready = "True" if phase == "Running" else "False"
    found = []
    for kind, value in (
        ("Initialized", "True"),
        ("Ready", ready),
        ("ContainersReady", ready),
        ("PodScheduled", "True"),
    ):
        condition = {"type": kind, "status": value, "lastProbeTime": None, "lastTransitionTime": started}
        if done and kind != "PodScheduled":
            condition["reason"] = "PodCompleted" if phase == "Succeeded" else "PodFailed"
        found.append(condition)
    return found
