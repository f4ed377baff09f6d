"""A run's progress and first failure, read from its objects."""

from __future__ import annotations

from dataclasses import dataclass

from workshop.cluster.client import ApiFailure
from workshop.cluster.runs import first_failure, progress
from workshop.manifests.objects import Object


@dataclass
class _Objects:
    found: list[Object]

    def get(self, kind: str, namespace: str | None, name: str) -> Object:
        for one in self.found:
            if (one["kind"], one["metadata"]["name"]) == (kind, name):
                return one
        raise ApiFailure(404, "NotFound", f"{kind} {name}")

    def list(self, kind: str, namespace: str | None = None, *, labels: dict[str, str] | None = None) -> list[Object]:
        wanted = (labels or {}).items()
        return [one for one in self.found if one["kind"] == kind and wanted <= one["metadata"]["labels"].items()]

    def logs(self, namespace: str | None, pod: str, container: str = "") -> str:
        return f"{pod} {container}\nit broke\n"


def _run(kind: str, name: str, parent: str = "", **status: object) -> Object:
    labels = {"tekton.dev/pipelineRun": parent} if parent else {}
    failed = [{"type": "Succeeded", "status": "False", "reason": "Failed", "message": f"{name} failed"}]
    meta = {"name": name, "namespace": "dev", "labels": labels}
    return {"kind": kind, "metadata": meta, "spec": {}, "status": {"conditions": failed, **status}}


def _pipeline_run(name: str, task: str, child: str, kind: str, parent: str = "") -> Object:
    return _run(
        "PipelineRun",
        name,
        parent,
        pipelineSpec={"tasks": [{"name": task}]},
        childReferences=[{"kind": kind, "name": child, "pipelineTaskName": task}],
    )


def test_the_failure_of_a_pipeline_in_a_pipeline_is_that_of_its_step() -> None:
    ended = {"name": "s", "container": "step-s", "terminated": {"exitCode": 1}, "terminationReason": "Error"}
    reader = _Objects(
        [
            _pipeline_run("outer", "nested", "inner", "PipelineRun"),
            _pipeline_run("inner", "work", "inner-work", "TaskRun", parent="outer"),
            _run("TaskRun", "inner-work", "inner", podName="pod", steps=[ended]),
        ]
    )
    found = progress(reader, "PipelineRun", "dev", "outer")
    assert [(task.name, task.state, task.kind, task.task_run) for task in found.tasks] == [
        ("nested", "failed", "PipelineRun", "inner")
    ]
    failure = first_failure(reader, found)
    assert failure is not None
    assert (failure.task_run, failure.reason, failure.log) == (
        "inner-work",
        "inner-work failed",
        ("pod step-s", "it broke"),
    )


def test_a_pipeline_in_a_pipeline_without_a_failed_task_has_its_own_message() -> None:
    inner = _run("PipelineRun", "inner", "outer")
    reader = _Objects([_pipeline_run("outer", "nested", "inner", "PipelineRun"), inner])
    failure = first_failure(reader, progress(reader, "PipelineRun", "dev", "outer"))
    assert failure is not None and (failure.task_run, failure.reason) == ("inner", "inner failed")
