"""The rows of a project: read as a table, split into learning and test, as the graph and as callers take them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from delivery.errors import DeliveryError
from delivery.tabular.contract import INTEGER, STRING, Contract

Values = NDArray[np.float64]
Inputs = Mapping[str, NDArray[Any]]
"""`words` and `numbers`, a line for each row; the one that has no column is left out."""


class Split(NamedTuple):
    """The rows to learn from and those of the test, in the order of the file."""

    learning: pd.DataFrame
    test: pd.DataFrame


def read(contract: Contract) -> pd.DataFrame:
    """The rows whose label is known. Texts are str, empty where missing; numbers are float32, NaN where missing.

    The label is as in the file: str for a classification, else float64. DeliveryError when the file cannot be read.
    """
    path, label = contract.data, contract.label.name
    kinds: dict[str, Any] = dict.fromkeys(contract.numbers, "float32")
    kinds |= dict.fromkeys(contract.words, "object") | {label: "object" if contract.positive else "float64"}
    numbers = [name for name, kind in kinds.items() if kind != "object"]
    try:
        rows = pd.read_csv(
            path, dtype=kinds, usecols=list(kinds), keep_default_na=False, na_values={name: [""] for name in numbers}
        )
    except FileNotFoundError as error:
        raise DeliveryError(f"{path} is not there", next="dvc pull") from error
    except ValueError as error:
        raise DeliveryError(f"{path}: {error}", next="python -m delivery.tabular validate") from error
    known = rows[label] != "" if contract.positive else rows[label].notna()
    return rows[known].reset_index(drop=True)


def split(rows: pd.DataFrame, every: int) -> Split:
    """Each `every`-th row is for the test, so that it has rows of the whole file."""
    chosen = np.arange(len(rows)) % every == every - 1
    return Split(rows[~chosen].reset_index(drop=True), rows[chosen].reset_index(drop=True))


def inputs(contract: Contract, rows: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """The inputs of the ONNX graph."""
    found: dict[str, NDArray[Any]] = {}
    if contract.words:
        found["words"] = rows[list(contract.words)].to_numpy(dtype=object)
    if contract.numbers:
        found["numbers"] = rows[list(contract.numbers)].to_numpy(dtype=np.float32)
    return found


def truth(contract: Contract, rows: pd.DataFrame) -> Values:
    """The label of each row, shape (rows,): of a classification, 1 for the positive class and 0 for all others."""
    label = rows[contract.label.name]
    if contract.positive:
        label = label.astype(str) == contract.positive
    found: Values = label.to_numpy(dtype=np.float64)
    return found


def as_sent(contract: Contract, name: str, rows: pd.DataFrame) -> list[Any]:
    """The values of a feature as a caller sends them: 16.5 instead of float32's, and None for an empty field."""
    column = contract[name]
    if column.type == STRING:
        return [str(value) or None for value in rows[name]]
    return [
        None if np.isnan(value) else int(value) if column.type == INTEGER else round(float(value), column.decimals)
        for value in rows[name]
    ]


def rows_of(contract: Contract, rows: pd.DataFrame) -> list[list[Any]]:
    """The rows as a caller sends them, in the order of the features."""
    return [list(row) for row in zip(*(as_sent(contract, name, rows) for name in contract.features), strict=True)]


def md5(file: Path) -> str:
    """The MD5 of the data file, as DVC computes it. It names the content and protects against nothing."""
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except FileNotFoundError as error:
        raise DeliveryError(f"{file} is not there", next="dvc pull") from error


def version(file: Path) -> str:
    """The version of the data: the beginning of its MD5."""
    return md5(file)[:12]
