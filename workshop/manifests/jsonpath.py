"""JSONPath in the dialect of kubectl and CRD columns: `{.status.conditions[?(@.type=="Ready")].status}`.

It supports fields (also quoted, with escaped dots), indexes, slices, `*`, `..`, unions, filters with one comparison,
`{range}` ... `{end}` and quoted text. A missing field gives nothing, as in `kubectl get`. Functions and arithmetic are
refused; kubectl does not have them either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

Step = Callable[[list[Any], Any], list[Any]]
"""From the values found so far and the root to the next values."""


class PathError(ValueError):
    """The path cannot be parsed."""


_TOKEN = re.compile(
    r"""(?P<descend>\.\.)
      | \.(?P<star>\*)
      | \.?(?P<field>(?:\\.|[^\s.\[\]{}()"'=<>!~,:?@$\\*])+)
      | \[(?P<inside>'(?:[^'\\]|\\.)*'(?:,'(?:[^'\\]|\\.)*')*|"(?:[^"\\]|\\.)*"|\?\(.*?\)(?=\])|[^\]]*)\]
      | (?P<dot>\.)(?=\[|$)
    """,
    re.VERBOSE,
)
_FILTER = re.compile(r"^\?\((?P<left>.+?)(?:\s*(?P<op>==|!=|<=|>=|<|>)\s*(?P<right>.+?))?\)$", re.DOTALL)


@lru_cache(maxsize=512)
def compile_path(path: str) -> Callable[[Any], list[Any]]:
    """A function from an object to the values at `path` (with or without braces). Raises PathError."""
    steps = _steps(path.strip().removeprefix("{").removesuffix("}").strip())

    def evaluate(root: Any) -> list[Any]:
        return _run(steps, [root], root)

    return evaluate


def find(path: str, obj: Any) -> list[Any]:
    """The values at a path. Raises PathError."""
    return compile_path(path)(obj)


def render(template: str, obj: Any) -> str:
    r"""A template such as `{range .items[*]}{.metadata.name}{"\n"}{end}` with its values. Raises PathError."""
    if "{" not in template:
        template = "{" + template + "}"
    parts, rest = _parse(_split(template), 0, nested=False)
    if rest != len(_split(template)):
        raise PathError("unexpected end: there is no open range")
    return "".join(_render(parts, obj, obj))


def text(value: Any) -> str:
    """A value as kubectl prints it: text without quotes, everything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else go_json(value)


def go_json(value: Any, *, indent: int | None = None) -> str:
    """JSON as Go writes it: keys sorted, `<`, `>` and `&` escaped."""
    separators = (",", ":") if indent is None else None
    found = json.dumps(value, indent=indent, separators=separators, sort_keys=True, ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        found = found.replace(char, f"\\u{ord(char):04x}")
    return found


# -- templates ---------------------------------------------------------------------------------------------


def _split(template: str) -> list[tuple[str, str]]:
    """Literal text and `{expressions}`, in order."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(template):
        start = template.find("{", at)
        if start < 0:
            found.append(("text", template[at:]))
            break
        if start > at:
            found.append(("text", template[at:start]))
        quote, end = "", start + 1
        while end < len(template) and (quote or template[end] != "}"):
            char = template[end]
            if char == "\\" and quote:
                end += 1
            elif quote and char == quote:
                quote = ""
            elif not quote and char in "\"'":
                quote = char
            end += 1
        if end >= len(template):
            raise PathError(f"unclosed action in {template!r}")
        found.append(("expression", template[start + 1 : end].strip()))
        at = end + 1
    return found


def _parse(tokens: list[tuple[str, str]], at: int, *, nested: bool) -> tuple[list[Any], int]:
    parts: list[Any] = []
    while at < len(tokens):
        kind, body = tokens[at]
        if kind == "text":
            parts.append(body)
        elif body == "end":
            return parts, at + (1 if nested else 0)
        elif body.startswith("range"):
            inner, at = _parse(tokens, at + 1, nested=True)
            parts.append((_steps(body[5:].strip()), inner))
            continue
        elif body[:1] in ("'", '"'):
            parts.append(_unquote(body))
        else:
            parts.append(_steps(body))
        at += 1
    if nested:
        raise PathError("unterminated range: {end} is missing")
    return parts, at


def _render(parts: list[Any], current: Any, root: Any) -> Iterable[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, tuple):
            for item in _run(part[0], [current], root):
                yield from _render(part[1], item, root)
        else:
            yield " ".join(text(value) for value in _run(part, [current], root))


# -- paths -------------------------------------------------------------------------------------------------


def _run(steps: list[Step], values: list[Any], root: Any) -> list[Any]:
    for step in steps:
        values = step(values, root)
    return values


def _steps(path: str) -> list[Step]:
    steps: list[Step] = []
    at = 0
    if path[:1] == "$":
        steps.append(lambda _, root: [root])
        at = 1
    elif path[:1] == "@":
        at = 1
    while at < len(path):
        match = _TOKEN.match(path, at)
        if not match:
            raise PathError(f"unrecognized character in path at {path[at:]!r} of {path!r}")
        if match["descend"]:
            steps.append(_descend)
        elif match["star"]:
            steps.append(_children)
        elif match["field"]:
            steps.append(_field(re.sub(r"\\(.)", r"\1", match["field"])))
        elif match["inside"] is not None:
            steps.append(_bracket(match["inside"].strip()))
        at = match.end()
    return steps


def _field(name: str) -> Step:
    return lambda values, _: [v[name] for v in values if isinstance(v, dict) and name in v]


def _children(values: list[Any], _: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:
        found += value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return found


def _descend(values: list[Any], root: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if isinstance(value, dict | list):
            found.append(value)
            found += _descend(_children([value], root), root)
    return found


def _bracket(inside: str) -> Step:
    if inside == "*":
        return _children
    if inside[:1] in ("'", '"'):
        names = [_unquote(part) for part in re.findall(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", inside)]
        return lambda values, _: [v[n] for v in values if isinstance(v, dict) for n in names if n in v]
    if inside.startswith("?"):
        return _filter(inside)
    if re.fullmatch(r"-?\d+(\s*,\s*-?\d+)*", inside):
        wanted = [int(n) for n in inside.split(",")]
        return lambda values, _: [v[n] for v in values if isinstance(v, list) for n in wanted if -len(v) <= n < len(v)]
    if re.fullmatch(r"-?\d*:-?\d*(:-?\d*)?", inside):
        cut = slice(*(int(part) if part else None for part in inside.split(":")))
        return lambda values, _: [item for v in values if isinstance(v, list) for item in v[cut]]
    allowed = "a number, a slice, *, a quoted name, ?(filter)"
    raise PathError(f"invalid array index {inside!r}: allowed are {allowed}")


def _filter(inside: str) -> Step:
    match = _FILTER.match(inside)
    if not match:
        raise PathError(f"unrecognized filter {inside!r}")
    left, op = _operand(match["left"]), match["op"]
    right = _operand(match["right"]) if op else None

    def keep(item: Any, root: Any) -> bool:
        mine = left(item, root)
        if right is None:
            return bool(mine)
        theirs = right(item, root)
        if not mine or not theirs:
            return False
        return _compare(mine[0], op, theirs[0])

    return lambda values, root: [item for v in values if isinstance(v, list) for item in v if keep(item, root)]


def _operand(expression: str) -> Callable[[Any, Any], list[Any]]:
    expression = expression.strip()
    if expression[:1] in ("@", "$", "."):
        steps = _steps(expression)
        return lambda item, root: _run(steps, [item], root)
    if expression[:1] in ("'", '"'):
        word = _unquote(expression)
        return lambda _item, _root: [word]
    try:
        constant = json.loads(expression)
    except json.JSONDecodeError:
        raise PathError(f"unrecognized operand {expression!r}: put text in quotes") from None
    return lambda _item, _root: [constant]


def _compare(left: Any, op: str, right: Any) -> bool:
    if op == "==":
        return bool(left == right)
    if op == "!=":
        return bool(left != right)
    try:
        return bool({"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[op])
    except TypeError:
        return False


def _unquote(quoted: str) -> str:
    if len(quoted) < 2 or quoted[-1] != quoted[0]:
        raise PathError(f"unterminated quoted text {quoted!r}")
    escapes = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(r"\\(.)", lambda m: escapes.get(m[1], m[1]), quoted[1:-1])
