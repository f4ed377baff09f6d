"""The messages of Seldon's protocol: what a caller may send, and how an answer is made.

The rules of the answer follow Seldon's Python wrapper (1.17.1): a request with a tensor gets a tensor, one
with an ndarray an ndarray, one without ``data`` a tensor when the answer is numbers. A dict is written as
jsonData, a string as strData, bytes as binData. Only two-dimensional output has class names. What differs on
purpose: every mistake of a caller is a 4xx that names it, and names are checked.

An optional field may be absent or null; any other value must be of the field's type.
"""

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from modelserver import arrays, jsontext
from modelserver.errors import INTERNAL, ServingError, shown
from modelserver.validation import RowValidator

KINDS = ("data", "jsonData", "strData", "binData")
DATA_KINDS = ("ndarray", "tensor")
META_TYPES = {"puid": str, "tags": dict, "routing": dict, "requestPath": dict, "metrics": list}
TYPE_NAMES = {str: "a string", dict: "an object", list: "a list"}
MAX_REWARD = 1_000_000
"""Rewards are summed in a counter. With this bound, no number of callers makes the sum infinite."""


class Message(NamedTuple):
    """A request as ``predict`` gets it. ``kind`` is ndarray, tensor, jsonData, strData or binData."""

    kind: str
    features: Any
    names: list[str]
    meta: Mapping[str, Any]
    rows: int


def read(
    message: object, validator: RowValidator | None, documents: Collection[str] = (), where: str = "the body"
) -> Message:
    """Read one SeldonMessage and check it against the model's columns when it has some. Raises ``ServingError``.

    A jsonData object with a key of ``documents`` is for the model to read and goes to it as it is. ``where`` is what
    an error calls the message.
    """
    if not isinstance(message, dict):
        raise ServingError(400, f"{where} is {shown(message)}; allowed: an object with one of {', '.join(KINDS)}")
    meta = message.get("meta")
    meta = {} if meta is None else _checked_meta(meta)
    kinds = [kind for kind in KINDS if kind in message]
    if len(kinds) != 1:
        found = " and ".join(kinds) or ", ".join(shown(key) for key in list(message)[:5]) or "nothing"
        raise ServingError(400, f"{where} has {found}; allowed: exactly one of {', '.join(KINDS)}")
    kind = kinds[0]
    value = message[kind]
    if kind == "data":
        return _read_data(value, meta, validator)
    if kind == "jsonData":
        if validator is None or (isinstance(value, dict) and not value.keys().isdisjoint(documents)):
            jsontext.check_depth(value, kind)
            return Message(kind, value, [], meta, 1)
        rows = validator.records([value] if isinstance(value, dict) else value)
        return Message(kind, arrays.from_rows(rows, validator.dtype), validator.names, meta, len(rows))
    if validator is not None:
        raise ServingError(400, f"{kind} is not for this model; it takes rows of {', '.join(validator.names)}")
    if not isinstance(value, str):
        raise ServingError(400, f"{kind} is {shown(value)}; allowed: a string")
    if kind == "strData":
        return Message(kind, value, [], meta, 1)
    try:
        return Message(kind, base64.b64decode(value, validate=True), [], meta, 1)
    except (binascii.Error, ValueError) as error:
        raise ServingError(400, f"binData is not base64: {error}") from error


def read_reward(reward: object) -> float:
    """The reward of a feedback, 0 when it is null. Raises ``ServingError`` 400."""
    if reward is None:
        return 0.0
    if type(reward) not in (int, float) or not 0 <= reward <= MAX_REWARD:  # type: ignore[operator]
        text = f"allowed: a number from 0 to {MAX_REWARD}, because rewards are summed in a counter"
        raise ServingError(400, f"reward is {shown(reward)}; {text}")
    return float(reward)  # type: ignore[arg-type]


def read_response_meta(response: object) -> Mapping[str, Any]:
    """``meta`` of the response that a feedback is about. Raises ``ServingError`` 400."""
    if response is None:
        return {}
    if not isinstance(response, dict):
        raise ServingError(400, f"response is {shown(response)}; allowed: an object")
    meta = response.get("meta")
    return {} if meta is None else _checked_meta(meta)


def _checked_meta(meta: object) -> dict[str, Any]:
    if not isinstance(meta, dict):
        raise ServingError(400, f"meta is {shown(meta)}; allowed: an object")
    for key, kind in META_TYPES.items():
        value = meta.get(key)
        if value is not None and not isinstance(value, kind):
            raise ServingError(400, f"meta.{key} is {shown(value)}; allowed: {TYPE_NAMES[kind]}")
    jsontext.check_depth(meta, "meta")
    return meta


