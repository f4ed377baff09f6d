"""The available results of a Pipeline, in the order of their declaration."""

from __future__ import annotations

from typing import Any

from workshop.lab.controllers.tekton.lookups import TaskLookup
from workshop.manifests.tekton import PipelineSpec
from workshop.manifests.tekton.graph import ResultRef, result_ref
from workshop.manifests.tekton.references import in_value, replaced_value


def pipeline_results(spec: PipelineSpec, tasks: TaskLookup) -> tuple[list[dict[str, Any]], list[str]]:
    """The results of the Pipeline, and the names of those whose value should exist and does not.

    A result of a task that was skipped or has failed is left out. Source: ApplyTaskResultsToPipelineResults in
    pkg/reconciler/pipelinerun/resources/apply.go.
    """
    found, wrong = [], []
    for result in spec.results:
        refs = [ref for one in in_value(result.value) if (ref := result_ref(one))]
        missing = [ref for ref in refs if not tasks.has(ref)]
        wrong += [result.name for ref in missing if _should_exist(ref, tasks)]
        if refs and not missing:
            found.append({"name": result.name, "value": replaced_value(result.value, tasks)})
    return found, wrong


def _should_exist(ref: ResultRef, tasks: TaskLookup) -> bool:
    """Whether the task has succeeded, or has written the result without the item or key of the reference."""
    maker = tasks.node(ref.task)
    return maker is not None and maker.done and (maker.successful or ref.result in maker.results)
