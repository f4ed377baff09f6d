"""ownerReferences are what a client wrote: a run that owns itself is no endless search."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.conformance.harness import lab
from workshop.lab.controllers.owners import owner_reference
from workshop.lab.kinds import built_in
from workshop.manifests.objects import condition

STEP = {"name": "s", "image": "bash", "script": "true"}


def test_a_run_that_owns_itself_runs_a_pipeline_in_its_pipeline(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as running:
            running.create({
                "apiVersion": "v1", "kind": "ConfigMap", "data": {"enable-api-fields": "alpha"},
                "metadata": {"name": "feature-flags", "namespace": "tekton-pipelines"},
            })  # fmt: skip
            running.create({
                "apiVersion": "tekton.dev/v1", "kind": "Pipeline", "metadata": {"name": "inner"},
                "spec": {"tasks": [{"name": "t", "taskSpec": {"steps": [STEP]}}]},
            })  # fmt: skip
            tasks = [{"name": "outer", "pipelineRef": {"name": "inner"}}]
            run = running.create({
                "apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": "a"},
                "spec": {"status": "PipelineRunPending", "pipelineSpec": {"tasks": tasks}},
            })  # fmt: skip
            run["metadata"]["ownerReferences"] = [owner_reference(run)]
            del run["spec"]["status"]
            running.store.update(built_in("PipelineRun"), run)
            assert condition(await running.done("PipelineRun", "a"))["status"] == "True"

    asyncio.run(asyncio.wait_for(scenario(), 30))
