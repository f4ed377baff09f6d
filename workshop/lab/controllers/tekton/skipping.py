"""Which tasks of a PipelineRun are skipped, and for which reason.

The order of the checks is the controller's (`skip` in pipelinerunresolution.go): a stopping run skips a task before its
`when` is evaluated. A task whose `when` is false does not skip its dependents, unless they need its results. A task
that is skipped for any other reason does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from workshop.lab.controllers.tekton.errors import user_error
from workshop.lab.controllers.tekton.lookups import TaskLookup
from workshop.lab.controllers.tekton.matrix import is_empty
from workshop.lab.controllers.tekton.nodes import Node, dag
from workshop.manifests.tekton import Matrix, Param
from workshop.manifests.tekton.graph import result_refs
from workshop.manifests.tekton.references import Lookup, replaced_value
from workshop.manifests.tekton.when import holds, resolved

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
    name: str = ""
    namespace: str = ""
    """Of the PipelineRun, for messages."""
    spec_status: str = ""
    timed_out: bool = False
    tasks_timed_out: bool = False
    tasks_limit: str = ""
    """The timeout of the tasks, once it has passed."""
    finally_timed_out: bool = False
    reasons: dict[str, str] = field(default_factory=dict)
    """The reason for each task that is skipped, filled by `decide`."""
    invalid: dict[str, str] = field(default_factory=dict)
    """Why a task cannot start although nothing skips it, filled by `decide`."""
    over: set[str] = field(default_factory=set)
    """The tasks whose dependents may run: those that are completed, skipped or cannot start; filled by `decide`."""
    stopping: bool = False
    """Whether no further task before `finally` starts, because one has failed; set by `decide`."""

    @property
    def dag_done(self) -> bool:
        """Whether every task before `finally` has ended, is skipped or cannot start."""
        return all(n.done or (not n.started and self.settled(n.name)) for n in dag(self.nodes))

    def settled(self, name: str) -> bool:
        """Whether a task without a run will not get one."""
        return name in self.reasons or name in self.invalid


def decide(facts: Facts) -> None:
    """Fill in `reasons`, `invalid` and `stopping`."""
    facts.reasons.clear()
    facts.invalid.clear()
    facts.stopping = any((node.failed and not node.ignored) or node.cancelled for node in dag(facts.nodes))
    facts.over = {node.name for node in dag(facts.nodes) if node.completed}
    lookup = TaskLookup(facts.nodes)
    pending = [node for node in dag(facts.nodes) if not node.started]
    _skip(pending, facts, lookup)
    if not facts.stopping:
        for node in pending:
            if node.name not in facts.reasons and facts.over.issuperset(node.needs):
                problem = _missing_result(node, facts, lookup)
                if problem:
                    facts.invalid[node.name] = problem
                    facts.over.add(node.name)
        if facts.invalid:
            # Source: isValidationFailed in pipelinerunresolution.go; such a task stops the run as a failed one does.
            invalid = [node for node in pending if node.name in facts.invalid]
            facts.stopping = any(node.task.on_error != "continue" for node in invalid)
            _skip([node for node in pending if node.name not in facts.invalid], facts, lookup)
    if not facts.dag_done:
        return
    with_states = TaskLookup(facts.nodes, with_states=True)
    for node in facts.nodes:
        if node.final and not node.started:
            reason = _final_reason(node, facts, with_states)
            if reason:
                facts.reasons[node.name] = reason


def _skip(pending: Sequence[Node], facts: Facts, lookup: TaskLookup) -> None:
    """Find the reasons of tasks before `finally`, until no task skips another."""
    moved = True
    while moved:
        moved = False
        for node in pending:
            if node.name not in facts.reasons:
                reason = _dag_reason(node, facts, lookup)
                if reason:
                    facts.reasons[node.name] = reason
                    facts.over.add(node.name)
                    moved = True


def ready(facts: Facts) -> list[Node]:
    """The tasks to start now."""
    if facts.dag_done:
        return [n for n in facts.nodes if n.final and not n.started and n.name not in facts.reasons]
    return [
        node
        for node in dag(facts.nodes)
        if not node.started and not facts.settled(node.name) and facts.over.issuperset(node.needs)
    ]


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


def _dag_reason(node: Node, facts: Facts, lookup: TaskLookup) -> str:
    if facts.stopping:
        return STOPPING
    if facts.spec_status == "CancelledRunFinally":
        return CANCELLED
    if facts.spec_status == "StoppedRunFinally":
        return STOPPED
    done = facts.over.issuperset(node.needs)
    # A result that is missing stays in the text, and is compared as it is written.
    if done and node.task.when and not holds(resolved(node.task.when, lookup)):
        return WHEN
    if facts.reasons and any(facts.reasons.get(name, WHEN) != WHEN for name in node.needs):
        return PARENT
    if done and _lacks_results(node, facts, lookup):
        return RESULTS
    if facts.timed_out:
        return TIMEOUT
    if facts.tasks_timed_out:
        return TASKS_TIMEOUT
    if done and node.task.matrix and is_empty(resolved_matrix(node.task.matrix, lookup)):
        return EMPTY_MATRIX
    return ""


def _final_reason(node: Node, facts: Facts, lookup: TaskLookup) -> str:
    if any(not lookup.has(ref) for ref in result_refs(node.task)):
        return RESULTS
    if node.task.when and not holds(resolved(node.task.when, lookup)):
        return WHEN
    if facts.timed_out:
        return TIMEOUT
    if facts.finally_timed_out:
        return FINALLY_TIMEOUT
    if node.task.matrix and is_empty(resolved_matrix(node.task.matrix, lookup)):
        return EMPTY_MATRIX
    return ""


def _lacks_results(node: Node, facts: Facts, lookup: TaskLookup) -> bool:
    """Whether a missing result skips the task: it may fail, or the `when` of the other task was false."""
    missing = next((ref for ref in result_refs(node.task) if not lookup.has(ref)), None)
    return missing is not None and (node.task.on_error == "continue" or facts.reasons.get(missing.task) == WHEN)


def _missing_result(node: Node, facts: Facts, lookup: TaskLookup) -> str:
    """Why a task cannot start: a result that it uses was not written. Source: CheckMissingResultReferences.

    Raises RunError for an item that an array result does not have.
    """
    for ref in result_refs(node.task):
        maker = lookup.node(ref.task)
        if maker is None or lookup.has(ref):
            continue
        value = maker.results.get(ref.result)
        index = ref.reference.index
        if isinstance(value, list) and isinstance(index, int):
            raise user_error(
                "PipelineValidationFailed",
                f"PipelineRun {facts.namespace}/{facts.name} can't be Run; couldn't resolve all references: array "
                f"Result Index {index} for Task {ref.task} Result {ref.result} is out of bound of size {len(value)}",
            )
        if value is not None:
            continue
        if maker.successful:
            return (
                f'task "{ref.task}" completed successfully but did not emit the result "{ref.result}", '
                f'which is referenced by task "{node.name}"'
            )
        what = f"Could not find result with name {ref.result} for pipeline task {ref.task}"
        return f"Invalid task result reference: {what}"
    return ""
