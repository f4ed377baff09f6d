"""Monthly files as training frames: text columns as str, all others as float32.

The ONNX graph receives float32, so training uses the same numbers. Empty fields become NaN; the pipelines of
candidates.py handle missing values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flights import months
from flights.errors import FlightsError
from flights.schema import BY_NAME, COLUMNS, LABEL

Labels = NDArray[np.int64]
Inputs = dict[str, NDArray[np.object_] | NDArray[np.float32]]


def read(wanted: Iterable[int], folder: Path) -> pd.DataFrame:
    """All rows of the months, one after the other, with every column of the schema."""
    kinds = {column.name: "object" if column.kind == "string" else "float32" for column in COLUMNS}
    frames = []
    for month in wanted:
        file = folder / months.file_name(month)
        try:
            # NA is a valid code of an airport or airline: only an empty field is missing.
            frames.append(pd.read_csv(file, dtype=kinds, keep_default_na=False, na_values=_EMPTY))
        except FileNotFoundError as error:
            raise FlightsError(f"{file} is not there, next: python -m flights.ensure") from error
        except ValueError as error:
            raise FlightsError(f"{file}: {error}, next: python -m flights.validate {file}") from error
    return pd.concat(frames, ignore_index=True)


_EMPTY: Mapping[str, list[str]] = {column.name: [""] for column in COLUMNS if column.kind != "string"}


def labels(frame: pd.DataFrame) -> Labels:
    """1 where the flight was late, shape (rows,)."""
    late: Labels = frame[LABEL].to_numpy(dtype=np.int64)
    return late


def order(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """The text columns and the number columns: the two inputs of the ONNX graph, in this order."""
    given = list(names)
    words = [name for name in given if BY_NAME[name].kind == "string"]
    return words, [name for name in given if name not in words]


def matrix(frame: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """The frame in the order of the pipelines: the text columns first, then the numbers."""
    words, numbers = order(names)
    return frame[[*words, *numbers]]


def inputs(frame: pd.DataFrame, names: Iterable[str]) -> Inputs:
    """The ONNX graph's inputs `words` and `numbers`: a row for each flight, a column for each feature."""
    words, numbers = order(names)
    return {"words": frame[words].to_numpy(dtype=object), "numbers": frame[numbers].to_numpy(dtype=np.float32)}
