"""Real months of flights as a served model has counted them: computed once, and cached in .cache/tests.

A model is trained on January to June, as the pipeline does. Of July and of September to December, each flight has the
seconds at which it was asked about and its truth was known, its truth, the model's probability, and the bin of training
that each feature is in. `Played` makes the series of Prometheus from them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from delivery import drift
from numpy.typing import NDArray

from tests.s2i.flights import KIT, fingerprint, locked

COMPUTE = """
import json, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from delivery import drift
from flights import data, export, features, params, serve, train
from flights.traffic import flights_of

out = Path(sys.argv[1])
learned, played = range(1, 7), (7, 9, 10, 11, 12)
data.make([*learned, *played], out / "months")
given = replace(params.load(Path("params.yaml")), train_months=tuple(learned), test_month=7)
test = features.read([7], out / "months")
model, card = train.train("boosted", given, features.read(learned, out / "months"), test, "0" * 12)
running, names = export.session(model), list(given.features)
arrays = {}
for month in played:
    rows = flights_of(month, out / "months").rows
    columns = {name: [row.values[name] for row in rows] for name in names}
    frame = test.__class__(columns)
    _, numbers = features.order(names)
    frame[numbers] = frame[numbers].astype(np.float32)
    arrays[f"{month}.late"] = export.late(running, features.inputs(frame, names))
    for key in ("asked_at", "known_at", "truth"):
        arrays[f"{month}.{key}"] = np.array([getattr(row, key) for row in rows])
    for one in card.reference["features"]:
        arrays[f"{month}.{one['name']}"] = drift.bins(one, columns[one["name"]]).astype(np.int8)
