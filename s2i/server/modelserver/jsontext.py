"""JSON in and out: strict when reading, never NaN when writing.

orjson refuses NaN, Infinity, broken UTF-8 and trailing text, and writes a non-finite float as null. What it
does not write by itself (arrays of objects, numpy's less usual scalars, tuples of them) is turned into
lists here. UTF-8 with a byte order mark and UTF-16, which some Windows tools write, are read as Seldon's wrapper
reads them.
"""

from json import detect_encoding
from typing import Any

import orjson

from modelserver.errors import INTERNAL, ServingError

MAX_DEPTH = 64
OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def load(body: bytes, where: str = "the body") -> Any:
    """Parse a caller's JSON. Raises ``ServingError`` 400 with the line and column that cannot be read."""
    if not body or body.isspace():
        raise ServingError(400, f"{where} is empty; a JSON object is needed")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        text = _decoded(body)
        if text is None:
            raise ServingError(400, f"{where} is not JSON: {error}") from error
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ServingError(400, f"{where} is not JSON: {error}") from error


def _decoded(body: bytes) -> str | None:
    """The text of a body in another encoding than plain UTF-8; None when it is in no such encoding."""
    encoding = detect_encoding(body)
    if encoding == "utf-8":
        return None
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        return None


def dump(value: object) -> bytes:
    """Write an answer. Raises ``ServingError`` 500 when the model returned what JSON cannot hold."""
    try:
        return orjson.dumps(value, _fallback, OPTIONS)
    except (TypeError, ValueError, RecursionError) as error:
        raise ServingError(500, f"the model's answer cannot be written as JSON: {error}", reason=INTERNAL) from error


def check_depth(value: object, where: str, limit: int = MAX_DEPTH) -> None:
    """Raise ``ServingError`` 400 when a value is nested too deep to be written again in an answer."""
    if isinstance(value, dict | list):
        if limit == 0:
            raise ServingError(400, f"{where} is nested deeper than {MAX_DEPTH} levels")
        for element in value.values() if isinstance(value, dict) else value:
            if isinstance(element, dict | list):
                check_depth(element, where, limit - 1)


def _fallback(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
