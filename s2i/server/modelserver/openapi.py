"""The server's OpenAPI document, made from the model's columns, so that a client can be made from it."""

from collections.abc import Sequence
from typing import Any

from modelserver.columns import Column
from modelserver.validation import sample_row


def document(model: str, version: str, columns: Sequence[Column]) -> dict[str, Any]:
    """OpenAPI 3.0 for one model: the Seldon protocol, the Open Inference Protocol, health and metrics."""
    message = {"$ref": "#/components/schemas/SeldonMessage"}
    predict = _post("predict", "Ask the model", message, message, columns)
    feedback = _post("feedback", "Tell how good an answer was", {"$ref": "#/components/schemas/Feedback"}, message)
    infer = _post("infer", "Ask the model by the Open Inference Protocol", {"type": "object"}, {"type": "object"})
    paths: dict[str, Any] = {
        "/api/v1.0/predictions": {"post": predict},
        "/api/v1.0/feedback": {"post": feedback},
        f"/v2/models/{model}/infer": {"post": infer},
    }
    texts = {
        "/ready": "Whether the model is loaded and has answered",
        "/live": "Whether the process answers",
        "/health/ping": "The word pong",
        "/health/status": "What the model says of its health",
        "/metadata": "The model's own description",
        f"/v2/models/{model}": "The model's inputs and outputs",
        "/metrics": "Prometheus metrics",
    }
    for path, text in texts.items():
        paths[path] = {"get": {"summary": text, "responses": {"200": {"description": text}}}}
    return {
        "openapi": "3.0.3",
        "info": {"title": model, "version": version},
        "paths": paths,
        "components": {"schemas": _schemas(columns)},
    }


def _post(
    name: str, summary: str, request: dict[str, Any], answer: dict[str, Any], columns: Sequence[Column] = ()
) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": request}
    if columns:
        row = sample_row(columns)
        content["example"] = {"data": {"names": list(row), "ndarray": [list(row.values())]}}
    refused = {"description": "The request is wrong; status.info names row and column"}
    return {
        "operationId": name,
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "200": {"description": "The answer", "content": {"application/json": {"schema": answer}}},
            "400": refused,
            "413": {"description": "The body is too large or has too many rows"},
            "503": {"description": "Not ready, or too many requests at once"},
        },
    }


def _schemas(columns: Sequence[Column]) -> dict[str, Any]:
    names: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
    row: dict[str, Any] = {"type": "array", "items": {}}
    if columns:
        names["items"]["enum"] = [column.name for column in columns]
        row |= {"minItems": 1, "maxItems": len(columns)}
    tensor = {
        "type": "object",
        "properties": {
            "shape": {"type": "array", "items": {"type": "integer"}},
            "values": {"type": "array", "items": {"type": "number"}},
        },
    }
    data = {
        "type": "object",
        "properties": {"names": names, "ndarray": {"type": "array", "items": row}, "tensor": tensor},
    }
    json_data: dict[str, Any] = {"$ref": "#/components/schemas/Row"} if columns else {}
    message = {
        "type": "object",
        "properties": {
            "data": data,
            "jsonData": json_data,
            "strData": {"type": "string"},
            "binData": {"type": "string", "format": "byte"},
            "meta": {"type": "object"},
        },
    }
    feedback = {
        "type": "object",
        "properties": {
            "request": {"$ref": "#/components/schemas/SeldonMessage"},
            "response": {"type": "object"},
            "reward": {"type": "number", "minimum": 0},
            "truth": {"$ref": "#/components/schemas/SeldonMessage"},
        },
    }
    schemas: dict[str, Any] = {"SeldonMessage": message, "Feedback": feedback}
    if columns:
        schemas["Row"] = {
            "type": "object",
            "additionalProperties": False,
            "required": [column.name for column in columns if not column.nullable],
            "properties": {column.name: _property(column) for column in columns},
        }
    return schemas


def _property(column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {"type": column.type}
    described = " ".join(filter(None, [column.description, f"[{column.unit}]" if column.unit else ""]))
    if described:
        found["description"] = described
    if column.minimum is not None:
        found["minimum"] = column.minimum
    if column.maximum is not None:
        found["maximum"] = column.maximum
    if column.enum:
        found["enum"] = [*column.enum, *([None] if column.nullable else [])]
    if column.nullable:
        found["nullable"] = True
    return found
