"""CEL as Triggers' interceptor offers it: the variables, and the functions that it adds to the language.

The language itself is Google's own runtime (cel-expr-python), which checks types before it evaluates, as the one on a
cluster does. JSON numbers are doubles, so `body.n + 1` finds no overload and `body.n + 1.0` does. From cel-go's list
library `reverse` is missing (it is there for strings), and optional syntax (`.?`) is.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from cel_expr_python import cel  # type: ignore[import-not-found, import-untyped, unused-ignore]
from cel_expr_python.ext import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
    ext_encoders,
    ext_math,
    ext_strings,
)

from workshop.lab.controllers.triggers.event import Event, canonical

Secret = Callable[..., bytes]
"""`secret(key, name[, namespace])`; raises LookupError."""

_STRING, _INT, _BOOL, _DYN = cel.Type.STRING, cel.Type.INT, cel.Type.BOOL, cel.Type.DYN
_MAP = cel.Type.Map(_STRING, _DYN)
_LIST = cel.Type.List(_DYN)
_STRINGS = cel.Type.List(_STRING)
MAX_EXPRESSION = 64 * 1024
"""Characters of one expression."""
MAX_RANGE = 10_000
"""Numbers that `lists.range` makes."""


class ExpressionError(ValueError):
    """An expression does not parse, does not fit its types, or fails on this event."""


def scope(event: Event) -> dict[str, Any]:
    """The variables of an event. Raises ValueError when the body is no JSON object."""
    body = event.body
    if body is not None and not isinstance(body, dict):
        raise ValueError("the body is no JSON object")
    return {
        "body": _doubles(body or {}),
        "header": {name: list(values) for name, values in event.headers.items()},
        "extensions": _doubles(event.extensions),
        "requestURL": event.url,
    }


def evaluate(expression: str, variables: Mapping[str, Any], secret: Secret) -> Any:
    """The value of an expression as JSON has it: a whole number is an int. Raises ExpressionError."""
    if len(expression) > MAX_EXPRESSION:
        raise ExpressionError(f"the expression has {len(expression)} characters; at most {MAX_EXPRESSION} are taken")
    quoted = json.dumps(expression, ensure_ascii=False)
    try:
        # compareSecret looks into one namespace, so its environment is made for the call.
        compiled = _environment(secret).compile(expression) if "compareSecret" in expression else _compiled(expression)
    except RuntimeError as e:
        told = str(e)
        verb = "failed to parse expression" if "Syntax error" in told else "expression check failed for"
        raise ExpressionError(f"{verb} {quoted}: {_first(told)}") from e
    result = compiled.eval(data=dict(variables))
    value = result.plain_value()
    if result.type() == cel.Type.ERROR:
        raise ExpressionError(f"expression {quoted} failed to evaluate: {_first(str(value))}")
    return _json(value)


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
        variables={"body": _MAP, "header": _MAP, "extensions": _MAP, "requestURL": _STRING},
        extensions=[ext_strings.ExtStrings(), ext_encoders.ExtEncoders(), ext_math.ExtMath()],
        functions=[*_functions(), _compare(secret)],
    )


def _functions() -> list[cel.FunctionDecl]:
    return [
        _declare("match", ([_MAP, _STRING, _STRING], _BOOL, lambda h, key, value: _header(h, key) == value)),
        _declare("canonical", ([_MAP, _STRING], _STRING, _header)),
        _declare("truncate", ([_STRING, _INT], _STRING, lambda text, size: text[: max(size, 0)])),
        _declare("decodeb64", ([_STRING], _STRING, _decode)),
        _declare("parseJSON", ([_STRING], _MAP, lambda text: _parsed(json.loads(text), "parseJSON"))),
        _declare("parseYAML", ([_STRING], _MAP, lambda text: _parsed(yaml.safe_load(text), "parseYAML"))),
        _declare("parseURL", ([_STRING], _MAP, _url)),
        _declare("marshalJSON", ([_MAP], _STRING, _marshal), ([_LIST], _STRING, _marshal)),
        _declare("first", ([_LIST], _DYN, lambda items: _end(items, 0, "first"))),
        _declare("last", ([_LIST], _DYN, lambda items: _end(items, -1, "last"))),
        _declare("translate", ([_STRING, _STRING, _STRING], _STRING, lambda text, old, new: re.sub(old, new, text))),
        _declare("slice", ([_LIST, _INT, _INT], _LIST, lambda items, start, end: items[start:end])),
        _declare("flatten", ([_LIST], _LIST, _flatten)),
        _declare("sort", ([_LIST], _LIST, sorted)),
        _declare("distinct", ([_LIST], _LIST, _distinct)),
        _declare("lists.range", ([_INT], _LIST, _range), member=False),
        _declare("sets.contains", ([_LIST, _LIST], _BOOL, _covers), member=False),
        _declare("sets.equivalent", ([_LIST, _LIST], _BOOL, _equivalent), member=False),
        _declare("sets.intersects", ([_LIST, _LIST], _BOOL, lambda a, b: any(one in a for one in b)), member=False),
    ]


def _compare(secret: Secret) -> cel.FunctionDecl:
    def compare(given: str, *where: str) -> bool:
        return hmac.compare_digest(secret(*where), given.encode())

    return _declare("compareSecret", ([_STRING] * 3, _BOOL, compare), ([_STRING] * 4, _BOOL, compare))


def _declare(
    name: str, *overloads: tuple[list[cel.Type], cel.Type, Callable[..., Any]], member: bool = True
) -> cel.FunctionDecl:
    return cel.FunctionDecl(
        name,
        [
            cel.Overload(f"lab_{name.replace('.', '_')}_{index}", returns, takes, member, impl)
            for index, (takes, returns, impl) in enumerate(overloads)
        ],
    )


def _header(headers: Mapping[str, Any], name: str) -> str:
    values = headers.get(canonical(name)) or [""]
    return str(values[0])


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as e:
        raise ValueError(f"failed to decode {text!r} in decodeB64: {e}") from e


def _parsed(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"failed to decode in {name}: the text holds no object")
    found: dict[str, Any] = _doubles(value)
    return found


def _url(text: str) -> dict[str, Any]:
    parts = urlsplit(text)
    query = parse_qs(parts.query, keep_blank_values=True)
    host = parts.netloc.rpartition("@")[2]
    found: dict[str, Any] = {
        "scheme": parts.scheme,
        "host": host,
        "path": parts.path,
        "rawQuery": parts.query,
        "fragment": parts.fragment,
        "queryStrings": query,
        "query": {name: ",".join(values) for name, values in query.items()},
    }
    if parts.username is not None:
        found["auth"] = {"username": parts.username, "password": parts.password or ""}
    return found


def _marshal(value: Any) -> str:
    return json.dumps(_json(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _end(items: list[Any], index: int, name: str) -> Any:
    if not items:
        raise ValueError(f"no elements in list for {name}")
    return items[index]


def _flatten(items: list[Any]) -> list[Any]:
    return [inner for one in items for inner in (one if isinstance(one, list) else [one])]


def _distinct(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for one in items:
        if one not in found:
            found.append(one)
    return found


def _covers(these: list[Any], those: list[Any]) -> bool:
    return all(one in these for one in those)


def _equivalent(these: list[Any], those: list[Any]) -> bool:
    return _covers(these, those) and _covers(those, these)


def _range(size: int) -> list[int]:
    if size > MAX_RANGE:
        raise ValueError(f"lists.range makes at most {MAX_RANGE} numbers")
    return list(range(size))


def _doubles(value: Any) -> Any:
    """JSON with its numbers as doubles, as Go decodes it."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): _doubles(one) for key, one in value.items()}
    return [_doubles(one) for one in value] if isinstance(value, list | tuple) else value


def _json(value: Any) -> Any:
    """A value as it is written in JSON."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ExpressionError(f"failed to convert the result to JSON: {value}")
        return int(value) if value == int(value) and abs(value) < 1e21 else value
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(key): _json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json(one) for one in value]
    return value if isinstance(value, str | int | bool | None) else str(value)


def _first(text: str) -> str:
    """The first line of a message, without the library's own prefix."""
    lines = text.strip().splitlines() or [""]
    return re.sub(r"^(?:[A-Z_]+: )?(?:ERROR: )?", "", lines[0])