np.savez_compressed(out / "season.npz", **arrays)
scores = {entry["tags"]["measure"]: entry["value"] for entry in serve._reference(card.metrics)}
about = {"threshold": given.threshold, "scores": scores, "reference": card.reference}
(out / "season.json").write_text(json.dumps(about))
"""
PLACE = {"namespace": "user1-production", "deployment_name": "flight-delay", "predictor_name": "main"}
STEP = 10.0
"""Seconds between two samples of a series."""


@dataclass(frozen=True)
class Flights:
    """Flights in their order: seconds at which each was asked about and known, truth, probability, bins by feature."""

    asked: NDArray[np.float64]
    known: NDArray[np.float64]
    truth: NDArray[np.intp]
    late: NDArray[np.float64]
    bins: Mapping[str, NDArray[np.intp]]

    def series(self, seconds: float) -> Iterator[dict[str, str]]:
        """What Prometheus scrapes of them, from the beginning to `seconds`."""
        about, steps = season().about, int(seconds / STEP)
        for feature in about["reference"]["features"]:
            labels = {"data_version": about["reference"]["data_version"], "feature": feature["name"]}
            counted = _counted(self.asked, self.bins[feature["name"]], len(feature["bins"]), steps)
            for at, (name, share) in enumerate(feature["bins"].items()):
                yield _counter("model_feature_rows_total", counted[:, at], **labels, bin=name)
                yield _gauge("model_feature_reference", share, steps, **labels, bin=name)
            yield _gauge("model_feature_usual_psi", feature["usual"], steps, **labels)
        outputs = about["reference"]["outputs"]
        counted = _counted(self.asked, drift.deciles(self.late), drift.DECILES, steps)
        for at, share in enumerate(outputs["shares"]):
            yield _counter("model_output_decile_total", counted[:, at], decile=str(at))
            yield _gauge("model_output_reference", share, steps, decile=str(at))
        version = {"data_version": about["reference"]["data_version"]}
        yield _gauge("model_output_usual_psi", outputs["usual"], steps, **version)
        said = (self.late >= about["threshold"]).astype(np.intp)
        counted = _counted(self.known, 2 * said + self.truth, 4, steps)
        for at in range(4):
            labels = {"predicted": CLASSES[at // 2], "actual": CLASSES[at % 2]}
            yield _counter("model_feedback_total", counted[:, at], **labels)
        expected = _counted(self.known, np.zeros(len(self.late), np.intp), 1, steps, self.late)[:, 0].round(3)
        yield _counter("model_feedback_probability_total", expected, bin="0.00")
        for measure, value in about["scores"].items():
            yield _gauge("model_reference", value, steps, measure=measure)


CLASSES = ("on_time", "late")


@dataclass(frozen=True)
class Season:
    """What was computed: `about` is of the model, `months` has its arrays by `<month>.<name>`."""

    about: dict[str, Any]
    months: Mapping[str, NDArray[Any]]

    def played(self, wanted: Sequence[int], seed: int, *, share: float = 0.9, rate: float = 50.0) -> Flights:
        """Most flights of some months in their order and at true proportions, `rate` a second on average."""
        chance = np.random.default_rng(seed)
        found = self._flights(wanted)
        chosen = np.flatnonzero(chance.random(len(found.asked)) < share)
        asked = found.asked[chosen]
        speed = rate * (asked[-1] - asked[0]) / len(chosen)
        return _of(found, chosen, (asked - asked[0]) / speed, (found.known[chosen] - asked[0]) / speed)

    def sent(self, month: int, seconds: float, *, rate: float, swapped: bool = False) -> Flights:
        """Flights of a month by chance, `rate` a second, whose truth comes at once: a caller of `flights.traffic`."""
        found = self._flights([month])
        chosen = np.random.default_rng(1).integers(0, len(found.asked), int(rate * seconds))
        asked = np.arange(len(chosen)) / rate
        made = _of(found, chosen, asked, asked)
        return Flights(made.asked, made.known, 1 - made.truth, made.late, made.bins) if swapped else made

    def begins(self, flights: Flights, wanted: Sequence[int], month: int) -> float:
        """Seconds at which the share of the flights before a month has been asked about."""
        before = sum(len(self.months[f"{one}.late"]) for one in wanted if one < month)
        every = sum(len(self.months[f"{one}.late"]) for one in wanted)
        return float(flights.asked[-1]) * before / every

    def _flights(self, wanted: Sequence[int]) -> Flights:
        def all_of(name: str) -> NDArray[Any]:
            return np.concatenate([self.months[f"{month}.{name}"] for month in wanted])

        order = np.argsort(all_of("asked_at"), kind="stable")
        names = [feature["name"] for feature in self.about["reference"]["features"]]
        return Flights(
            all_of("asked_at")[order],
            all_of("known_at")[order],
            all_of("truth")[order].astype(np.intp),
            all_of("late")[order],
            {name: all_of(name)[order].astype(np.intp) for name in names},
        )


@cache
def season() -> Season:
    """The computed months; half a minute the first time."""
    with locked("season") as folder:
        made = folder / f"season-{fingerprint(COMPUTE)}"
        if not made.is_dir():
            for old in folder.glob("season-*"):
                shutil.rmtree(old)
            work = folder / "season.part"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(KIT / "model")}
            subprocess.run([sys.executable, "-c", COMPUTE, str(work)], cwd=KIT / "model", env=env, check=True)
            shutil.rmtree(work / "months")
            work.rename(made)
        with np.load(made / "season.npz") as file:
            return Season(json.loads((made / "season.json").read_text()), {name: file[name] for name in file.files})


def _of(found: Flights, chosen: NDArray[Any], asked: NDArray[Any], known: NDArray[Any]) -> Flights:
    bins = {name: values[chosen] for name, values in found.bins.items()}
    return Flights(asked, known, found.truth[chosen], found.late[chosen], bins)


def _counted(
    times: NDArray[np.float64],
    kinds: NDArray[np.intp],
    count: int,
    steps: int,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[Any]:
    """The value of each counter at each step, shape (steps + 1, count); all begin with 0. A row counts its weight."""
    at = np.ceil(times / STEP).astype(np.intp)
    at[at == 0] = 1
    seen = at <= steps
    grown = np.zeros((steps + 1, count), np.intp if weights is None else np.float64)
    np.add.at(grown, (at[seen], kinds[seen]), 1 if weights is None else weights[seen])
    return np.asarray(grown.cumsum(axis=0))


def _counter(name: str, values: NDArray[Any], **labels: str) -> dict[str, str]:
    return {"series": _named(name, labels), "values": " ".join(map(str, values.tolist()))}


def _gauge(name: str, value: float, steps: int, **labels: str) -> dict[str, str]:
    return {"series": _named(name, labels), "values": f"{value!r}x{steps}"}


def _named(name: str, labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{key}="{value}"' for key, value in {**PLACE, **labels}.items())
    return f"{name}{{{pairs}}}"
