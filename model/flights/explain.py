"""Explain one answer: exact Shapley values of groups of columns, against real flights.

The players are groups of related columns (a route and its distance, wind and rain). A coalition is a flight with the
values of the asked row in its groups, and of a reference flight in all others. Its worth is the mean probability of
late over the reference flights, which are the sample rows of the model's card. So the parts and the usual probability
add up exactly to the answer (efficiency). With five groups and 20 flights this is one batch of 640 rows. These rows are
not counted as predictions.

Sources: Lundberg and Lee, A Unified Approach to Interpreting Model Predictions, NeurIPS 2017 (arXiv:1705.07874). Absent
values are drawn independently of the present ones: Janzing, Minorics and Bloebaum, Feature relevance quantification in
explainable AI, AISTATS 2020 (arXiv:1910.13413).

It does not show causes: it shows which columns the model used. Some mixed flights do not exist in a timetable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flights.errors import BadInputError

if TYPE_CHECKING:
    from flights.serve import Feed, FlightModel

DOCUMENT = "explain"
"""The key of a jsonData request for an explanation: {"explain": {"names": [...], "ndarray": [[...]]}}."""
GROUPS: Mapping[str, tuple[str, ...]] = {
    "time": ("weekday", "sched_dep", "sched_arr"),
    "airline": ("carrier",),
    "route": ("origin", "dest", "distance"),
    "plane": ("plane_age", "seats"),
    "weather": ("temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"),
}
_ASKED = ("names", "ndarray")


@dataclass(frozen=True, slots=True)
class Part:
    """A group of columns, and the change of the probability of late that it causes in the model."""

    name: str
    columns: tuple[str, ...]
    moved: float


class Explainer:
    """Explains rows of one model. Threads may share it: its only state is the reference flights."""

    def __init__(self, model: FlightModel) -> None:
        self._model = model
        self._groups = grouped(model.card.features)
        self._reference = model.feed(model.card.sample.rows, model.card.sample.names)
        size = len(self._groups)
        # A row for each coalition, a column for each group: whether the group has the values of the asked row.
        self._coalitions = np.array(list(product((False, True), repeat=size)), dtype=bool)
        self._weights = _weights(self._coalitions)

    def answer(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The answer {"explain": {"names", "ndarray"}}. Raises BadInputError unless the request is one valid row.

        `late` is the row's probability, `usual` the mean of the reference flights. The `moved` of the parts add up to
        the difference; the largest comes first.
        """
        rows, names = _asked(document)
        late, usual, parts = self.explain(rows, names)
        return {
            "explanation": {
                "late": late,
                "usual": usual,
                "threshold": self._model.card.threshold,
                "parts": [{"name": part.name, "columns": list(part.columns), "moved": part.moved} for part in parts],
            }
        }

    def explain(self, rows: Any, names: Sequence[str] | None = None) -> tuple[float, float, list[Part]]:
        """The row's probability of late, the usual one, and the parts, the largest first."""
        row = self._model.feed(rows, names)
        flights = len(self._reference["numbers"])
        mixed: Feed = {}
        for kind, columns in self._model.inputs.items():
            owner = np.array([_owner(self._groups, name) for name in columns], dtype=int)
            own = self._coalitions[:, None, owner]
            table = np.where(own, row[kind][None, :, :], self._reference[kind][None, :, :])
            mixed[kind] = table.reshape(-1, len(columns))
        late = self._model.answer(mixed)[:, 1].reshape(-1, flights).mean(axis=1)
        moved = self._weights @ late
        parts = [Part(name, columns, float(by)) for (name, columns), by in zip(self._groups, moved, strict=True)]
        return float(late[-1]), float(late[0]), sorted(parts, key=lambda part: -abs(part.moved))


def grouped(columns: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """The groups of a model's columns. A column that is in no group is its own group."""
    found = [(name, tuple(c for c in members if c in columns)) for name, members in GROUPS.items()]
    known = {column for _, members in found for column in members}
    return [group for group in found if group[1]] + [(name, (name,)) for name in columns if name not in known]


def _owner(groups: Sequence[tuple[str, tuple[str, ...]]], column: str) -> int:
    return next(place for place, (_, members) in enumerate(groups) if column in members)


def _weights(coalitions: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Shapley's weights, shape (groups, coalitions): positive where the group is in the coalition."""
    size = coalitions.shape[1]
    others = coalitions.sum(axis=1)[None, :] - coalitions.T
    share = [factorial(n) * factorial(size - n - 1) / factorial(size) for n in range(size)]
    weights: NDArray[np.float64] = np.where(coalitions.T, 1.0, -1.0) * np.array(share)[others]
    return weights


def _asked(document: Mapping[str, Any]) -> tuple[Any, Any]:
    if list(document) != [DOCUMENT]:
        raise BadInputError(f"jsonData: got {_keys(document)}, allowed: {DOCUMENT} alone")
    asked = document[DOCUMENT]
    if not isinstance(asked, Mapping) or not {"ndarray"} <= set(asked) <= set(_ASKED):
        got = _keys(asked) if isinstance(asked, Mapping) else type(asked).__name__
        raise BadInputError(f"{DOCUMENT}: got {got}, allowed: an object with {' and '.join(_ASKED)}")
    names, rows = asked.get("names"), asked["ndarray"]
    if names is not None and not isinstance(names, list):
        raise BadInputError(f"{DOCUMENT}.names: got {type(names).__name__}, allowed: a list of column names")
    if not isinstance(rows, list) or len(rows) != 1:
        got = f"{len(rows)} rows" if isinstance(rows, list) else type(rows).__name__
        raise BadInputError(f"{DOCUMENT}.ndarray: got {got}, allowed: a list of one row")
    return rows, names


def _keys(given: Mapping[str, Any]) -> str:
    return ", ".join(str(key)[:40] for key in list(given)[:5]) or "nothing"
