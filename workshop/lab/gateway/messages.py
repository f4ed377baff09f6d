"""The parts of messages that the orchestrator reads and writes; everything else passes through unchanged."""

from __future__ import annotations

from typing import Any

import orjson


class MessageError(ValueError):
    """A node's answer cannot be used for the next step."""


def route_of(answer: bytes) -> int:
    """The branch that a router chose: the first number of its answer. Raises MessageError.

    -1 means every branch, -2 means none (the request itself is the answer).
    """
    try:
        value = orjson.loads(answer)
    except orjson.JSONDecodeError as e:
        raise MessageError(f"a router answered what is no JSON: {e}") from e
    if isinstance(value, dict):
        data = value.get("data")
        data = data if isinstance(data, dict) else {}
        tensor = data.get("tensor")
        value = data.get("ndarray") or (tensor.get("values") if isinstance(tensor, dict) else None) or [-1]
    while isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MessageError("a router answered no number")
    return int(value)


def feedback_route(feedback: bytes, node: str) -> int:
    """The branch that a prediction took at a node, from response.meta.routing; -1 if it is not there."""
    value: Any = _json(feedback)
    for key in ("response", "meta", "routing", node):
        value = value.get(key) if isinstance(value, dict) else None
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else -1


def combined(messages: list[bytes]) -> bytes:
    """The list of messages that a combiner gets. Raises MessageError."""
    if any(_json(message) is None for message in messages):
        raise MessageError("Data is not JSON")
    return b"[" + b",".join(messages) + b"]"


def with_routing(message: bytes, routing: dict[str, int]) -> bytes:
    """The message with meta.routing added. A message that is not a JSON object is unchanged."""
    value = _json(message)
    if not isinstance(value, dict):
        return message
    meta = value.get("meta")
    value["meta"] = {**(meta if isinstance(meta, dict) else {}), "routing": routing}
    return orjson.dumps(value)


def chained(message: bytes) -> bytes:
    """An answer of the Open Inference Protocol as the next node's request. Raises MessageError."""
    value = _json(message)
    if isinstance(value, dict) and "inputs" in value:
        return message
    if isinstance(value, dict) and "outputs" in value:
        value["inputs"] = value.pop("outputs")
        return orjson.dumps(value)
    raise MessageError("Failed to convert kfserving response so it could be chained to new input")


def escaped(message: bytes) -> bytes:
    """JSON that is safe inside HTML, as Go writes it."""
    for character, code in ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026")):
        if character in message:
            message = message.replace(character, code)
    return message


def failure(info: str) -> bytes:
    """The orchestrator's own error."""
    return orjson.dumps({"status": {"code": 500, "info": info, "status": "FAILURE"}})


def _json(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
