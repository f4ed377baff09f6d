"""Starts a kept PipelineRun again at one of its tasks: what succeeded before it keeps its results and its volumes.

The run keeps its name and its uid, so that it finds its claims. The TaskRuns of the task, of everything that depends on
it, of what did not succeed and of `finally` are deleted. The controller then resolves the Pipeline of the files and
starts what has no TaskRun, as it does after a restart.
"""

from __future__ import annotations

from collections.abc import Iterator

from workshop.errors import UsageError
from workshop.lab.admission.tekton.config import config_of
from workshop.lab.admission.tekton.decode import decode
from workshop.lab.api_errors import ApiError
from workshop.lab.controllers.tekton.errors import RunError
from workshop.lab.controllers.tekton.resolve_pipeline import resolve_pipeline, typed_pipeline
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object, labels_of, succeeded
from workshop.manifests.tekton import PipelineRun, PipelineSpec
from workshop.manifests.tekton.graph import needs
from workshop.standalone.engine import Engine
from workshop.standalone.objects import discard

_HINT = "workshop run FILE --keep FOLDER, and after a failure again with --from TASK"


def rewind(engine: Engine, wanted: Object, task: str) -> tuple[Object, list[str]]:
    """The kept run of `wanted`, set back to before `task`, and the tasks that keep their results. Raises UsageError."""
    runs = built_in("PipelineRun")
    if wanted["kind"] != runs.kind:
        raise UsageError(f"--from {task}: a TaskRun has no tasks", hint=_HINT)
    kept = _kept(engine, wanted)
    spec = _pipeline(engine, {**kept, "spec": wanted["spec"]})
    tasks = [one.name for one in (*spec.tasks, *spec.final_tasks)]
    if task not in tasks:
        raise UsageError(f"--from {task}: the Pipeline has no such task", hint=f"its tasks: {', '.join(tasks)}")
    again = _dependents(spec, task) | {one.name for one in spec.final_tasks}
    stay = []
    for child in list(_children(engine, kept)):
        name = labels_of(child).get("tekton.dev/pipelineTask", "")
        if name in again or name not in tasks or not succeeded(child):
            discard(engine, child)
        else:
            stay.append(name)
    meta = kept["metadata"]
    stored = engine.store.update(runs, {**kept, "spec": wanted["spec"], "metadata": {**meta, "resourceVersion": ""}})
    return engine.store.update_status(runs, {**stored, "status": {}}).object(), [name for name in tasks if name in stay]


def _kept(engine: Engine, wanted: Object) -> Object:
    meta = wanted["metadata"]
    for one in reversed(engine.store.objects(built_in("PipelineRun"), meta["namespace"])):
        mine = one["metadata"]
        if mine["name"] == meta.get("name") or (
            meta.get("generateName") and mine.get("generateName") == meta["generateName"]
        ):
            return one
    name = meta.get("name") or meta.get("generateName")
    raise UsageError(f"{engine.paths.root} has no earlier run of {name}", hint=_HINT)


def _pipeline(engine: Engine, run: Object) -> PipelineSpec:
    try:
        return typed_pipeline(
            resolve_pipeline(engine.store, run, decode(run, PipelineRun).spec, config_of(engine.store).flags).raw
        )
    except (ApiError, RunError) as e:
        raise UsageError(f"the run cannot start: {e}", hint="mend the files, and run the command again") from e


def _dependents(spec: PipelineSpec, task: str) -> set[str]:
    """A task with all that need it."""
    found = {task}
    while more := {one.name for one in spec.tasks if one.name not in found and found & set(needs(one))}:
        found |= more
    return found


def _children(engine: Engine, run: Object) -> Iterator[Object]:
    for record in engine.store.dependents(run["metadata"]["uid"]):
        if record.kind.kind in ("TaskRun", "CustomRun", "PipelineRun"):
            yield record.object()
