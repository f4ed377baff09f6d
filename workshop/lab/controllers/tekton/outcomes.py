"""The end of a TaskRun's attempt: the last state of its Pod as a reason and a message."""

from __future__ import annotations

from dataclasses import dataclass

from workshop.lab.controllers.conditions import Status
from workshop.lab.entrypoint import results
from workshop.manifests.objects import Object, status_of

SUCCESS = "All Steps have completed executing"
RUNNING = "Not all Steps in the Task have finished executing"
LOST = "Evicted"
LOST_MESSAGE = "the lab was stopped while this Pod ran; its processes are gone"

NO_IMAGE = ("ErrImagePull", "ErrImageNeverPull", "InvalidImageName")
"""The kubelet's reasons for a container without its image. A real one shows ImagePullBackOff soon after the first."""


@dataclass(frozen=True)
class Outcome:
    """The end of an attempt."""

    ok: bool
    reason: str
    message: str


def outcome(run_name: str, pod: Object) -> Outcome:
    """The outcome of a Pod in its final phase."""
    status = status_of(pod)
    if status.get("phase") == "Succeeded":
        return Outcome(True, "Succeeded", SUCCESS)
    reason, message = status.get("reason", ""), status.get("message", "")
    if reason in NO_IMAGE:
        container = _waiting(status, reason)
        return Outcome(
            False,
            "TaskRunImagePullFailed",
            f'The step "{container.get("name", "").removeprefix("step-")}" in TaskRun "{run_name}" '
            f'failed to pull the image "{container.get("image", "")}". '
            f'The pod errored with the message: "{message}."',
        )
    if reason == "CreateContainerConfigError":
        return Outcome(False, reason, f"Failed to create pod due to config error: {message}")
    if reason == LOST:
        return Outcome(False, "PodEvicted", f'The Pod "{pod["metadata"]["name"]}" was evicted: {message}')
    if reason:
        name = pod["metadata"]["name"]
        return Outcome(False, "PodCreationFailed", f'failed to create task run pod "{name}": {message}')
    return _step_failure(status)


def _step_failure(status: Status) -> Outcome:
    """The first step that failed itself; later steps were skipped."""
    for container in status.get("containerStatuses") or []:
        terminated = (container.get("state") or {}).get("terminated") or {}
        if not container["name"].startswith("step-") or not terminated.get("exitCode"):
            continue
        _, internal = results.split(terminated.get("message", ""))
        if internal.get("Reason") == "Skipped":
            continue
        if internal.get("Reason") == "TimeoutExceeded":
            text = f'"{container["name"]}" exited because the step exceeded the specified timeout limit'
        else:
            text = f'"{container["name"]}" exited with code {terminated["exitCode"]}: Error'
        if "Error" in internal:
            text += f"; {internal['Error']}"
        return Outcome(False, "StepFailed", text)
    return Outcome(False, "Failed", "the Pod failed without a message of a step; see its logs")


def _waiting(status: Status, reason: str) -> Status:
    for container in status.get("containerStatuses") or []:
        if ((container.get("state") or {}).get("waiting") or {}).get("reason") == reason:
            return dict(container)
    return {}
