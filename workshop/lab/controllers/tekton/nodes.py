"""The tasks of a PipelineRun with their runs."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from workshop.lab.controllers.tekton.names import index_of
from workshop.manifests.objects import Object, condition, is_done, labels_of, results_of, succeeded, truth
from workshop.manifests.tekton import PipelineSpec, PipelineTask

TIMED_OUT_MESSAGE = "TaskRun cancelled as the PipelineRun it belongs to has timed out."
CANCELLED_MESSAGE = "TaskRun cancelled as the PipelineRun it belongs to has been cancelled."
CANCELLED_REASONS = ("Cancelled", "TaskRunCancelled", "CustomRunCancelled", "RunCancelled")


@dataclass
class Node:
    """One task of the Pipeline; `children` are its TaskRuns, CustomRuns or PipelineRun, several for a matrix.

    The states are those of the runs that the node was built with. A run that starts later changes `started` alone.
    """

    task: PipelineTask
    final: bool
    needs: list[str] = field(default_factory=list)
    children: list[Object] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.task.name

    @property
    def started(self) -> bool:
        return bool(self.children)

    @cached_property
    def done(self) -> bool:
        return self.started and all(is_done(child) for child in self.children)

    @cached_property
    def successful(self) -> bool:
        return self.started and all(succeeded(child) for child in self.children)

    @cached_property
    def cancelled(self) -> bool:
        """Cancelled by a user. A timeout of the PipelineRun counts as a failure."""
        return self.done and any(_is_cancelled(child) for child in self.children) and not self.timed_out

    @cached_property
    def timed_out(self) -> bool:
        return any(
            _is_cancelled(child) and child["spec"].get("statusMessage") == TIMED_OUT_MESSAGE for child in self.children
        )

    @cached_property
    def failed(self) -> bool:
        """Done and not successful, whether or not the Pipeline ignores the failure."""
        return self.done and not self.successful and not self.cancelled

    @property
    def ignored(self) -> bool:
        return self.failed and self.task.on_error == "continue"

    @property
    def completed(self) -> bool:
        """Done, and dependents may run."""
        return self.successful or self.ignored

    @property
    def reason(self) -> str:
        """The reason of its run, for `$(tasks.<task>.reason)`."""
        others = [child for child in self.children if condition(child) and not succeeded(child)]
        return next((str(condition(child).get("reason", "")) for child in [*others, *self.children]), "")

    @cached_property
    def results(self) -> dict[str, Any]:
        """The results of a task without a matrix; string results of a matrix as lists, in its order."""
        if self.task.matrix is None:
            return results_of(self.children[0]) if self.children else {}
        joined: dict[str, Any] = {}
        for child in self.children:
            for name, value in results_of(child).items():
                if isinstance(value, str):
                    joined.setdefault(name, []).append(value)
        return joined


def build(
    spec: PipelineSpec, needs: dict[str, list[str]], children: Sequence[Object], before: Sequence[Node] = ()
) -> list[Node]:
    """The nodes of a Pipeline, tasks first, then final ones.

    `before` are the nodes of the last time. One whose runs are the same objects is taken again, with the states that it
    has computed.
    """
    by_task: dict[str, list[Object]] = {}
    for child in children:
        name = labels_of(child).get("tekton.dev/pipelineTask", "")
        by_task.setdefault(name, []).append(child)
    last = {node.name: node for node in before}
    nodes = []
    for task, final in [*((task, False) for task in spec.tasks), *((task, True) for task in spec.final_tasks)]:
        mine = by_task.get(task.name, [])
        if task.matrix:
            mine.sort(key=lambda one: index_of(one["metadata"]["name"]))
        old = last.get(task.name)
        same = old is not None and len(mine) == len(old.children) and all(map(operator.is_, mine, old.children))
        nodes.append(old if old and same else Node(task, final, needs.get(task.name, []), mine))
    return nodes


def dag(nodes: Sequence[Node]) -> Iterator[Node]:
    """The nodes before `finally`."""
    return (node for node in nodes if not node.final)


def _is_cancelled(child: Object) -> bool:
    return truth(child) == "False" and condition(child).get("reason") in CANCELLED_REASONS
