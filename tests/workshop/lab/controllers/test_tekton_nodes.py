"""What a reconcile of a PipelineRun parses of the runs of its tasks."""

from __future__ import annotations

from typing import Any

from workshop.lab.controllers.tekton.nodes import Nodes
from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.tekton import Matrix, PipelineSpec, PipelineTask

TASK_RUN = built_in("TaskRun")
ENDED = {"conditions": [{"type": "Succeeded", "status": "True"}]}


def run(name: str, task: str) -> dict[str, Any]:
    labels = {"tekton.dev/pipelineTask": task}
    owner = [{"kind": "PipelineRun", "name": "p", "uid": "u"}]
    return {"metadata": {"name": name, "namespace": "n", "labels": labels, "ownerReferences": owner}, "spec": {}}


def test_only_the_node_of_a_changed_run_is_made_again() -> None:
    tasks = [PipelineTask(name="a"), PipelineTask(name="b"), PipelineTask(name="m", matrix=Matrix())]
    store, nodes = Store(), Nodes(PipelineSpec(tasks=tasks, final_tasks=[PipelineTask(name="z")]), {"b": ["a"]})
    made = {name: store.create(TASK_RUN, run(name, name.split("-")[1])) for name in ("p-a", "p-b", "p-m-10", "p-m-2")}
    nodes.update(store.dependents("u"))
    first = list(nodes)
    assert [node.name for node in first] == ["a", "b", "m", "z"] and first[1].needs == ["a"] and first[3].final
    assert [child["metadata"]["name"] for child in first[2].children] == ["p-m-2", "p-m-10"]

    nodes.update(store.dependents("u"))
    assert all(old is new for old, new in zip(first, nodes, strict=True))
    store.update_status(TASK_RUN, {**made["p-b"], "status": ENDED})
    store.update_status(TASK_RUN, {**made["p-m-2"], "status": ENDED})
    nodes.update(store.dependents("u"))
    assert [old is new for old, new in zip(first, nodes, strict=True)] == [True, False, False, True]
    assert nodes[1].done and not nodes[2].done and nodes[2].children[1] is first[2].children[1]

    store.delete(TASK_RUN, "n", "p-b")
    nodes.update(store.dependents("u"))
    assert not nodes[1].started and nodes[0] is first[0]


def test_a_run_that_starts_is_among_the_references_at_once() -> None:
    # An ApprovalTask changes nothing more until a person answers, so no later reconcile would add it.
    store, nodes = Store(), Nodes(PipelineSpec(tasks=[PipelineTask(name="a")]), {})
    assert nodes[0].references == []
    nodes[0].start(store.create(TASK_RUN, run("p-a", "a")) | {"apiVersion": "tekton.dev/v1", "kind": "TaskRun"})
    assert [one["name"] for one in nodes[0].references] == ["p-a"]
