"""The available results of a Pipeline, in the order of their declaration."""

from __future__ import annotations

from typing import Any

from workshop.lab.controllers.tekton.lookups import TaskLookup
from workshop.manifests.tekton import PipelineSpec
from workshop.manifests.tekton.graph import result_ref
from workshop.manifests.tekton.references import in_value, replaced_value


def pipeline_results(spec: PipelineSpec, tasks: TaskLookup) -> list[dict[str, Any]]:
    """The results of the Pipeline. A result that refers to a missing value is left out."""
    found = []
    for result in spec.results:
        refs = [ref for one in in_value(result.value) if (ref := result_ref(one))]
        if refs and all(tasks.has(ref) for ref in refs):
            found.append({"name": result.name, "value": replaced_value(result.value, tasks)})
    return found
