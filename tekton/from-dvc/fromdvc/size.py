"""How large the objects are, and what a cluster accepts."""

from __future__ import annotations

import json
from collections.abc import Sequence

from fromdvc.errors import FromDvcError
from fromdvc.project import Project
from fromdvc.tasks import MOST_RESULTS
from fromdvc.tekton import Manifest

APPLIED = 262_144
"""Bytes of all annotations of an object; `oc apply` keeps the whole object in one."""
STORED = 1_572_864
"""Bytes of a request that etcd accepts with its defaults, `--max-request-bytes`."""
CHILD = 250
"""Bytes in the status of a PipelineRun for each task: its TaskRun's name, kind and version."""
RESULT = 1_000
"""Bytes in the status for each result of a stage, at most."""
RUN = 20_000
"""Bytes of a PipelineRun for all the rest."""


def notes(project: Project, objects: Sequence[Manifest]) -> list[str]:
    """What a person should do about the size of the objects. Raises FromDvcError when they are too large to run."""
    largest = max(objects, key=_bytes)
    size, stages = _bytes(largest), len(project.stages)
    results = sum(len(stage.results) for stage in project.stages)
    shown = results if results <= MOST_RESULTS else 0
    run = size + RUN + (stages * CHILD + shown * RESULT if largest["kind"] == "Pipeline" else 0)
    if run > STORED:
        raise FromDvcError(
            f"{project.folder}/dvc.yaml:1: {stages} stages make a run of {run:,} bytes, and etcd accepts {STORED:,}",
            hint="let one stage do more, for instance a part of the items of a foreach, or make several pipelines",
        )
    found = []
    if size > APPLIED:
        name = largest["metadata"].get("name", "")
        found.append(
            f"{largest['kind']} {name} has {size:,} bytes, and `oc apply` takes {APPLIED:,}: "
            "oc apply --server-side -f FILE"
            if largest["kind"] == "Pipeline"
            else f"the Workflow has {size:,} bytes: create it, `oc apply` takes {APPLIED:,}"
        )
    if shown < results:
        found.append(f"{results} results are too many for one run: each task shows the results of its stage")
    return found


def _bytes(manifest: Manifest) -> int:
    return len(json.dumps(manifest, separators=(",", ":"), ensure_ascii=False).encode())
