"""CEL in Triggers' interceptor: its variables and its evaluation.

The language is Google's own runtime (cel-expr-python). It checks types before it evaluates, like the runtime on a
cluster. JSON numbers are doubles, so `body.n + 1` has no overload and `body.n + 1.0` has one. Missing are `reverse` of
cel-go's list library (strings have it) and optional syntax (`.?`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cel_expr_python import cel  # type: ignore[import-not-found, import-untyped, unused-ignore]
from cel_expr_python.ext import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
    ext_encoders,
    ext_math,
    ext_strings,
)

from workshop.lab.controllers.celvalues import ExpressionError, as_json, doubles, first_line, in_go
from workshop.lab.controllers.triggers.celfunctions import (
    MAP,
    STRING,
    Secret,
    compare_secret,
    functions,
)
from workshop.lab.controllers.triggers.event import Event

MAX_EXPRESSION = 64 * 1024
"""Limit of characters in one expression."""
_NO_OVERLAY = {
    cel.Type.DURATION.name(): "google.protobuf.Duration",
    cel.Type.NULL.name(): "null_type",
    cel.Type.TIMESTAMP.name(): "google.protobuf.Timestamp",
    cel.Type.TYPE.name(): "type",
    cel.Type.UINT.name(): "uint",
}
"""Go's names of types that cannot be the value of an overlay."""


def scope(event: Event) -> dict[str, Any]:
    """The variables of an event. Raises ValueError if the body is not a JSON object."""
    body = event.body
    if body is not None and not isinstance(body, dict):
        raise ValueError("the body is no JSON object")
    return {
        "body": doubles(body or {}),
        "header": {name: list(values) for name, values in event.headers.items()},
        "extensions": doubles(event.extensions),
        "requestURL": event.url,
    }


def evaluate(expression: str, variables: Mapping[str, Any], secret: Secret, *, overlay: bool = False) -> Any:
    """The value of an expression as JSON; a whole number is an int. Raises ExpressionError.

    An overlay accepts neither null nor a type that JSON does not have.
    """
    if len(expression) > MAX_EXPRESSION:
        raise ExpressionError(f"the expression has {len(expression)} characters; at most {MAX_EXPRESSION} are taken")
    quoted = json.dumps(expression, ensure_ascii=False)
    try:
        # compareSecret reads one namespace, so its environment is made for each call.
        compiled = _environment(secret).compile(expression) if "compareSecret" in expression else _compiled(expression)
    except RuntimeError as e:
        message = str(e)
        verb = "failed to parse expression" if "Syntax error" in message else "expression check failed for"
        raise ExpressionError(f"{verb} {quoted}: {first_line(message)}") from e
    result = compiled.eval(data=dict(variables))
    value = result.plain_value()
    if result.type() == cel.Type.ERROR:
        raise ExpressionError(f"expression {quoted} failed to evaluate: {in_go(first_line(str(value)))}")
    go_type = _NO_OVERLAY.get(result.type().name())
    if overlay and go_type:
        raise ExpressionError(
            f"failed to convert overlay result to bytes: type conversion error from '{go_type}' to '[]uint8'"
        )
    return as_json(value)


@lru_cache(maxsize=256)
def _compiled(expression: str) -> cel.Expression:
    return _shared().compile(expression)


@lru_cache(maxsize=1)
def _shared() -> cel.Env:
    return _environment(_no_secret)


def _no_secret(*_: str) -> bytes:
    raise LookupError("no secret")


def _environment(secret: Secret) -> cel.Env:
    return cel.NewEnv(
        variables={"body": MAP, "header": MAP, "extensions": MAP, "requestURL": STRING},
        extensions=[ext_strings.ExtStrings(), ext_encoders.ExtEncoders(), ext_math.ExtMath()],
        functions=[*functions(), compare_secret(secret)],
    )
