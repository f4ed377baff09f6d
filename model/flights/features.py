"""Monthly files as training frames: strings as they are, everything else as float32.

float32 because that is what the ONNX graph receives: training on the same numbers is half of parity.
Empty fields become NaN; what a missing value means is decided inside the pipelines of candidates.py.
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
            # An airport or airline named NA must stay a name: only an empty field is missing.
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
    """The columns of words and the columns of numbers: the two inputs of the ONNX graph, in this order."""
    given = list(names)
    words = [name for name in given if BY_NAME[name].kind == "string"]
    return words, [name for name in given if name not in words]


def matrix(frame: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """The frame as the pipelines take it: the words first, then the numbers."""
    words, numbers = order(names)
    return frame[[*words, *numbers]]


def inputs(frame: pd.DataFrame, names: Iterable[str]) -> Inputs:
    """The ONNX graph's inputs: `words` and `numbers`, a row a flight and a column a feature."""
    words, numbers = order(names)
    return {"words": frame[words].to_numpy(dtype=object), "numbers": frame[numbers].to_numpy(dtype=np.float32)}
