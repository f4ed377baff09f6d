"""The value of `when`: `input`, `operator` and `values`, or an expression in CEL.

CEL has no variables here: a reference stands in quotes and is replaced before the expression is evaluated. The language
is Google's own runtime, imported at its first use. Source: EvaluateCEL in pipelinerunresolution.go and allowExec in
entrypointer.go of tektoncd/pipeline.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from workshop.manifests.tekton.params import WhenExpression
from workshop.manifests.tekton.references import Lookup, replaced, replaced_list

if TYPE_CHECKING:
    from cel_expr_python import cel  # type: ignore[import-not-found, import-untyped, unused-ignore]


class CelError(ValueError):
    """An expression that does not compile, fails, or is not a truth value."""


def holds(when: Sequence[WhenExpression]) -> bool:
    """Whether all expressions are true; also when there is none. Raises CelError."""
    return all(_holds(one) for one in when)


def _holds(one: WhenExpression) -> bool:
    if one.cel:
        return cel_value(one.cel)
    return (one.input in one.values) == (one.operator == "in")


def resolved(when: Sequence[WhenExpression], lookup: Lookup) -> list[WhenExpression]:
    """Expressions with their references replaced."""
    return [
        msgspec.structs.replace(
            one,
            input=replaced(one.input, lookup),
            values=replaced_list(one.values, lookup),
            cel=replaced(one.cel, lookup) if one.cel else one.cel,
        )
        for one in when
    ]


def texts(when: Sequence[WhenExpression]) -> list[str]:
    """All texts of expressions that may have references."""
    return [text for one in when for text in (one.input, *one.values, one.cel or "") if text]


def check_cel(expression: str) -> None:
    """Compile an expression. Raises CelError."""
    _compiled(expression)


def cel_value(expression: str) -> bool:
    """The truth value of an expression. Raises CelError."""
    result = _compiled(expression).eval(data={})
    value = result.plain_value()
    if result.type().name() == "ERROR":
        raise CelError(_text(str(value)))
    if not isinstance(value, bool):
        raise CelError(f"The CEL expression {expression} is not evaluated to a boolean")
    return value


@lru_cache(maxsize=256)
def _compiled(expression: str) -> cel.Expression:
    from cel_expr_python import cel

    try:
        return cel.NewEnv().compile(expression)
    except RuntimeError as e:
        raise CelError(_text(str(e))) from e


def _text(text: str) -> str:
    """A message without the names of the library's codes."""
    return re.sub(r"^[A-Z_]+: | \[[A-Z_]+\]$", "", text.strip())
