"""PipelineRuns as the checks read them."""

from __future__ import annotations

from workshop.checks.finding import CheckContext
from workshop.manifests.objects import Object, annotations_of, condition, labels_of, name_of, results_of

PIPELINE, RETRAIN = "train-and-stage", "retrain"
PROMOTE, EXPERIMENT = "promote", "experiment"
PRODUCTION_PIPELINES = (PROMOTE, EXPERIMENT, "rollback")
"""The Pipelines that run in production; all others run in dev."""
PUSHER = "mlops-workshop/pusher"
"""The annotation by which the trigger says who pushed; a run without it was started by hand."""


def pipeline(run: Object) -> str:
    """The name of the Pipeline that a PipelineRun runs."""
    return str(((run.get("spec") or {}).get("pipelineRef") or {}).get("name", ""))


def described(run: Object) -> str:
    """The run's name, with the reason and the message of its condition Succeeded."""
    found = condition(run)
    return f"{name_of(run)} is {found.get('reason', 'not started')}: {found.get('message', '')}".rstrip(": ")


def results(run: Object) -> dict[str, str]:
    """The results of a PipelineRun or a TaskRun by their names, without spaces around the values."""
    return {name: str(value).strip() for name, value in results_of(run).items()}


def param(run: Object, name: str) -> str:
    """A param that the run was given, or nothing."""
    return next((str(p.get("value")) for p in run["spec"].get("params") or [] if p["name"] == name), "")


def pushed_by(run: Object) -> str:
    """Who pushed what started the run, or nothing when no push did."""
    return str(annotations_of(run).get(PUSHER, ""))


def newest_first(context: CheckContext, which: str) -> list[Object]:
    """The runs of a Pipeline, the newest first."""
    where = context.namespace("production" if which in PRODUCTION_PIPELINES else "dev")
    found = [run for run in context.cluster.list("PipelineRun", where) if pipeline(run) == which]
    return sorted(found, key=lambda run: str(run["metadata"].get("creationTimestamp", "")), reverse=True)


def task_runs(context: CheckContext, run: Object) -> dict[str, Object]:
    """The TaskRuns of a run by the names of their tasks."""
    return {
        str(labels_of(one).get("tekton.dev/pipelineTask", "")): one
        for one in context.cluster.list("TaskRun", context.namespace("dev"))
        if labels_of(one).get("tekton.dev/pipelineRun") == name_of(run)
    }
