"""The combinations of a matrix, in the controller's order: the first list varies fastest.

`include` adds to the combinations that its params match, or is a combination of its own (docs/matrix.md of
tektoncd/pipeline; the order is that of matrix_types.go, unlike the listing in the document).
"""

from __future__ import annotations

from workshop.manifests.tekton import Matrix, Param

Combination = dict[str, str]


def combinations(matrix: Matrix) -> list[list[Param]]:
    """The params of each child, sorted by name; none when a list is empty."""
    found: list[Combination] = []
    for position, param in enumerate(matrix.params):
        items = list(param.value) if isinstance(param.value, list) else []
        if position == 0:
            found = [{param.name: item} for item in items]
        else:
            found = [{**combination, param.name: item} for item in items for combination in found]
    generated = list(found)
    names = {param.name for param in matrix.params}
    for include in matrix.include:
        extra = {param.name: param.value for param in include.params if isinstance(param.value, str)}
        # An entry that shares no name with the lists belongs to all combinations.
        shared = names & set(extra)
        matching = [c for c in generated if all(c[name] == extra[name] for name in shared)]
        if matching:
            for combination in matching:
                combination.update(extra)
        else:
            found.append(dict(extra))
    return [[Param(name=name, value=combination[name]) for name in sorted(combination)] for combination in found]


def is_empty(matrix: Matrix) -> bool:
    """Whether a matrix has a list without items, so that its task is skipped."""
    return any(isinstance(param.value, list) and not param.value for param in matrix.params)
