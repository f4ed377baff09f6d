"""The server's OpenAPI document, made from the model's columns, so that a client can be generated from it."""

from collections.abc import Sequence
from typing import Any

from modelserver.columns import Column
from modelserver.oip_protocol import DATATYPES, inputs_of
from modelserver.seldon_protocol import KINDS, MAX_REWARD
from modelserver.validation import sample_row

Schema = dict[str, Any]


def document(model: str, version: str, columns: Sequence[Column], documents: Sequence[str] = ()) -> Schema:
    """OpenAPI 3.0 for one model: the Seldon protocol, the Open Inference Protocol, health and metrics.

    ``documents`` are keys of jsonData that the model reads itself.
    """
    paths: Schema = {
        "/api/v1.0/predictions": _post("predict", "Predict", "SeldonMessage", "SeldonAnswer", "SeldonStatus"),
        "/api/v1.0/feedback": _post("feedback", "Send what became of a prediction", "Feedback", "SeldonAnswer",
                                    "SeldonStatus"),
        f"/v2/models/{model}/infer": _post("infer", "Predict by the Open Inference Protocol", "InferenceRequest",
                                           "InferenceResponse", "InferenceError"),
    }  # fmt: skip
    if columns:
        row = sample_row(columns)
        asked = {"data": {"names": list(row), "ndarray": [list(row.values())]}}
        tensors = [
            {**entry, "shape": [1], "data": [row[str(entry["name"])]]}
            for entry in inputs_of(columns)
            if row[str(entry["name"])] is not None
        ]
        for path, example in zip(paths, (asked, {"request": asked, "reward": 1}, {"inputs": tensors}), strict=True):
            paths[path]["post"]["requestBody"]["content"]["application/json"]["example"] = example
    for path, text in {
        "/ready": "Whether the model is loaded and has answered",
        "/live": "Whether the process answers",
        "/health/ping": "The word pong",
        "/health/status": "What the model says of its health",
        "/metadata": "The model's own description",
        "/v2": "The server's name, version and extensions",
        "/v2/health/live": "Whether the process answers",
        "/v2/health/ready": "Whether the model is loaded and has answered",
        f"/v2/models/{model}": "The model's inputs and outputs",
        f"/v2/models/{model}/ready": "Whether the model is loaded and has answered",
        "/metrics": "Prometheus metrics",
        "/seldon.json": "This description, for machines",
        "/docs": "This description, for people",
    }.items():
        paths[path] = {"get": {"summary": text, "responses": {"200": {"description": text}}}}
    return {
        "openapi": "3.0.3",
        "info": {"title": model, "version": version},
        "paths": paths,
        "components": {"schemas": _schemas(columns, documents)},
    }


def _post(name: str, summary: str, request: str, answer: str, error: str) -> Schema:
    def content(schema: str) -> Schema:
        return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}

    refusals = {
        "400": "The request is wrong; the text names row and column, the value and what is allowed",
        "403": "A browser sent the request for a page of another site",
        "408": "The body did not arrive in time",
        "413": "The body is too large or has too many rows",
        "415": "The body is compressed, or its content type is not JSON",
        "503": "Not ready, or too many requests at once; Retry-After says when to try again",
    }
    if error == "InferenceError":
        refusals["415"] = "The body is compressed"
    if name == "feedback":
        refusals["401"] = "The deployment takes feedback only with its token"
    return {
        "post": {
            "operationId": name,
            "summary": summary,
            "requestBody": {"required": True, "content": content(request)},
            "responses": {
                "200": {"description": "The answer", "content": content(answer)},
                **{code: {"description": text, "content": content(error)} for code, text in refusals.items()},
            },
        }
    }


def _schemas(columns: Sequence[Column], documents: Sequence[str]) -> Schema:
    names: Schema = {"type": "array", "items": {"type": "string"}, "nullable": True}
    row: Schema = {"type": "array", "items": {}}
    if columns:
        names["items"]["enum"] = [column.name for column in columns]
        row |= {"minItems": 1, "maxItems": len(columns)}
    integers = {"type": "array", "items": {"type": "integer"}}
    tensor = _object(shape=integers, values={"type": "array", "items": {"type": "number"}})
    json_data: Schema = _ref("Row") if columns else {}
    if columns and documents:
        own = [{**_object(**{key: {}}), "required": [key]} for key in documents]
        json_data = {"anyOf": [json_data, *own]}
    message = _message(_data(names, row, tensor), json_data, ("data", "jsonData") if columns else KINDS)
    answer = _message(_data({"type": "array", "items": {"type": "string"}, "nullable": True}, {}, tensor), {})
    text = {"type": "string"}
    optional_text = {**text, "nullable": True}
    named = {
        "name": text,
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 1}},
        "datatype": {"type": "string", "enum": list(DATATYPES)},
        "data": {"type": "array", "items": {}},
    }
    tensors = {"type": "array", "items": {**_object(**named), "required": list(named)}}
    schemas = {
        "SeldonMessage": message,
        "SeldonAnswer": answer,
        "Meta": _optional(
            _object(
                puid=optional_text,
                tags=_optional(_object()),
                routing=_optional(_object()),
                requestPath=_optional(_object()),
                metrics=_optional({"type": "array", "items": {}}),
            )
        ),
        "Feedback": {
            **_object(
                request=_optional(_ref("SeldonMessage")),
                response=_optional(_object(meta=_ref("Meta"))),
                reward={"type": "number", "minimum": 0, "maximum": MAX_REWARD, "nullable": True},
                truth=_optional(_ref("SeldonAnswer")),
            ),
            "additionalProperties": False,
        },
        "SeldonStatus": {
            **_object(status=_object(status={"type": "integer"}, info=text, code={"type": "integer"}, reason=text)),
            "required": ["status"],
        },
        "InferenceRequest": {**_object(id=optional_text, inputs={**tensors, "minItems": 1}), "required": ["inputs"]},
        "InferenceResponse": {
            **_object(model_name=text, model_version=text, id=text, parameters=_object(), outputs=tensors),
            "required": ["model_name", "outputs"],
        },
        "InferenceError": {**_object(error=text), "required": ["error"]},
    }
    if columns:
        schemas["Row"] = {
            "type": "object",
            "additionalProperties": False,
            "required": [column.name for column in columns if not column.nullable],
            "properties": {column.name: _property(column) for column in columns},
        }
    return schemas


def _data(names: Schema, row: Schema, tensor: Schema) -> Schema:
    kinds = {"ndarray": {"type": "array", "items": row}, "tensor": tensor}
    return {**_object(names=names, **kinds), "oneOf": [{"required": [kind]} for kind in kinds]}


def _message(data: Schema, json_data: Schema, kinds: Sequence[str] = KINDS) -> Schema:
    """A message with exactly one payload of these kinds."""
    text: Schema = {"type": "string"}
    payloads = {"data": data, "jsonData": json_data, "strData": text, "binData": {**text, "format": "byte"}}
    allowed = {kind: payloads[kind] for kind in kinds}
    return {**_object(**allowed, meta=_ref("Meta")), "oneOf": [{"required": [kind]} for kind in kinds]}


def _optional(schema: Schema) -> Schema:
    """A schema that allows null too. In OpenAPI 3.0 ``nullable`` has no effect next to a ``$ref``."""
    return {"anyOf": [schema, _NULL]} if "$ref" in schema else {**schema, "nullable": True}


_NULL: Schema = {"type": "object", "nullable": True, "enum": [None]}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties} if properties else {"type": "object"}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _property(column: Column) -> Schema:
    found: Schema = {"type": column.type}
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
