"""The Open Inference Protocol (v2) in JSON: tensors in, tensors out.

A model with columns takes either one input a column, named as the column, of shape [n] or [n, 1], or a single
input of shape [n, columns] in the model's order. Data may be flat or nested. The answer is one output named
``predict``. Binary data, shared memory and the repository API are not served, and a request for them is refused.
Source of the rules: the protocol's REST specification, version 2.
"""

from collections.abc import Sequence
from typing import Any

from modelserver import arrays, jsontext
from modelserver.columns import Column
from modelserver.errors import INTERNAL, ServingError, shown
from modelserver.seldon_protocol import Message
from modelserver.validation import RowValidator

DATATYPES = (
    *("BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"),
    *("FP16", "FP32", "FP64", "BYTES"),
)
OUTPUT = "predict"
NO_BINARY = "binary tensor data is not served here; allowed: JSON, in inputs[].data"
_OF_COLUMN = {"string": "BYTES", "integer": "INT64", "number": "FP64"}
_OF_DTYPE = {
    **{f"{sign}int{bits}": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"FP{bits}" for bits in (16, 32, 64)},
    "bool": "BOOL",
}


def read(request: object, validator: RowValidator | None) -> Message:
    """Read an inference request, and check it against the model's columns when it has some. Raises ``ServingError``."""
    if not isinstance(request, dict) or not isinstance(request.get("inputs"), list) or not request["inputs"]:
        raise ServingError(400, "the body must be an object with a list inputs of at least one tensor")
    identifier = request.get("id")
    if identifier is not None and not isinstance(identifier, str):
        raise ServingError(400, f"id is {shown(identifier)}; allowed: a string")
    _check_outputs(request.get("outputs"))
    inputs = [_input(place, entry) for place, entry in enumerate(request["inputs"])]
    if validator is None:
        if len(inputs) != 1:
            raise ServingError(400, f"{len(inputs)} inputs; this model takes one tensor")
        name, shape, values = inputs[0]
        return Message("v2", arrays.from_anything(values, shape), [name], {}, shape[0])
    names = [name for name, _, _ in inputs]
    if len(inputs) == 1 and (len(validator.names) > 1 or names != validator.names):
        _, shape, values = inputs[0]
        if len(shape) != 2:
            raise ServingError(400, f"inputs[0] has the shape {shape}; allowed: [rows, {len(validator.names)}]")
        rows = validator.rows(arrays.reshape(values, shape))
    else:
        rows = validator.rows(_by_column(inputs), names)
    return Message("v2", arrays.from_rows(rows, validator.dtype), validator.names, {}, len(rows))


def _check_outputs(asked: object) -> None:
    """What a caller wants back: nothing said, or the one output in JSON."""
    if asked is None:
        return
    if not isinstance(asked, list) or any(not isinstance(entry, dict) for entry in asked):
        raise ServingError(400, f"outputs is {shown(asked)}; allowed: a list of objects with a name")
    for entry in asked:
        if entry.get("name") != OUTPUT:
            raise ServingError(400, f"there is no output {shown(entry.get('name'))}; allowed: {OUTPUT}")
        parameters = entry.get("parameters")
        if isinstance(parameters, dict) and parameters.get("binary_data"):
            raise ServingError(400, NO_BINARY)


def _input(place: int, entry: object) -> tuple[str, list[int], list[Any]]:
    where = f"inputs[{place}]"
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise ServingError(400, f"{where} must be an object with name, shape, datatype and data")
    where = f"{where} {shown(entry['name'])}"
    shape, datatype, data = entry.get("shape"), entry.get("datatype"), entry.get("data")
    if not isinstance(shape, list) or not arrays.is_shape(shape):
        raise ServingError(400, f"{where}: shape is {shown(shape)}; allowed: a list of sizes of at least 1")
    if not isinstance(datatype, str) or datatype not in DATATYPES:
        raise ServingError(400, f"{where}: datatype is {shown(datatype)}; allowed: {', '.join(DATATYPES)}")
    parameters = entry.get("parameters")
    if isinstance(parameters, dict) and "binary_data_size" in parameters:
        raise ServingError(400, f"{where}: {NO_BINARY}")
    if not isinstance(data, list):
        raise ServingError(400, f"{where}: data is {shown(data)}; allowed: a list")
    jsontext.check_depth(data, f"{where}: data")
    values = arrays.flat_list(data)
    if len(values) != arrays.size_of(shape):
        raise ServingError(400, f"{where}: {len(values)} values for the shape {shape}")
    fits = (str,) if datatype == "BYTES" else (bool,) if datatype == "BOOL" else (int, float)
    for value in values:
        # null marks a missing value of a nullable column, whatever the datatype.
        if value is not None and (not isinstance(value, fits) or (bool not in fits and isinstance(value, bool))):
            raise ServingError(400, f"{where}: {shown(value)} is no {datatype}")
    return entry["name"], shape, values


def _by_column(inputs: list[tuple[str, list[int], list[Any]]]) -> list[list[Any]]:
    count = len(inputs[0][2])
    for name, shape, _ in inputs:
        if shape not in ([count], [count, 1]):
            raise ServingError(400, f"input {shown(name)} has the shape {shape}; allowed: [{count}] or [{count}, 1]")
    return [list(row) for row in zip(*(values for _, _, values in inputs), strict=True)]


def write(data: Any, model_name: str, version: str, identifier: str | None) -> dict[str, Any]:
    """The answer. A dict, str or bytes travels as one BYTES element. Raises ``ServingError`` 500."""
    shape: list[int]
    if isinstance(data, bytes | bytearray):
        data = data.decode("utf-8", "replace")
    if isinstance(data, dict | str):
        datatype, shape, values = "BYTES", [1], [data]
    elif arrays.is_array(data):
        shape, values = arrays.shape_of(data), arrays.flat_list(data)
        datatype = _OF_DTYPE.get(str(getattr(data, "dtype", "")), "") or _datatype(values)
    else:
        text = f"predict() returned {type(data).__name__}; it must return an array, a list, a dict, str or bytes"
        raise ServingError(500, text, reason=INTERNAL)
    answer: dict[str, Any] = {"model_name": model_name, "model_version": version}
    if identifier:
        answer["id"] = identifier
    output = {"name": OUTPUT, "shape": shape, "datatype": datatype, "data": values}
    return {**answer, "parameters": {}, "outputs": [output]}


def _datatype(values: list[Any]) -> str:
    if values and all(isinstance(value, bool) for value in values):
        return "BOOL"
    if values and all(type(value) is int for value in values):
        return "INT64"
    return "FP64" if all(type(value) in (int, float) for value in values) else "BYTES"


def inputs_of(columns: Sequence[Column]) -> list[dict[str, object]]:
    """The model's inputs for its metadata: one tensor a column."""
    return [{"name": column.name, "datatype": _OF_COLUMN[column.type], "shape": [-1]} for column in columns]
