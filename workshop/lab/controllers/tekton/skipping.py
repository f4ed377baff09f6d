"""Which tasks of a PipelineRun are skipped, and for which reason.

The order of the checks is the controller's (`skip` in pipelinerunresolution.go): a stopping run skips a task before its
`when` is evaluated. A task whose `when` is false does not skip its dependents, unless they need its results. A task
that is skipped for any other reason does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from workshop.lab.controllers.tekton.errors import RunError
from workshop.lab.controllers.tekton.lookups import TaskLookup
from workshop.lab.controllers.tekton.matrix import is_empty
from workshop.lab.controllers.tekton.nodes import Node, dag
from workshop.manifests.tekton import Matrix, Param, PipelineTask, WhenExpression
from workshop.manifests.tekton.graph import result_refs
from workshop.manifests.tekton.references import Lookup, replaced, replaced_list, replaced_value

STOPPING = "PipelineRun was stopping"
CANCELLED = "PipelineRun was gracefully cancelled"
STOPPED = "PipelineRun was gracefully stopped"
WHEN = "When Expressions evaluated to false"
PARENT = "Parent Tasks were skipped"
RESULTS = "Results were missing"
TIMEOUT = "PipelineRun timeout has been reached"
TASKS_TIMEOUT = "PipelineRun Tasks timeout has been reached"
FINALLY_TIMEOUT = "PipelineRun Finally timeout has been reached"
EMPTY_MATRIX = "Matrix Parameters have an empty array"


@dataclass
class Facts:
    """The input of the decision: the state of the run as a whole."""

    nodes: Sequence[Node]
    spec_status: str = ""
    timed_out: bool = False
    tasks_timed_out: bool = False
    finally_timed_out: bool = False
    reasons: dict[str, str] = field(default_factory=dict)
    """The reason for each task that is skipped, filled by `decide`."""

    @property
    def stopping(self) -> bool:
        return any((n.failed and not n.ignored) or n.cancelled for n in dag(self.nodes))

    @property
    def dag_done(self) -> bool:
        """Whether every task before `finally` has ended or is skipped."""
        return all(n.done or (not n.started and n.name in self.reasons) for n in dag(self.nodes))


def decide(facts: Facts) -> None:
    """Fill in `facts.reasons`. Raises RunError when a task needs a result that a successful task did not write."""
    facts.reasons.clear()
    by_name = {node.name: node for node in facts.nodes}
    pending = [node for node in dag(facts.nodes) if not node.started]
    moved = True
    while moved:
        moved = False
        for node in pending:
            if node.name not in facts.reasons:
                reason = _dag_reason(node, facts, by_name)
                if reason:
                    facts.reasons[node.name] = reason
                    moved = True
    if not facts.dag_done:
        return
    for node in facts.nodes:
        if node.final and not node.started:
            reason = _final_reason(node, facts)
            if reason:
                facts.reasons[node.name] = reason


def ready(facts: Facts) -> list[Node]:
    """The tasks to start now."""
    by_name = {node.name: node for node in facts.nodes}
    if facts.dag_done:
        return [n for n in facts.nodes if n.final and not n.started and n.name not in facts.reasons]
    return [
        node
        for node in dag(facts.nodes)
        if not node.started and node.name not in facts.reasons and _parents_done(node, facts, by_name)
    ]


def resolved_when(task: PipelineTask, lookup: Lookup) -> list[WhenExpression]:
    """A task's `when` with its references replaced, as the status shows it."""
    return [
        WhenExpression(
            input=replaced(one.input, lookup), operator=one.operator, values=replaced_list(one.values, lookup)
        )
        for one in task.when
    ]


def holds(when: Sequence[WhenExpression]) -> bool:
    """Whether all expressions are true."""
    return all((one.input in one.values) == (one.operator == "in") for one in when)


def resolved_matrix(matrix: Matrix, lookup: Lookup) -> Matrix:
    """A matrix with its references replaced. A param or a result may be a whole list."""
    return Matrix(
        params=[Param(name=p.name, value=replaced_value(p.value, lookup)) for p in matrix.params],
        include=[
            type(one)(
                name=one.name,
                params=[Param(name=p.name, value=replaced_value(p.value, lookup)) for p in one.params],
            )
            for one in matrix.include
        ],
    )


def _parents_done(node: Node, facts: Facts, by_name: dict[str, Node]) -> bool:
    return all(by_name[name].completed or name in facts.reasons for name in node.needs)


def _dag_reason(node: Node, facts: Facts, by_name: dict[str, Node]) -> str:
    if facts.stopping:
        return STOPPING
    if facts.spec_status == "CancelledRunFinally":
        return CANCELLED
    if facts.spec_status == "StoppedRunFinally":
        return STOPPED
    done = _parents_done(node, facts, by_name)
    if done:
        lookup = TaskLookup(facts.nodes)
        if node.task.when and _when_is_known(node, lookup) and not holds(resolved_when(node.task, lookup)):
            return WHEN
    if any(facts.reasons.get(name, WHEN) != WHEN for name in node.needs):
        return PARENT
    if done and _results_are_missing(node, facts):
        return RESULTS
    if facts.timed_out:
        return TIMEOUT
    if facts.tasks_timed_out:
        return TASKS_TIMEOUT
    if done and node.task.matrix and is_empty(resolved_matrix(node.task.matrix, TaskLookup(facts.nodes))):
        return EMPTY_MATRIX
    return ""


def _final_reason(node: Node, facts: Facts) -> str:
    lookup = TaskLookup(facts.nodes, with_states=True)
    if any(not lookup.has(ref) for ref in result_refs(node.task)):
        return RESULTS
    if node.task.when and not holds(resolved_when(node.task, lookup)):
        return WHEN
    if facts.timed_out:
        return TIMEOUT
    if facts.finally_timed_out:
        return FINALLY_TIMEOUT
    if node.task.matrix and is_empty(resolved_matrix(node.task.matrix, lookup)):
        return EMPTY_MATRIX
    return ""


def _when_is_known(node: Node, lookup: TaskLookup) -> bool:
    """Whether the results that `when` uses exist. If not, the task is skipped."""
    of_when = {text for one in node.task.when for text in (one.input, *one.values)}
    used = [ref for ref in result_refs(node.task) if any(ref.reference.text in text for text in of_when)]
    return all(lookup.has(ref) for ref in used)


def _results_are_missing(node: Node, facts: Facts) -> bool:
    lookup = TaskLookup(facts.nodes)
    for ref in result_refs(node.task):
        if lookup.has(ref):
            continue
        maker = lookup.node(ref.task)
        if maker is not None and maker.successful:
            # The task that should have written the result is wrong, so the run fails.
            raise RunError(
                "InvalidTaskResultReference",
                f"Invalid task result reference: Could not find result with name {ref.result} for task {ref.task}",
            )
        return True
    return False
