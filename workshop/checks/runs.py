"""PipelineRuns as the checks read them."""

from __future__ import annotations

from typing import Any

from workshop.checks.finding import CheckContext, Object

PIPELINE = "train-and-stage"
PROMOTE = "promote"
PUSHER = "mlops-workshop/pusher"
"""The annotation by which the trigger says who pushed; a run without it was started by hand."""


def pipeline(run: Object) -> str:
    """The name of the Pipeline that a PipelineRun runs."""
    return str(((run.get("spec") or {}).get("pipelineRef") or {}).get("name", ""))


def condition(run: Object) -> dict[str, Any]:
    """The condition Succeeded, empty before the run has begun."""
    conditions = (run.get("status") or {}).get("conditions") or []
    return next((dict(c) for c in conditions if c.get("type") == "Succeeded"), {})


def succeeded(run: Object) -> bool:
    """Whether the run has ended well."""
    return condition(run).get("status") == "True"


def results(run: Object) -> dict[str, str]:
    """The results of a PipelineRun or a TaskRun by their names."""
    return {str(r["name"]): str(r["value"]).strip() for r in (run.get("status") or {}).get("results") or []}


def param(run: Object, name: str) -> str:
    """A param that the run was given, or nothing."""
    return next((str(p.get("value")) for p in run["spec"].get("params") or [] if p["name"] == name), "")


def pushed_by(run: Object) -> str:
    """Who pushed what started the run, or nothing when no push did."""
    return str((run["metadata"].get("annotations") or {}).get(PUSHER, ""))


def named(run: Object) -> str:
    """The run's name."""
    return str(run["metadata"]["name"])


def newest_first(context: CheckContext, which: str) -> list[Object]:
    """The runs of a Pipeline, the newest first."""
    found = [run for run in context.cluster.list("PipelineRun", context.namespace("dev")) if pipeline(run) == which]
    return sorted(found, key=lambda run: str(run["metadata"].get("creationTimestamp", "")), reverse=True)


def task_runs(context: CheckContext, run: Object) -> dict[str, Object]:
    """The TaskRuns of a run by the names of their tasks."""
    return {
        str((one["metadata"].get("labels") or {}).get("tekton.dev/pipelineTask", "")): one
        for one in context.cluster.list("TaskRun", context.namespace("dev"))
        if (one["metadata"].get("labels") or {}).get("tekton.dev/pipelineRun") == named(run)
    }
