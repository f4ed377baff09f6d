"""The status of a Pod from the states of its containers, in the words of a kubelet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workshop.lab.kubelet.containers import Container
from workshop.lab.kubelet.pod import ContainerState, PodState
from workshop.lab.store import now
from workshop.manifests.objects import status_of

Status = dict[str, Any]
FINAL_PHASES = ("Succeeded", "Failed")
_ADDRESSES = {"hostIP": "127.0.0.1", "podIP": "127.0.0.1"}


def pod_status(state: PodState, started: str) -> Status:
    """The status of a Pod that runs to an end. `started` is the Pod's creationTimestamp."""
    containers = [_container_status(one) for one in (*state.steps, *state.sidecars)]
    if state.phase == "Running":
        _show_started(containers, started)
    status: Status = {
        "phase": state.phase,
        "startTime": started,
        **_ADDRESSES,
        "qosClass": "BestEffort",
        "conditions": _conditions(state.phase, started),
        "containerStatuses": containers,
    }
    if state.reason:
        status |= {"reason": state.reason, "message": state.message}
    return status


def serving_status(containers: Sequence[Container], started: str) -> Status:
    """The status of a Pod whose containers run until they are stopped."""
    ready = "True" if all(container.ready for container in containers) else "False"
    return {
        "phase": "Running" if any(container.handle is not None for container in containers) else "Pending",
        **_ADDRESSES,
        "startTime": started,
        "conditions": [{"type": type_, "status": ready} for type_ in ("ContainersReady", "Ready")],
        "containerStatuses": [_serving_container_status(container) for container in containers],
    }


def lost_status(pod: dict[str, Any], reason: str, message: str) -> Status:
    """The status of a Pod whose processes are gone. Finished containers keep their state; the others were killed."""
    status: Status = dict(status_of(pod))
    status |= {"phase": "Failed", "reason": reason, "message": message}
    status["conditions"] = _conditions("Failed", status.get("startTime") or now())
    if not status.get("containerStatuses"):
        # The Pod ended before its first report, though its first step may have started.
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


def _show_started(containers: list[Status], started: str) -> None:
    """Show all containers as running from the Pod's start: on a cluster steps wait for their turn in theirs.

    A step that waits is not `started`; a step that works is.
    """
    for one in containers:
        if (one["state"].get("waiting") or {}).get("reason") == "PodInitializing":
            one["state"] = {"running": {"startedAt": started}}
            one["ready"] = True


def _container_status(state: ContainerState) -> Status:
    if state.exit_code is not None:
        terminated: Status = {
            "containerID": state.container_id,
            "exitCode": state.exit_code,
            "finishedAt": state.finished_at,
            "reason": "Error" if state.exit_code else "Completed",
            "startedAt": state.started_at,
        }
        if state.message:
            terminated["message"] = state.message
        shown: Status = {"terminated": terminated}
    elif state.running:
        shown = {"running": {"startedAt": state.started_at}}
    else:
        shown = {"waiting": {"reason": state.waiting}}
    return {
        "containerID": state.container_id,
        "image": state.image,
        "imageID": state.image_id,
        "lastState": {},
        "name": state.name,
        "ready": state.running,
        "restartCount": 0,
        "started": state.running,
        "state": shown,
    }


def _serving_container_status(container: Container) -> Status:
    last: Status = {}
    if container.last_code is not None:
        reason = "Completed" if container.last_code == 0 else "Error"
        ended = {"exitCode": container.last_code, "reason": reason, "finishedAt": container.finished_at}
        last = {"lastState": {"terminated": ended}}
    if container.running:
        state: Status = {"running": {"startedAt": container.started_at}}
    else:
        waiting = container.waiting or "ContainerCreating"
        state = {"waiting": {"reason": waiting, "message": container.message}}
    return {
        "name": container.name,
        "image": container.image,
        "imageID": container.image,
        "ready": container.ready,
        "started": container.running,
        "restartCount": container.restarts,
        "state": state,
        **last,
    }


def _conditions(phase: str, started: str) -> list[Status]:
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
