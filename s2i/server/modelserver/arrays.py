"""Turns checked rows into what ``predict`` expects, and what it returned into lists.

The server itself needs no numpy: a model that imported it gets arrays, any other gets lists of lists. With
a schema, columns of numbers alone make a float64 array (int64 when all are integers, none nullable), and
rows with text make an array of Python objects, so that a number beside a text stays a number. Without a
schema the array is whatever numpy makes of the caller's lists, as in Seldon's wrapper.
"""

import math
import sys
from collections.abc import Sequence
from typing import Any

from modelserver.errors import ServingError
from modelserver.validation import Row


def from_rows(rows: list[Row], dtype: str) -> Any:
    """Rows in the model's order as (rows, columns)."""
    numpy = sys.modules.get("numpy")
    return rows if numpy is None else numpy.array(rows, dtype)


def joined(features: Sequence[Any]) -> Any:
    """Features of several requests, one below the other."""
    numpy = sys.modules.get("numpy")
    return [row for rows in features for row in rows] if numpy is None else numpy.concatenate(features)


def from_anything(values: object, shape: list[int] | None = None) -> Any:
    """A caller's lists for a model without a schema; 400 when they are ragged."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return values if shape is None else reshape(values, shape)
    try:
        array = numpy.array(values)
        return array if shape is None else array.reshape(shape)
    except (ValueError, TypeError, OverflowError) as error:
        raise ServingError(400, "the values make no array: rows of one length are allowed") from error


def reshape(values: object, shape: Sequence[int]) -> list[Any]:
    """A flat list as nested lists of ``shape``; sizes are at least 1 and agree with it (``is_shape``)."""
    flat: list[Any] = list(values) if isinstance(values, list) else [values]
    for size in reversed(shape[1:]):
        flat = [flat[start : start + size] for start in range(0, len(flat), size)]
    return flat


def is_shape(shape: object) -> bool:
    """Whether a caller's shape can be used: sizes of at least 1, no more than numpy's 32 dimensions."""
    return isinstance(shape, list) and 0 < len(shape) <= 32 and all(type(n) is int and n > 0 for n in shape)


def size_of(shape: Sequence[int]) -> int:
    """How many values a shape holds."""
    return math.prod(shape)


def shape_of(data: Any) -> list[int]:
    """The shape of an array or of nested lists, by the first element of each."""
    if hasattr(data, "shape"):
        return [int(size) for size in data.shape]
    shape = []
    while isinstance(data, list | tuple):
        shape.append(len(data))
        data = data[0] if data else None
    return shape


def flat_list(data: Any) -> list[Any]:
    """All elements in row-major order, as Python values."""
    if hasattr(data, "ravel"):
        return list(data.ravel().tolist())
    flat: list[Any] = []
    for element in data:
        if isinstance(element, list | tuple):
            flat += flat_list(element)
        else:
            flat.append(element)
    return flat


def is_array(data: Any) -> bool:
    """Whether the model returned something that goes into ``data``."""
    return isinstance(data, list) or (hasattr(data, "tolist") and hasattr(data, "shape") and data.shape != ())


def is_numeric(data: Any) -> bool:
    """Whether all of it is numbers, so that it may travel as a tensor (numpy's view: a bool is not)."""
    kind = getattr(getattr(data, "dtype", None), "kind", None)
    if kind is not None:
        return kind in "iuf"
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in flat_list(data))
