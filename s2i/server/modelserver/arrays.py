"""Converts checked rows to the array for ``predict``, and its result to lists.

With a schema, columns of numbers make a float64 array (int64 when all are integers and none is nullable). Rows with
text make an array of Python objects, so a number next to a text stays a number. Without a schema, numpy converts the
caller's lists, as in Seldon's wrapper.
"""

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy

from modelserver.errors import INTERNAL, ServingError
from modelserver.validation import Row


def from_rows(rows: list[Row], dtype: str) -> Any:
    """Rows in the model's order as an array of shape (rows, columns)."""
    return numpy.array(rows, dtype)


def joined(features: Sequence[Any]) -> Any:
    """The arrays of several requests, one below the other."""
    return numpy.concatenate(features)


def from_anything(values: object, shape: list[int] | None = None) -> Any:
    """A caller's lists as an array, for a model without a schema; 400 when they are ragged."""
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
    """The number of values of a shape."""
    return math.prod(shape)


def shape_of(data: Any) -> list[int]:
    """The shape of the model's result: an array, or nested lists. Raises ``ServingError`` 500 when it is ragged.

    An array of Python objects may contain lists; its shape is then that of the lists.
    """
    if hasattr(data, "shape") and getattr(data.dtype, "kind", "") != "O":
        return [int(size) for size in data.shape]
    level: list[Any] = list(data)
    shape = [len(level)]
    while nested := [kind for kind in set(map(type, level)) if issubclass(kind, list | tuple | numpy.ndarray)]:
        lengths = set(map(len, level)) if len(nested) == len(set(map(type, level))) else set()
        if len(lengths) != 1:
            text = "predict() returned rows of different lengths; all must have as many values"
            raise ServingError(500, text, reason=INTERNAL)
        shape += lengths
        level = list(chain.from_iterable(level))
    return shape


def flat_list(data: Any) -> list[Any]:
    """All elements in row-major order, as Python values."""
    if hasattr(data, "ravel"):
        data = data.ravel().tolist()
    flat: list[Any] = []
    for element in data:
        if isinstance(element, list | tuple | numpy.ndarray):
            flat += flat_list(element)
        else:
            flat.append(element)
    return flat


def is_array(data: Any) -> bool:
    """Whether ``data`` can represent the model's result."""
    return isinstance(data, list) or (hasattr(data, "tolist") and hasattr(data, "shape") and data.shape != ())


def is_numeric(data: Any) -> bool:
    """Whether all values are numbers, so that it may be a tensor. A bool is not a number, as in numpy."""
    kind = getattr(getattr(data, "dtype", None), "kind", None)
    if kind is not None:
        return kind in "iuf"
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in flat_list(data))
