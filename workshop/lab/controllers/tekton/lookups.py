"""Values of `$(tasks...)` in a Pipeline: results, states and matrix sizes of its tasks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import msgspec

from workshop.lab.controllers.tekton.nodes import Node, dag
from workshop.manifests.objects import status_of
from workshop.manifests.tekton.artifacts import Artifacts, merged
from workshop.manifests.tekton.graph import ResultRef, result_ref
from workshop.manifests.tekton.references import Reference, Value, Variables


class TaskLookup:
    """A lookup over the nodes of a PipelineRun. `with_states` is for final tasks."""

    def __init__(self, nodes: Sequence[Node], *, with_states: bool = False) -> None:
        self._all, self._with_states = nodes, with_states

    @cached_property
    def _nodes(self) -> dict[str, Node]:
        return {node.name: node for node in self._all}

    def __call__(self, reference: Reference) -> Value | None:
        """The value of a reference; None if it does not exist yet or the reference is of another kind."""
        parts = reference.parts
        if parts[0] not in ("tasks", "finally"):
            return None
        if result_ref(reference):
            return self._result(reference)
        if parts == ("tasks", "status"):
            return aggregate(self._all) if self._with_states else None
        node = self._nodes.get(parts[1])
        if node is None:
            return None
        if parts[2] == "matrix":
            return self._matrix(node, parts)
        if self._with_states and len(parts) == 3 and parts[2] == "status":
            return state(node)
        if self._with_states and len(parts) == 3 and parts[2] == "reason":
            return node.reason or "None"
        return None

    def artifact(self, reference: Reference) -> Value | None:
        """The value of `$(tasks.<task>.outputs.<artifact>)`, which only inline Tasks may use: JSON."""
        parts = reference.parts
        if len(parts) != 4 or parts[0] != "tasks" or parts[2] not in ("inputs", "outputs"):
            return self(reference)
        node = self._nodes.get(parts[1])
        if node is None or not node.done:
            return None
        shown = [msgspec.convert(status_of(one).get("artifacts") or {}, Artifacts) for one in node.children]
        return merged(shown).values(parts[2], parts[3])

    def has(self, ref: ResultRef) -> bool:
        """Whether a result exists, including the item or key of the reference."""
        return self._result(ref.reference) is not None

    def node(self, name: str) -> Node | None:
        """The node of a task."""
        return self._nodes.get(name)

    def _result(self, reference: Reference) -> Value | None:
        node = self._nodes.get(reference.parts[1])
        if node is None or not node.done:
            return None
        results: dict[tuple[str, ...], Value] = {
            (*reference.parts[:3], name): value for name, value in node.results.items() if value is not None
        }
        return Variables(results)(reference)

    def _matrix(self, node: Node, parts: tuple[str, ...]) -> Value | None:
        if parts[3:] == ("length",):
            return str(len(node.children))
        if len(parts) == 5 and parts[4] == "length":
            value = node.results.get(parts[3])
            return str(len(value)) if isinstance(value, list) else "0"
        return None


def state(node: Node) -> str:
    """`$(tasks.<task>.status)`: Succeeded, Failed or None."""
    if node.successful:
        return "Succeeded"
    return "Failed" if node.done else "None"


def aggregate(nodes: Sequence[Node]) -> str:
    """`$(tasks.status)`: Failed, Succeeded, Completed when some were skipped, or None when all were."""
    before = list(dag(nodes))
    if any((node.failed and not node.ignored) or node.cancelled for node in before):
        return "Failed"
    if all(node.completed for node in before):
        return "Succeeded"
    return "Completed" if any(node.completed for node in before) else "None"
