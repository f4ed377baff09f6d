"""A PipelineRun as a graph: a node for each task and for each child of a small matrix, with its dependencies.

An arrow that a longer path implies is not drawn, but it stays in the table. A Pipeline's results make many such arrows,
which would hide the order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workshop.lab.controllers.tekton.errors import RunError
from workshop.lab.controllers.tekton.names import index_of
from workshop.lab.controllers.tekton.resolve_pipeline import typed_pipeline
from workshop.lab.pages.runs.states import APPROVAL, WAITING, State, run_state
from workshop.lab.pages.times import NEVER, Span
from workshop.languages.catalog import N_
from workshop.manifests.objects import Object, labels_of, status_of
from workshop.manifests.tekton.graph import dependencies

STACK_FROM = 7
"""From this number on, the children of a matrix are drawn as one stack."""
_WORST = ("bad", "warn", "run", "idle", "ok")


@dataclass(frozen=True)
class Node:
    """One node. `key` names it in URLs: the task, with `/<index>` for a child of a matrix.

    `needs` are the tasks that come before; `arrows` are the keys of the nodes from which an arrow is drawn. `child` is
    the task's run; it is None before there is one, and for a stack, which has `children`.
    """

    key: str
    task: str
    label: str
    state: State
    span: Span = NEVER
    variant: str = ""
    final: bool = False
    retries: int = 0
    needs: tuple[str, ...] = ()
    arrows: tuple[str, ...] = ()
    child: Object | None = None
    children: tuple[Node, ...] = ()
    when: tuple[str, ...] = ()

    @property
    def run_name(self) -> str:
        """The name of its run; empty if it has none."""
        return str(self.child["metadata"]["name"]) if self.child else ""

    @property
    def skipped(self) -> bool:
        return self.state.word == "Skipped"


def nodes(run: Object, children: Sequence[Object], pending: frozenset[str] = frozenset()) -> tuple[Node, ...]:
    """The nodes in the Pipeline's order: tasks first, then finally tasks.

    `children` are the run's own runs; `pending` names the CustomRuns that wait for an approval. Empty
    before the Pipeline is resolved.
    """
    status = status_of(run)
    spec = status.get("pipelineSpec") or (run.get("spec") or {}).get("pipelineSpec") or {}
    needs = _needs(spec)
    skipped = {str(one.get("name")): one for one in status.get("skippedTasks") or []}
    by_task: dict[str, list[Object]] = {}
    for child in children:
        by_task.setdefault(labels_of(child).get("tekton.dev/pipelineTask", ""), []).append(child)
    done = run_state(run).mark not in ("run", "idle")
    found: list[Node] = []
    for final, listed in ((False, spec.get("tasks") or []), (True, spec.get("finally") or [])):
        for task in listed:
            name = str(task.get("name"))
            made = _of_task(task, by_task.get(name, []), skipped.get(name), pending, done)
            found += [replace(node, final=final, needs=() if final else tuple(needs.get(name, ()))) for node in made]
    return _with_arrows(found, needs)


def find(among: Sequence[Node], key: str) -> Node | None:
    """The node of a key, or of its run's name; a matrix task's name alone means its worst child."""
    every = [node for one in among for node in (one.children or (one,))]
    exact = next((node for node in every if key in (node.key, node.run_name)), None)
    return exact or worst([node for node in every if node.task == key])


def worst(among: Sequence[Node]) -> Node | None:
    """The node to show first: the first that failed, then one that waits for approval, then one that runs."""
    if not among:
        return None
    return min(among, key=lambda node: (_WORST.index(node.state.mark), _ended(node)))


def _ended(node: Node) -> float:
    return node.span.end.timestamp() if node.span.end else float("inf")


def _needs(spec: Mapping[str, Any]) -> dict[str, list[str]]:
    try:
        return dependencies(typed_pipeline(dict(spec)).tasks)
    except (RunError, ValueError):
        # A Pipeline that Tekton refuses has no order; its tasks are drawn next to each other.
        return {}


def _of_task(
    task: Mapping[str, Any], mine: list[Object], skipped: Mapping[str, Any] | None, pending: frozenset[str], done: bool
) -> list[Node]:
    name = str(task.get("name"))
    label = str(task.get("displayName") or name)
    if not mine:
        if skipped is not None:
            state = State("Skipped", "idle", message=str(skipped.get("reason") or ""))
        else:
            state = State(N_("Not started"), "idle") if done else WAITING
        return [Node(name, name, label, state, when=_when(skipped or task))]
    if not task.get("matrix"):
        return [_of_child(name, name, label, "", mine[0], pending)]
    varied = _varied(task["matrix"])
    made = [
        _of_child(f"{name}/{index}", name, label, _variant(child, varied), child, pending)
        for index, child in enumerate(sorted(mine, key=lambda one: index_of(one["metadata"]["name"])))
    ]
    return made if len(made) < STACK_FROM else [_stack(name, label, made)]


def _of_child(key: str, name: str, label: str, variant: str, child: Object, pending: frozenset[str]) -> Node:
    status = status_of(child)
    state = APPROVAL if child["metadata"]["name"] in pending else run_state(child)
    before = status.get("retriesStatus") or []
    first = before[0] if before else status
    return Node(
        key, name, label, state, Span.of(first.get("startTime"), status.get("completionTime")), variant,
        retries=len(before), child=child,
    )  # fmt: skip


def _stack(name: str, label: str, made: list[Node]) -> Node:
    counts: dict[str, int] = {}
    for node in made:
        counts[node.state.word] = counts.get(node.state.word, 0) + 1
    first = worst(made) or made[0]
    starts = [node.span.start for node in made if node.span.start]
    ends = [node.span.end for node in made if node.span.end]
    span = Span(min(starts, default=None), max(ends) if len(ends) == len(made) else None)
    word = next(iter(counts)) if len(counts) == 1 else ", ".join(f"{n} {one.lower()}" for one, n in counts.items())
    return Node(
        name, name, label, State(word, first.state.mark), span, f"{len(made)} at once", children=tuple(made),
        retries=sum(node.retries for node in made),
    )  # fmt: skip


def _varied(matrix: Mapping[str, Any]) -> list[str]:
    lists = [*(matrix.get("params") or []), *(p for i in matrix.get("include") or [] for p in i.get("params") or [])]
    return list(dict.fromkeys(str(one.get("name")) for one in lists))


def _variant(child: Object, varied: list[str]) -> str:
    params = {p.get("name"): p.get("value") for p in (child.get("spec") or {}).get("params") or []}
    return ", ".join(str(params[name]) for name in varied if name in params)


def _when(task: Mapping[str, Any]) -> tuple[str, ...]:
    """The conditions as text: `false in true, yes`."""
    found = []
    for one in task.get("whenExpressions") or task.get("when") or []:
        among = ", ".join(f'"{value}"' for value in one.get("values") or [])
        operator = "not in" if one.get("operator") == "notin" else str(one.get("operator") or "")
        found.append(f'"{one.get("input", "")}" {operator} [{among}]')
    return tuple(found)


def _with_arrows(found: list[Node], needs: Mapping[str, list[str]]) -> tuple[Node, ...]:
    keys: dict[str, list[str]] = {}
    for node in found:
        keys.setdefault(node.task, []).append(node.key)
    behind: dict[str, frozenset[str]] = {}
    drawn = []
    for node in found:
        direct = [name for name in node.needs if not any(name in _all_behind(o, needs, behind) for o in node.needs)]
        drawn.append(replace(node, arrows=tuple(key for name in direct for key in keys.get(name, []))))
    return tuple(drawn)


def _all_behind(name: str, needs: Mapping[str, list[str]], known: dict[str, frozenset[str]]) -> frozenset[str]:
    """All direct and indirect dependencies of this task; the order has no cycles."""
    if name not in known:
        direct = needs.get(name, [])
        known[name] = frozenset(direct).union(*(_all_behind(one, needs, known) for one in direct))
    return known[name]
