"""The runs of a PipelineRun's tasks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from workshop.lab.records import Record
from workshop.lab.store import Store
from workshop.manifests.objects import Object

CHILD_KINDS = ("TaskRun", "CustomRun", "PipelineRun")


def children(store: Store, run: Object) -> list[Object]:
    """The TaskRuns and CustomRuns of a PipelineRun, and the PipelineRuns of Pipelines in it."""
    # Store has a method `list`, which hides the type in its own annotations.
    records = cast("Iterable[Record]", store.dependents(run["metadata"].get("uid", "")))
    return [record.object() for record in records if record.kind.kind in CHILD_KINDS]
