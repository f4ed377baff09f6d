"""The functions that Triggers adds to CEL, and JSON as CEL's values."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cel_expr_python import cel  # type: ignore[import-not-found, import-untyped, unused-ignore]

from workshop.errors import ManifestError
from workshop.lab.controllers.celvalues import as_json, doubles
from workshop.lab.controllers.triggers.event import canonical
from workshop.manifests.load import documents

Secret = Callable[..., bytes]
"""`secret(key, name[, namespace])`; raises LookupError."""

STRING, _INT, _BOOL, _DYN = cel.Type.STRING, cel.Type.INT, cel.Type.BOOL, cel.Type.DYN
MAP = cel.Type.Map(STRING, _DYN)
_LIST = cel.Type.List(_DYN)
MAX_RANGE = 10_000
"""Limit of numbers that `lists.range` makes."""
_GROUP = re.compile(r"\$(?:(\w+)|\{(\w+)\}|\$)")
_HTML = re.compile("[<>&\u2028\u2029]")
"""Characters that Go escapes in JSON."""


def functions() -> list[cel.FunctionDecl]:
    """The functions that need no Secret."""
    return [
        _declare("match", ([MAP, STRING, STRING], _BOOL, lambda h, key, value: _header(h, key) == value)),
        _declare("canonical", ([MAP, STRING], STRING, _header)),
        _declare("truncate", ([STRING, _INT], STRING, lambda text, size: text[: max(size, 0)])),
        _declare("decodeb64", ([STRING], STRING, _decode)),
        _declare("parseJSON", ([STRING], MAP, lambda text: _parsed(json.loads(text), "parseJSON"))),
        _declare("parseYAML", ([STRING], MAP, lambda text: _parsed(_yaml(text), "parseYAML"))),
        _declare("parseURL", ([STRING], MAP, _url)),
        _declare("marshalJSON", ([MAP], STRING, _marshal), ([_LIST], STRING, _marshal)),
        _declare("first", ([_LIST], _DYN, lambda items: _end(items, 0, "first"))),
        _declare("last", ([_LIST], _DYN, lambda items: _end(items, -1, "last"))),
        _declare("translate", ([STRING, STRING, STRING], STRING, _translate)),
        _declare("slice", ([_LIST, _INT, _INT], _LIST, lambda items, start, end: items[start:end])),
        _declare("flatten", ([_LIST], _LIST, _flatten), ([_LIST, _INT], _LIST, _flatten)),
        _declare("sort", ([_LIST], _LIST, sorted)),
        _declare("distinct", ([_LIST], _LIST, _distinct)),
        _declare("lists.range", ([_INT], _LIST, _range), member=False),
        _declare("sets.contains", ([_LIST, _LIST], _BOOL, _covers), member=False),
        _declare("sets.equivalent", ([_LIST, _LIST], _BOOL, _equivalent), member=False),
        _declare("sets.intersects", ([_LIST, _LIST], _BOOL, lambda a, b: any(one in a for one in b)), member=False),
    ]


def compare_secret(secret: Secret) -> cel.FunctionDecl:
    """`compareSecret`, which compares in constant time."""

    def compare(given: str, *where: str) -> bool:
        return hmac.compare_digest(secret(*where), given.encode())

    return _declare("compareSecret", ([STRING] * 3, _BOOL, compare), ([STRING] * 4, _BOOL, compare))


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
        # Line breaks are ignored, because GitHub's API sends them in a file's content.
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as e:
        raise ValueError(f"failed to decode {text!r} in decodeB64: {e}") from e


def _translate(text: str, pattern: str, new: str) -> str:
    """Replace matches of a pattern; `$1`, `${1}`, `$name` and `$$` in the new text have their meaning in Go."""

    def one(match: re.Match[str]) -> str:
        def group(found: re.Match[str]) -> str:
            name = found.group(1) or found.group(2)
            if name is None:
                return "$"
            key: int | str = int(name) if name.isdecimal() else name
            there = key <= match.re.groups if isinstance(key, int) else key in match.re.groupindex
            return (match.group(key) or "") if there else ""

        return _GROUP.sub(group, new)

    return re.sub(pattern, one, text)


def _parsed(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"failed to decode in {name}: the text holds no object")
    found: dict[str, Any] = doubles(value)
    return found


def _yaml(text: str) -> Any:
    """The first document. Its size is bounded when aliases are expanded, and a date stays text, as in Go."""
    try:
        return next((value for value, _ in documents(text, "the text")), None)
    except ManifestError as e:
        raise ValueError(f"failed to decode in parseYAML: {e.message}") from e


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
    text = json.dumps(as_json(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return _HTML.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _end(items: list[Any], index: int, name: str) -> Any:
    if not items:
        raise ValueError(f"no elements in list for {name}")
    return items[index]


def _flatten(items: list[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise ValueError("level must be non-negative")
    if depth == 0:
        return items
    return [inner for one in items for inner in (_flatten(one, depth - 1) if isinstance(one, list) else [one])]


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
