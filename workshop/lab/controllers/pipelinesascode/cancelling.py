"""Cancels PipelineRuns: older ones of the same file, those of a closed merge request, those that /cancel names."""

from __future__ import annotations

from workshop.lab.controllers.pipelinesascode import keys
from workshop.lab.controllers.pipelinesascode.event import PULL_REQUEST, Event
from workshop.lab.controllers.pipelinesascode.lookups import Lookups, annotation
from workshop.lab.controllers.pipelinesascode.variables import branch
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object, is_done

STATUS = "CancelledRunFinally"


def cancel(lookups: Lookups, repository: Object, event: Event, *, only_marked: bool = False) -> None:
    """Cancel the runs of a merge request: all, or the one that the event names.

    `only_marked`: those whose annotation cancel-in-progress is true, as when the merge request is closed.
    """
    marked = {keys.CANCEL_IN_PROGRESS: "true"} if only_marked else {}
    labels = {keys.URL_REPOSITORY: event.repository, keys.PULL_REQUEST: str(event.number), **marked}
    for run in lookups.runs(str(repository["metadata"]["namespace"]), labels):
        if event.pipeline in ("", annotation(run, keys.ORIGINAL).removesuffix("-")):
            _cancel(lookups, run)


def cancel_older(lookups: Lookups, repository: Object, event: Event, newest: Object) -> None:
    """Cancel the other runs of the same file and branch, if the annotation cancel-in-progress of `newest` is true.

    With a limit of concurrent runs nothing is cancelled, as Pipelines as Code does not support both.
    """
    limited = lookups.spec(repository).get("concurrency_limit")
    if annotation(newest, keys.CANCEL_IN_PROGRESS) != "true" or limited:
        return
    labels = {keys.URL_REPOSITORY: event.repository, keys.ORIGINAL: annotation(newest, keys.ORIGINAL)}
    if event.target == PULL_REQUEST:
        labels[keys.PULL_REQUEST] = str(event.number)
    for run in lookups.runs(str(newest["metadata"]["namespace"]), labels):
        is_same_branch = branch(annotation(run, keys.SOURCE_BRANCH)) == branch(event.head_branch)
        if is_same_branch and run["metadata"]["name"] != newest["metadata"]["name"]:
            _cancel(lookups, run)


def _cancel(lookups: Lookups, run: Object) -> None:
    stops = ("Cancelled", STATUS, "StoppedRunFinally")
    if not is_done(run) and run["spec"].get("status") not in stops:
        lookups.store.update(built_in("PipelineRun"), {**run, "spec": {**run["spec"], "status": STATUS}})
