"""Shows the states and the logs of runs while they run, and cancels them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workshop import output
from workshop.cluster.runs import Progress, TaskState, progress
from workshop.errors import ManifestError, TimedOut, WorkshopError
from workshop.lab.admission import admit
from workshop.lab.admission.tekton.config import config_of
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object, condition, is_done, labels_of
from workshop.operations.runs import changes
from workshop.standalone.engine import Engine
from workshop.standalone.reader import StoreReader

POLL_SECONDS = 0.05
CANCEL_SECONDS = 10.0
"""Seconds that cancelled runs get to end."""
_CANCELLED = {"PipelineRun": "Cancelled", "TaskRun": "TaskRunCancelled"}


@dataclass
class Follower:
    """Follows some runs, and cancels them when one of `stops` is set; `quiet` prints nothing."""

    engine: Engine
    stops: Sequence[asyncio.Event]
    quiet: bool = False
    _shown: dict[str, str] = field(default_factory=dict)
    _read: dict[Path, int] = field(default_factory=dict)

    async def follow(self, runs: Sequence[Object], *, timeout: float) -> tuple[list[Progress], WorkshopError | None]:
        """Wait until every run is done, and why they were cancelled if the runs themselves are not to blame.

        That is TimedOut after `timeout` seconds, and ManifestError for a custom task, which needs another controller.
        A cancelled run gets CANCEL_SECONDS to end.
        """
        deadline, ends = time.monotonic() + timeout, float("inf")
        problem: WorkshopError | None = None
        list(self._logs())  # Those of an earlier run in a kept folder were shown then.
        while True:
            began = time.monotonic()
            found = [self._look(run) for run in runs]
            now = time.monotonic()
            if all(one.done for one in found) or now > ends:
                return found, problem
            if ends == float("inf"):
                problem = self._custom()
                if now > deadline:
                    problem = TimedOut(f"not done after {timeout:.0f} s", hint="--timeout SECONDS waits longer")
                if problem or any(one.is_set() for one in self.stops):
                    self._cancel(runs)
                    ends = now + CANCEL_SECONDS
            # The more tasks there are, the longer a look takes: at most a fifth of the time.
            await asyncio.sleep(max(POLL_SECONDS, 4 * (now - began)))

    def _look(self, run: Object) -> Progress:
        meta = run["metadata"]
        found = progress(StoreReader(self.engine), run["kind"], meta["namespace"], meta["name"])
        if not self.quiet:
            for line in changes(found, self._shown):
                output.note(line)
            for line in self._waiting(found):
                output.note(line)
            for line in self._logs():
                output.say(line)
        return found

    def _waiting(self, found: Progress) -> Iterator[str]:
        """Why a Pod waits, once: a ConfigMap, a Secret or a claim that does not exist."""
        alone = [TaskState(found.name, "running", reason=found.reason, task_run=found.name)]
        for task in found.tasks if found.kind == "PipelineRun" else alone:
            if task.state == "running" and task.reason == "Pending" and self._shown.get(task.task_run) != "Pending":
                self._shown[task.task_run] = "Pending"
                run = self.engine.store.find(built_in("TaskRun"), found.namespace, task.task_run)
                yield f"  {task.name}: waits: {condition(run or {}).get('message', '')}"

    def _cancel(self, runs: Sequence[Object]) -> None:
        store = self.engine.store
        for run in runs:
            kind, meta = built_in(run["kind"]), run["metadata"]
            current = store.get(kind, meta["namespace"], meta["name"])
            if not is_done(current):
                spec = {**current["spec"], "status": _CANCELLED[run["kind"]]}
                store.update(kind, admit(kind, {**current, "spec": spec}, current, config_of(store)))

    def _custom(self) -> ManifestError | None:
        for one in self.engine.store.objects(built_in("CustomRun")):
            ref = one["spec"].get("customRef") or one["spec"].get("customSpec") or {}
            if not is_done(one):
                return ManifestError(
                    f"{one['metadata']['name']} is a custom task of the kind {ref.get('kind')}; its controller does "
                    "not run here",
                    hint="remove apiVersion from the taskRef: with one, Tekton takes a Task for a custom task"
                    if ref.get("kind") == "Task"
                    else "start the lab, which has ApprovalTasks: workshop up, then workshop run FILE",
                )
        return None

    def _logs(self) -> Iterator[str]:
        """The new lines of all steps, each with its task and its step, as `tkn pipelinerun logs` prints them."""
        for pod in self.engine.store.objects(built_in("Pod")):
            meta, labels = pod["metadata"], labels_of(pod)
            task = labels.get("tekton.dev/pipelineTask") or labels.get("tekton.dev/taskRun", "")
            ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
            for container in pod["spec"]["containers"]:
                name = str(container["name"])
                if name.startswith("step-"):
                    path = self.engine.paths.container_log(meta["namespace"], meta["name"], name)
                    for line in self._new_lines(path, whole=ended):
                        yield f"[{task} : {name.removeprefix('step-')}] {line}"

    def _new_lines(self, path: Path, *, whole: bool) -> list[str]:
        """The lines that were not read yet; the last one without a line end only when `whole`."""
        try:
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                new = file.read()
        except OSError:
            return []
        if not whole:
            new = new[: new.rfind(b"\n") + 1]
        self._read[path] = self._read.get(path, 0) + len(new)
        return new.decode("utf-8", "replace").splitlines()