def _read_data(data: object, meta: dict[str, Any], validator: RowValidator | None) -> Message:
    if not isinstance(data, dict):
        raise ServingError(400, f"data is {shown(data)}; allowed: an object with one of {', '.join(DATA_KINDS)}")
    kinds = [kind for kind in DATA_KINDS if kind in data]
    if len(kinds) != 1:
        found = " and ".join(kinds) or ", ".join(shown(key) for key in list(data)[:5]) or "nothing"
        raise ServingError(400, f"data has {found}; allowed: exactly one of {', '.join(DATA_KINDS)}")
    kind = kinds[0]
    names = data.get("names")
    names = [] if names is None else names
    # Comparing with the usual names is quicker than looking at each.
    usual = validator is not None and names == validator.names
    if not usual and (not isinstance(names, list) or not all(isinstance(name, str) for name in names)):
        raise ServingError(400, f"data.names is {shown(names)}; allowed: a list of strings")
    values = data[kind]
    shape: list[int] | None = None
    if kind == "tensor":
        values, shape = read_tensor(values)
    if validator is not None:
        if shape is not None:
            if len(shape) != 2:
                raise ServingError(400, f"data.tensor has the shape {shape}; allowed: [rows, columns]")
            values = arrays.reshape(values, shape)
        rows = validator.rows(values, () if usual else names)
        return Message(kind, arrays.from_rows(rows, validator.dtype), validator.names, meta, len(rows))
    if not isinstance(values, list):
        raise ServingError(400, f"data.{kind} is {shown(values)}; allowed: a list")
    return Message(kind, arrays.from_anything(values, shape), names, meta, len(values))


def read_tensor(tensor: object) -> tuple[list[Any], list[int]]:
    """``{"shape", "values"}`` with as many values as the shape says."""
    if not isinstance(tensor, dict):
        raise ServingError(400, f"data.tensor is {shown(tensor)}; allowed: an object with shape and values")
    shape, values = tensor.get("shape"), tensor.get("values")
    if not isinstance(shape, list) or not arrays.is_shape(shape):
        raise ServingError(400, f"data.tensor.shape is {shown(shape)}; allowed: a list of sizes of at least 1")
    if not isinstance(values, list) or any(type(value) not in (int, float) for value in values):
        raise ServingError(400, "data.tensor.values must be a flat list of numbers")
    if len(values) != arrays.size_of(shape):
        raise ServingError(400, f"data.tensor has {len(values)} values for the shape {shape}")
    return values, shape


def write(data: Any, kind: str, class_names: list[str] | None) -> dict[str, Any]:
    """The payload part of an answer to a request of ``kind``. Raises ``ServingError`` 500."""
    if isinstance(data, dict):
        return {"jsonData": data}
    if isinstance(data, str):
        return {"strData": data}
    if isinstance(data, bytes | bytearray):
        return {"binData": base64.b64encode(data).decode("ascii")}
    if not arrays.is_array(data):
        text = f"predict() returned {type(data).__name__}; it must return an array, a list, a dict, str or bytes"
        raise ServingError(500, text, reason=INTERNAL)
    shape = arrays.shape_of(data)
    names: list[str] = []
    if len(shape) > 1:
        names = class_names if class_names is not None else [f"t:{place}" for place in range(shape[1])]
    if kind != "ndarray" and arrays.is_numeric(data):
        return {"data": {"names": names, "tensor": {"shape": shape, "values": arrays.flat_list(data)}}}
    # An array goes to the writer as it is, which is quicker than a list of its rows.
    return {"data": {"names": names, "ndarray": data}}


def write_meta(
    request: Mapping[str, Any],
    tags: Mapping[str, object],
    metrics: Sequence[object],
    request_path: Mapping[str, str],
) -> dict[str, Any]:
    """``meta`` of an answer: the caller's tags under the model's, puid echoed, empty parts left out."""
    meta: dict[str, Any] = {"tags": tags, "metrics": metrics, "requestPath": request_path}
    if request:
        meta["tags"] = {**(request.get("tags") or {}), **tags}
        meta["metrics"] = [*(request.get("metrics") or ()), *metrics]
        meta["puid"] = request.get("puid")
        meta["requestPath"] = {**request_path, **(request.get("requestPath") or {})}
    return {key: value for key, value in meta.items() if value}
