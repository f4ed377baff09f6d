"""What Tekton's two webhooks do to `tekton.dev` objects: defaults first, then every rule, in their words.

Each `admit_*` takes the new object, on update the stored one, and the configuration of Tekton; it returns the object to
store. It raises BadRequest with all findings. On an update a spec that has not changed is not validated again, so that
a run which was accepted can always be labelled, cancelled or finished.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from workshop.lab.admission.tekton import names
from workshop.lab.admission.tekton.decode import decode, fold_case, without_nulls
from workshop.lab.admission.tekton.defaults import (
    default_custom_run,
    default_pipeline,
    default_pipeline_run,
    default_step_action,
    default_task,
    default_task_run,
)
from workshop.lab.admission.tekton.findings import Findings
from workshop.lab.admission.tekton.pipeline import check_pipeline, check_standing
from workshop.lab.admission.tekton.refused import check_refused
from workshop.lab.admission.tekton.runs import (
    check_custom_run,
    check_pipeline_run,
    check_task_run,
    check_update,
)
from workshop.lab.admission.tekton.task import check_step_action, check_task
from workshop.lab.admission.tekton.variables import check_declared
from workshop.manifests.objects import Object, status_of
from workshop.manifests.tekton import CustomRun, Pipeline, PipelineRun, StepAction, Task, TaskRun
from workshop.manifests.tekton.config import SHIPPED, Config


def _as_go_reads(obj: Object, type_: type) -> Object:
    """A copy without nulls, with the fields as the type spells them."""
    found = {**copy.deepcopy(obj), "spec": without_nulls(obj.get("spec"))}
    if found["spec"] is None:
        del found["spec"]
    fold_case(found, type_)
    return found


def _findings(obj: Object, config: Config) -> Findings:
    """The findings of an object, with that of its name. Source: pkg/apis/validate/metadata.go."""
    found = Findings(config)
    if len(obj["metadata"].get("name") or "") > names.LONGEST:
        text = f"Invalid resource name: length must be no more than {names.LONGEST} characters"
        found.add(text, "metadata.name")
    return found


def admit_task(new: Object, old: Object | None, config: Config = SHIPPED) -> Object:
    """A Task."""
    new = _as_go_reads(new, Task)
    default_task(new.setdefault("spec", {}), config.defaults)
    task = decode(new, Task)
    found = _findings(new, config)
    check_task(found, "spec", task.spec)
    check_declared(found, "spec", task.spec.steps, task.spec.params)
    check_refused(found, "spec", task.spec)
    found.raise_any()
    return new


def admit_step_action(new: Object, old: Object | None, config: Config = SHIPPED) -> Object:
    """A StepAction."""
    new = _as_go_reads(new, StepAction)
    default_step_action(new.setdefault("spec", {}))
    action = decode(new, StepAction)
    found = _findings(new, config)
    check_step_action(found, "spec", action.spec)
    check_refused(found, "spec", action.spec)
    found.raise_any()
    return new


def admit_pipeline(new: Object, old: Object | None, config: Config = SHIPPED) -> Object:
    """A Pipeline."""
    new = _as_go_reads(new, Pipeline)
    default_pipeline(new.setdefault("spec", {}), config.defaults)
    pipeline = decode(new, Pipeline)
    found = _findings(new, config)
    check_pipeline(found, "spec", pipeline.spec)
    check_standing(found, "spec", pipeline.spec)
    check_refused(found, "spec", pipeline.spec)
    found.raise_any()
    return new


def admit_task_run(new: Object, old: Object | None, config: Config = SHIPPED) -> Object:
    """A TaskRun."""
    new = _as_go_reads(new, TaskRun)
    default_task_run(new, config.defaults)
    run = decode(new, TaskRun)
    found = _findings(new, config)
    if old is None or old.get("spec") != new.get("spec"):
        check_task_run(found, "spec", run.spec)
        check_refused(found, "spec", run.spec)
        if old is not None:
            check_update(found, "TaskRun", new, old)
    found.raise_any()
    return new


def admit_pipeline_run(new: Object, old: Object | None, config: Config = SHIPPED) -> Object:
    """A PipelineRun."""
    new = _as_go_reads(new, PipelineRun)
    default_pipeline_run(new, config.defaults)
    run = decode(new, PipelineRun)
    found = _findings(new, config)
    if old is None or old.get("spec") != new.get("spec"):
        if old is not None and run.spec.status == "PipelineRunPending" and status_of(old).get("startTime"):
            found.invalid("PipelineRun cannot be Pending after it is started", "spec.status")
        check_pipeline_run(found, "spec", run.spec)
        check_refused(found, "spec", run.spec)
        if old is not None:
            check_update(found, "PipelineRun", new, old)
    found.raise_any()
    return new


def admit_custom_run(new: Object, old: Object | None, config: Config = SHIPPED) -> Object:
    """A CustomRun."""
    new = _as_go_reads(new, CustomRun)
    default_custom_run(new, config.defaults)
    run = decode(new, CustomRun)
    found = _findings(new, config)
    if old is None or old.get("spec") != new.get("spec"):
        check_custom_run(found, "spec", run.spec)
        check_refused(found, "spec", run.spec)
    found.raise_any()
    return new


Rule = Callable[[Object, Object | None, Config], Object]

RULES: dict[str, Rule] = {
    "customruns.tekton.dev": admit_custom_run,
    "pipelineruns.tekton.dev": admit_pipeline_run,
    "pipelines.tekton.dev": admit_pipeline,
    "stepactions.tekton.dev": admit_step_action,
    "taskruns.tekton.dev": admit_task_run,
    "tasks.tekton.dev": admit_task,
}
