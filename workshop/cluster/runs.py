"""The state of a PipelineRun, read from its objects: tasks in the pipeline's order, states, times, the first failure.

It works on any cluster, because it reads only what Tekton writes into PipelineRuns, TaskRuns and their Pods' logs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from workshop.cluster.client import ApiFailure
from workshop.manifests.objects import Object, condition, is_done, status_of, succeeded, truth


class Reader(Protocol):
    """What is read of a cluster; a Client does it."""

    def get(self, kind: str, namespace: str | None, name: str) -> Object:
        """One object. Raises ApiFailure."""
        ...

    def list(self, kind: str, namespace: str | None = None, *, labels: dict[str, str] | None = None) -> list[Object]:
        """The objects of a kind with these labels. Raises ApiFailure."""
        ...

    def logs(self, namespace: str | None, pod: str, container: str = "") -> str:
        """The log of a container. Raises ApiFailure."""
        ...


@dataclass(frozen=True)
class TaskState:
    """One task of a run. `state` is waiting, running, succeeded, failed, ignored or skipped; `seconds` is 0 if unknown.

    `kind` is that of its run: TaskRun, CustomRun, or PipelineRun for a Pipeline in the Pipeline. `custom` is the kind
    that a custom task waits for, such as ApprovalTask.
    """

    name: str
    state: str
    seconds: float = 0.0
    reason: str = ""
    task_run: str = ""
    custom: str = ""
    kind: str = "TaskRun"


@dataclass(frozen=True)
class Progress:
    """A whole run. `done` and `succeeded` say how it ended; `message` is Tekton's."""

    name: str
    namespace: str
    kind: str
    done: bool
    succeeded: bool
    reason: str
    message: str
    tasks: tuple[TaskState, ...]
    object: Object


@dataclass(frozen=True)
class Failure:
    """The step that failed first: its place, the reason, and the end of its log."""

    task_run: str
    pod: str
    container: str
    reason: str
    log: tuple[str, ...]


def progress(client: Reader, kind: str, namespace: str, name: str) -> Progress:
    """Read a PipelineRun or TaskRun and its children. Raises ApiFailure."""
    run = client.get(kind, namespace, name)
    found = condition(run)
    reason, message = str(found.get("reason", "")), str(found.get("message", ""))
    tasks: tuple[TaskState, ...] = ()
    if kind == "PipelineRun":
        nested = {"PipelineRun"} & {str(one.get("kind")) for one in _references(run)}
        children = {
            r["metadata"]["name"]: r
            for kind_ in ("TaskRun", "CustomRun", *nested)
            for r in client.list(kind_, namespace, labels={"tekton.dev/pipelineRun": name})
        }
        tasks = _tasks(run, children)
    return Progress(name, namespace, kind, is_done(run), succeeded(run), reason, message, tasks, run)


def first_failure(client: Reader, found: Progress, lines: int = 20) -> Failure | None:
    """The first TaskRun that failed, with the last lines of the failing step; None if no task failed."""
    if found.kind == "TaskRun":
        candidates = [found.object]
    else:
        failed = [t for t in found.tasks if t.state == "failed"]
        candidates = [client.get(t.kind, found.namespace, t.task_run) for t in failed]
    candidates.sort(key=lambda r: str(status_of(r).get("completionTime", "")))
    return failure_of(client, candidates[0], lines) if candidates else None


def failure_of(client: Reader, task_run: Object, lines: int = 20) -> Failure:
    """The failed step of a child of a PipelineRun, with the last lines of its log; without a step if none failed."""
    status, meta = status_of(task_run), task_run["metadata"]
    if task_run["kind"] == "PipelineRun":
        inner = first_failure(client, progress(client, "PipelineRun", meta["namespace"], meta["name"]), lines)
        if inner:
            return inner
    pod, message = str(status.get("podName", "")), str(condition(task_run).get("message", ""))
    for step in status.get("steps") or []:
        ended = step.get("terminated") or {}
        if ended.get("exitCode") not in (0, None) and step.get("terminationReason") != "Continued":
            container = str(step.get("container", ""))
            log = _tail(client, meta["namespace"], pod, container, lines)
            return Failure(meta["name"], pod, container, message, log)
    return Failure(meta["name"], pod, "", message, ())


def seconds_between(start: str | None, end: str | None) -> float:
    """Seconds between two Kubernetes times; until now without an end, 0 without a start."""
    if not start:
        return 0.0
    last = _time(end) if end else datetime.now(UTC)
    return max(0.0, (last - _time(start)).total_seconds())


def _tasks(run: Object, children: dict[str, Object]) -> tuple[TaskState, ...]:
    status = status_of(run)
    spec = status.get("pipelineSpec") or (run.get("spec") or {}).get("pipelineSpec") or {}
    skipped = {s["name"]: s.get("reason", "") for s in status.get("skippedTasks") or []}
    names: dict[str, list[str]] = {}
    kinds = {}
    for reference in _references(run):
        names.setdefault(str(reference.get("pipelineTaskName")), []).append(str(reference["name"]))
        kinds[str(reference["name"])] = str(reference.get("kind") or "TaskRun")
    found = []
    for task in [*(spec.get("tasks") or []), *(spec.get("finally") or [])]:
        name = str(task["name"])
        if name in names:
            varied = {str(p["name"]) for p in (task.get("matrix") or {}).get("params") or []}
            for child in names[name]:
                found.append(_state(name, children.get(child, {"metadata": {"name": child}}), varied, kinds[child]))
        elif name in skipped:
            found.append(TaskState(name, "skipped", reason=skipped[name]))
        else:
            found.append(TaskState(name, "waiting"))
    return tuple(found)


def _references(run: Object) -> list[Object]:
    """The references to the children of a PipelineRun."""
    return status_of(run).get("childReferences") or []


def _state(name: str, task_run: Object, varied: set[str], kind: str) -> TaskState:
    reason = str(condition(task_run).get("reason", ""))
    status = status_of(task_run)
    state = {"True": "succeeded", "False": "failed", "Unknown": "running"}[truth(task_run)]
    if reason == "FailureIgnored":
        state = "ignored"
    params = (task_run.get("spec") or {}).get("params") or []
    combination = [str(p.get("value")) for p in params if p.get("name") in varied]
    own = task_run["metadata"]["name"]
    shown = f"{name} ({', '.join(combination)})" if combination else name
    custom = str(((task_run.get("spec") or {}).get("customRef") or {}).get("kind", ""))
    took = seconds_between(status.get("startTime"), status.get("completionTime"))
    return TaskState(shown, state, took, reason, own, custom, kind)


def _tail(client: Reader, namespace: str, pod: str, container: str, lines: int) -> tuple[str, ...]:
    try:
        return tuple(client.logs(namespace, pod, container).splitlines()[-lines:])
    except ApiFailure:
        return ()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
