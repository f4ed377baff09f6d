"""The training data as the model describes it: for each feature its bins, and the share of the rows in each bin.

``training_reference()`` of a model returns it as a dict, which training has written beside the model:

    {"data_version": "4f1c...",
     "features": [{"name": "distance", "edges": [17, 200, 4983], "usual": 0.1,
                   "bins": {"below": 0, "01 to 200": 0.4, "02 to 4983": 0.6, "above": 0, "missing": 0}},
                  {"name": "dest", "values": ["ORD"], "others": ["ABQ"], "usual": 0.1,
                   "bins": {"01 ORD": 0.9, "other": 0.1, "unseen": 0, "missing": 0}}],
     "outputs": {"shares": [0.1, ...], "usual": 0.2}}

A number's ``edges`` are the smallest value of training and the upper bounds of its bins, which include the bound. Its
bins are ``below``, one for each upper bound, ``above`` and ``missing``. A text's bins are one for each of ``values``,
then ``other`` (the values in ``others``), ``unseen`` (all that training did not have) and ``missing``. ``outputs`` has
the shares of the model's answers by ``model_output_decile``. ``usual`` is how far some days of training were from all
of it, as a population stability index. The number of bins is that of training, whatever callers send.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelserver.columns import Column
from modelserver.errors import StartError

KEYS = ("data_version", "features", "outputs")
MAX_BINS = 1000


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: its position among the columns, and its bins in order with their shares of the training rows."""

    name: str
    at: int
    bins: Mapping[str, float]
    usual: float
    edges: tuple[float, ...] = ()
    """Of a number: the smallest value, then the upper bounds of the bins. Empty for a text."""
    values: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """All features in the order of the document; ``outputs`` is empty where training did not say them."""

    data_version: str
    features: tuple[Feature, ...]
    outputs: tuple[float, ...]
    usual_output: float


def parse_reference(document: object, columns: Sequence[Column]) -> Reference:
    """Read what ``training_reference()`` returned. Raises ``StartError``, which names the feature and what is wrong."""
    where = "training_reference()"
    if not isinstance(document, Mapping):
        raise StartError(f"{where} must return an object, not {type(document).__name__}")
    unknown = sorted(str(key) for key in document if key not in KEYS)
    if unknown:
        raise StartError(f"{where}: unknown key {unknown[0]}; allowed are {', '.join(KEYS)}")
    entries, outputs = document.get("features"), document.get("outputs") or {"shares": [], "usual": 0.0}
    if not isinstance(outputs, Mapping):
        raise StartError(f"{where}: outputs must be an object")
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise StartError(f"{where}: features must be a list")
    positions = {column.name: at for at, column in enumerate(columns)}
    features = tuple(
        _feature(f"{where}: features[{at}]", entry, positions, columns) for at, entry in enumerate(entries)
    )
    names = [feature.name for feature in features]
    if len(set(names)) < len(names):
        raise StartError(f"{where}: a feature is there twice")
    bins = sum(len(feature.bins) for feature in features)
    if bins > MAX_BINS:
        raise StartError(f"{where}: {bins} bins; at most {MAX_BINS} are allowed")
    (usual,) = _numbers(f"{where}: outputs: usual", [outputs.get("usual")])
    shares = _numbers(f"{where}: outputs: shares", outputs.get("shares"))
    return Reference(str(document.get("data_version") or ""), features, shares, usual)


def _feature(where: str, entry: object, positions: Mapping[str, int], columns: Sequence[Column]) -> Feature:
    if not isinstance(entry, Mapping):
        raise StartError(f"{where} must be an object")
    name = entry.get("name")
    at = positions.get(name) if isinstance(name, str) else None
    if at is None:
        raise StartError(f"{where}: {name!r} is no column of input_schema()")
    where = f'{where} "{name}"'
    bins = entry.get("bins")
    if not isinstance(bins, Mapping):
        raise StartError(f"{where}: bins must be an object")
    shares = dict(zip(map(str, bins), _numbers(f"{where}: bins", list(bins.values())), strict=True))
    (usual,) = _numbers(f"{where}: usual", [entry.get("usual")])
    if columns[at].type == "string":
        values, others = (_texts(where, key, entry.get(key)) for key in ("values", "others"))
        _must_be(where, len(shares), len(values) + 3)
        return Feature(str(name), at, shares, usual, values=values, others=others)
    edges = _numbers(f"{where}: edges", entry.get("edges"), least=-math.inf)
    if not edges or list(edges) != sorted(edges):
        raise StartError(f"{where}: edges must rise")
    _must_be(where, len(shares), len(edges) + 2)
    return Feature(str(name), at, shares, usual, edges=edges)


def _must_be(where: str, bins: int, wanted: int) -> None:
    if bins != wanted:
        raise StartError(f"{where}: {bins} bins, allowed: {wanted}")


def _numbers(where: str, values: Any, least: float = 0.0) -> tuple[float, ...]:
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise StartError(f"{where} must be numbers")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < least:
            raise StartError(f"{where}: {value!r} is not a finite number" + (" of at least 0" if least == 0 else ""))
    return tuple(map(float, values))


def _texts(where: str, key: str, values: object) -> tuple[str, ...]:
    if not isinstance(values, Sequence) or isinstance(values, str) or not all(isinstance(v, str) for v in values):
        raise StartError(f"{where}: {key} must be a list of texts")
    return tuple(values)
