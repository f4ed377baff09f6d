"""The tasks of a PipelineRun with their runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from workshop.lab.controllers.tekton.names import index_of
from workshop.lab.records import Record
from workshop.manifests.objects import Object, condition, is_done, results_of, succeeded, truth
from workshop.manifests.tekton import PipelineSpec, PipelineTask

TIMED_OUT_MESSAGE = "TaskRun cancelled as the PipelineRun it belongs to has timed out."
CANCELLED_MESSAGE = "TaskRun cancelled as the PipelineRun it belongs to has been cancelled."
CANCELLED_REASONS = ("Cancelled", "TaskRunCancelled", "CustomRunCancelled", "RunCancelled")


@dataclass
class Node:
    """One task of the Pipeline; `children` are its TaskRuns, CustomRuns or PipelineRun, several for a matrix.

    The states are those of the runs that the node was built with. A run that starts later changes `started` and
    `references` alone.
    """

    task: PipelineTask
    final: bool
    needs: Sequence[str] = ()
    children: list[Object] = field(default_factory=list)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.task.name

    @property
    def started(self) -> bool:
        return bool(self.children)

    def start(self, child: Object) -> None:
        """Add a run that starts now."""
        self.children.append(child)
        self.__dict__.pop("references", None)

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

    @cached_property
    def references(self) -> list[dict[str, Any]]:
        """The entries of its runs in `status.childReferences`, without what the run's results may change."""
        return [
            {
                "apiVersion": child["apiVersion"],
                "kind": child["kind"],
                "name": child["metadata"]["name"],
                "pipelineTaskName": self.name,
            }
            for child in self.children
        ]


class Nodes(Sequence[Node]):
    """The nodes of a Pipeline: tasks first, then final ones.

    They stay from one reconcile to the next. `update` parses the runs that have changed, and makes their nodes again:
    the cost of a reconcile does not grow with what has ended.
    """

    def __init__(self, spec: PipelineSpec, needs: Mapping[str, Sequence[str]]) -> None:
        tasks = [Node(task, False, needs.get(task.name, ())) for task in spec.tasks]
        self._nodes = [*tasks, *(Node(task, True) for task in spec.final_tasks)]
        self._places = {node.name: place for place, node in enumerate(self._nodes)}
        self._runs: dict[str, tuple[Record, Object]] = {}

    def update(self, runs: Iterable[Record]) -> None:
        """Take over the runs of the tasks as the store has them."""
        before, self._runs = self._runs, {}
        changed = set()
        for record in runs:
            last = before.pop(record.uid, None)
            if last is None or last[0] is not record:
                changed.add(_task_of(record))
                last = record, record.object()
            self._runs[record.uid] = last
        changed |= {_task_of(record) for record, _ in before.values()}
        if not changed:
            return
        children: dict[str, list[Object]] = {name: [] for name in changed}
        for record, run in self._runs.values():
            if (name := _task_of(record)) in changed:
                children[name].append(run)
        for name in changed & self._places.keys():
            old, mine = self._nodes[self._places[name]], children[name]
            if old.task.matrix:
                mine.sort(key=lambda one: index_of(one["metadata"]["name"]))
            self._nodes[self._places[name]] = Node(old.task, old.final, old.needs, mine)

    def __getitem__(self, place: Any) -> Any:
        return self._nodes[place]

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes)


def _task_of(record: Record) -> str:
    return record.labels.get("tekton.dev/pipelineTask", "")


def dag(nodes: Sequence[Node]) -> Iterator[Node]:
    """The nodes before `finally`."""
    return (node for node in nodes if not node.final)


def _is_cancelled(child: Object) -> bool:
    return truth(child) == "False" and condition(child).get("reason") in CANCELLED_REASONS
