"""A TaskRun on its own page and on a run's page: attempts, steps, params, results.

Earlier attempts of a retried TaskRun are in `status.retriesStatus`, each with its own Pod and logs; the last attempt is
the status itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workshop.lab.pages.runs.logs import error_line
from workshop.lab.pages.runs.states import WAITING, State, is_failure, run_state, step_state
from workshop.lab.pages.times import NEVER, Span
from workshop.lab.paths import LabPaths as Lab
from workshop.manifests.objects import Object, status_of

Declared = Sequence[Mapping[str, Any]] | None


@dataclass(frozen=True)
class Value:
    """A param or a result; `default` if the value is the declared default."""

    name: str
    value: str
    default: bool = False


@dataclass(frozen=True)
class Step:
    """One step or sidecar of one attempt. `log` is the URL of its log; empty before the log exists."""

    name: str
    container: str
    pod: str
    state: State
    span: Span
    log: str = ""
    results: tuple[Value, ...] = ()
    image: str = ""
    script: str = ""
    sidecar: bool = False
    failed: bool = False

    @property
    def id(self) -> str:
        """The id of a step on the page. It is unique, because every attempt has its own Pod."""
        return f"{self.pod}.{self.container}"


@dataclass(frozen=True)
class Attempt:
    """One attempt of a TaskRun, counted from 1. `error` is the line of the failing step's log that says why."""

    number: int
    state: State
    span: Span
    steps: tuple[Step, ...]
    error: str = ""

    @property
    def failing(self) -> Step | None:
        """The step that failed, or None."""
        return next((step for step in self.steps if step.failed), None)


@dataclass(frozen=True)
class Task:
    """One TaskRun."""

    name: str
    namespace: str
    of: str
    state: State
    span: Span
    attempts: tuple[Attempt, ...]
    tries: int
    params: tuple[Value, ...]
    results: tuple[Value, ...]
    workspaces: tuple[Value, ...] = ()

    @property
    def now(self) -> Attempt:
        """The last attempt."""
        return self.attempts[-1]

    @property
    def step(self) -> Step | None:
        """The step to show first: the one that failed, else the one that runs, else the last that ran."""
        ran = [step for step in self.now.steps if step.log and not step.sidecar]
        running = next((step for step in ran if step.state.mark == "run"), None)
        return self.now.failing or running or (ran[-1] if ran else None)


def task(lab: Lab, obj: Object) -> Task:
    """A TaskRun with its attempts."""
    meta, spec, status = obj["metadata"], obj.get("spec") or {}, status_of(obj)
    task_spec = status.get("taskSpec") or spec.get("taskSpec") or {}
    namespace = str(meta.get("namespace") or "")
    before = list(status.get("retriesStatus") or [])
    attempts = []
    for number, one in enumerate([*before, status], 1):
        attempts.append(_attempt(lab, namespace, number, one, one.get("taskSpec") or task_spec))
    first = attempts[0].span.start
    named = (spec.get("taskRef") or {}).get("name")
    return Task(
        name=str(meta["name"]),
        namespace=namespace,
        of=str(named or "written in place"),
        state=run_state(obj),
        span=Span(first, attempts[-1].span.end),
        attempts=tuple(attempts),
        tries=int(spec.get("retries") or 0) + 1,
        params=values(spec.get("params"), task_spec.get("params")),
        results=values(status.get("results")),
        workspaces=tuple(Value(str(w.get("name")), binding(w)) for w in spec.get("workspaces") or []),
    )


def failure(lab: Lab, obj: Object) -> str:
    """Why a TaskRun failed: a line of its failing step's log, else Tekton's message."""
    status, meta = status_of(obj), obj["metadata"]
    pod = str(status.get("podName") or "")
    for step in status.get("steps") or []:
        if is_failure(step) and pod:
            found = error_line(lab.container_log(str(meta.get("namespace")), pod, str(step.get("container"))))
            if found:
                return found
    return run_state(obj).message


def values(given: Declared, declared: Declared = None) -> tuple[Value, ...]:
    """Params or results as text, then the defaults of declared ones without a value."""
    found = [Value(str(one.get("name")), as_text(one.get("value"))) for one in given or []]
    names = {one.name for one in found}
    for one in declared or []:
        if one.get("default") is not None and one.get("name") not in names:
            found.append(Value(str(one["name"]), as_text(one["default"]), default=True))
    return tuple(found)


def as_text(value: object) -> str:
    """A param's value: a string unchanged, a list or an object as JSON."""
    return value.strip() if isinstance(value, str) else json.dumps(value)


def binding(workspace: Mapping[str, Any]) -> str:
    """The binding of a workspace, in one line."""
    for kind, name in (("persistentVolumeClaim", "claimName"), ("configMap", "name"), ("secret", "secretName")):
        if workspace.get(kind):
            path = f"/{workspace['subPath']}" if workspace.get("subPath") else ""
            return f"{kind} {workspace[kind].get(name, '')}{path}"
    return next((key for key in workspace if key not in ("name", "subPath")), "")


def _attempt(lab: Lab, namespace: str, number: int, status: Mapping[str, Any], task_spec: Mapping[str, Any]) -> Attempt:
    pod = str(status.get("podName") or "")
    declared: dict[str, Mapping[str, Any]] = {}
    for index, one in enumerate(task_spec.get("steps") or []):
        declared[str(one.get("name") or f"unnamed-{index}")] = one
    steps = [_step(namespace, pod, one, declared) for one in status.get("steps") or []]
    sidecars = {str(one.get("name")): one for one in task_spec.get("sidecars") or []}
    steps += [_step(namespace, pod, one, sidecars, sidecar=True) for one in status.get("sidecars") or []]
    if not steps:
        steps = [
            Step(name, f"step-{name}", pod, WAITING, NEVER, image=_image(one), script=_script(one))
            for name, one in declared.items()
        ]
    state = run_state({"status": dict(status)})
    failing = next((step for step in steps if step.failed), None)
    error = error_line(lab.container_log(namespace, pod, failing.container)) if failing and pod else ""
    return Attempt(number, state, Span.of(status.get("startTime"), status.get("completionTime")), tuple(steps), error)


def _step(
    namespace: str, pod: str, status: Mapping[str, Any], declared: Mapping[str, Mapping[str, Any]], *,
    sidecar: bool = False,
) -> Step:  # fmt: skip
    name, container = str(status.get("name") or ""), str(status.get("container") or "")
    state = step_state(status)
    running, ended = status.get("running") or {}, status.get("terminated") or {}
    has_log = bool(pod) and bool(running or ended) and state.word != "Skipped"
    return Step(
        name=name,
        container=container,
        pod=pod,
        state=state,
        span=Span.of(ended.get("startedAt") or running.get("startedAt"), ended.get("finishedAt")),
        log=f"/logs/{namespace}/{pod}/{container}" if has_log else "",
        results=values(status.get("results")),
        sidecar=sidecar,
        failed=is_failure(status) and not sidecar,
        image=_image(declared.get(name) or {}),
        script=_script(declared.get(name) or {}),
    )


def _image(declared: Mapping[str, Any]) -> str:
    return str(declared.get("image") or "")


def _script(declared: Mapping[str, Any]) -> str:
    """The script of a step, or its command with its args."""
    script = str(declared.get("script") or "").strip()
    words = [*(declared.get("command") or []), *(declared.get("args") or [])]
    return script or " ".join(str(word) for word in words)
