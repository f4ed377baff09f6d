"""A use case for delivery: the file usecase.yaml, and a Python module in the same folder.

usecase.yaml has the names. Dashboards, checks and the command line read it with `read`.
The module `<package>.usecase` has what is code: it offers the functions of the protocol `UseCase`. `load` imports it.

A command finds the file in the folder that USE_CASE names, else in the working folder.
"""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import yaml

from delivery.errors import DeliveryError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = "usecase.yaml"
CLASSIFICATION, REGRESSION = "classification", "regression"


@dataclass(frozen=True, slots=True)
class Config:
    """The content of usecase.yaml, and the folder that it is in.

    `measure` is the metric of model.json by which candidates are compared. A classification has two classes, the
    negative one first. A regression has a target: what is predicted, with its unit. `canary` are rules of the canary
    that differ from their defaults. `slices` are features by whose values quality is counted.
    """

    folder: Path
    package: str
    deployment: str
    experiment: str
    image: str
    overlays: Path
    task: str
    measure: str
    classes: tuple[str, ...] = ()
    target: str = ""
    canary: Mapping[str, Any] = field(default_factory=dict)
    slices: tuple[str, ...] = ()

    @property
    def names(self) -> dict[str, Any]:
        """The content of usecase.yaml without the overlays, for a place that has no such file."""
        always = ("package", "deployment", "experiment", "image", "task", "measure")
        found = {name: getattr(self, name) for name in always}
        more = {
            "classes": list(self.classes),
            "target": self.target,
            "canary": dict(self.canary),
            "slices": list(self.slices),
        }
        return found | {name: value for name, value in more.items() if value}

    @property
    def negative(self) -> str:
        """The class of rows in which nothing is to be found; empty for a regression."""
        return self.classes[0] if self.classes else ""

    @property
    def positive(self) -> str:
        """The class that the model looks for; empty for a regression."""
        return self.classes[1] if self.classes else ""


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """A row as a caller sends it, by column, and what became of it: a class as 0 or 1, or the target's value.

    `asked_at` and `known_at` are the Unix seconds at which a caller asked, and at which the truth became known. Both
    are 0 where the use case does not record them; then the rows cannot be replayed.
    """

    values: Mapping[str, Any]
    truth: float
    asked_at: float = 0.0
    known_at: float = 0.0


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Rows of a past period. `columns` are what a model of the use case asks for when its metadata names none."""

    rows: Sequence[LabelledRow]
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the gate: what was measured, what is allowed, and what to do when it fails.

    `margin` is of the comparison with the champion: by how much the model is better, in the unit of `measure`.
    """

    name: str
    measured: str
    allowed: str
    passed: bool
    remedy: str = ""
    margin: float | None = None

    @property
    def line(self) -> str:
        """The check as a line of the table."""
        return f"{'ok  ' if self.passed else 'FAIL'} {self.name:<22} {self.measured:<28} {self.allowed}"

    @classmethod
    def at_least(cls, name: str, measured: float, allowed: float, remedy: str) -> Check:
        """A check that a value reaches a bound. NaN does not."""
        passed = measured >= allowed
        by = "" if passed else f" ({allowed - measured:.4g} short)"
        return cls(name, f"{measured:.4g}{by}", f"at least {allowed:.4g}", passed, remedy)

    @classmethod
    def at_most(cls, name: str, measured: float, allowed: float, remedy: str) -> Check:
        """A check that a value does not exceed a bound. NaN does."""
        passed = measured <= allowed
        by = "" if passed else f" ({measured - allowed:.4g} over)"
        return cls(name, f"{measured:.7g}{by}", f"at most {allowed:.7g}", passed, remedy)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Rows with a known truth at one threshold: the confusion matrix."""

    hits: int
    misses: int
    false_alarms: int
    rejections: int

    @property
    def recall(self) -> float:
        """The share of the positive rows that was predicted; NaN without one."""
        positives = self.hits + self.misses
        return self.hits / positives if positives else math.nan

    @property
    def precision(self) -> float:
        """The share of the rows predicted positive that were; NaN without one."""
        predicted = self.hits + self.false_alarms
        return self.hits / predicted if predicted else math.nan


@dataclass(frozen=True, slots=True)
class Scores:
    """Rows with a known truth by bin of the predicted probability; the bins have the same width and begin at 0."""

    negative: Sequence[int]
    positive: Sequence[int]

    def __post_init__(self) -> None:
        if len(self.negative) != len(self.positive) or not self.negative:
            raise ValueError(f"{len(self.negative)} and {len(self.positive)} bins, allowed: as many of each class")

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(self.negative) + sum(self.positive)

    def at(self, bin_: int) -> Outcomes:
        """The outcomes at the threshold where a bin begins. They are exact."""
        return Outcomes(
            hits=sum(self.positive[bin_:]), misses=sum(self.positive[:bin_]),
            false_alarms=sum(self.negative[bin_:]), rejections=sum(self.negative[:bin_]),
        )  # fmt: skip

    @property
    def auc(self) -> float:
        """The area under the ROC curve, with rows of one bin as equals; NaN without both classes.

        It is the share of pairs of a positive and a negative row in which the positive one has the larger probability
        (Hanley and McNeil, 1982). Equals count half.
        """
        pairs, below, won = sum(self.negative) * sum(self.positive), 0, 0.0
        for negative, positive in zip(self.negative, self.positive, strict=True):
            won += positive * (below + negative / 2)
            below += negative
        return won / pairs if pairs else math.nan


@dataclass(frozen=True, slots=True)
class Champion:
    """The registered version that production runs, and the bytes of its ONNX model."""

    version: str
    model: bytes


@dataclass(frozen=True, slots=True)
class Registered:
    """The chosen model's run in MLflow, and the tags of its version: candidate, commit, version of the data."""

    run_id: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Compared:
    """One variant of a comparison: what it was trained with, its metrics on the test rows, and its answers to them.

    `actual` and `predicted` have shape (rows,): values of a regression, or 1 for the positive class and its
    probability. `metrics` has the measure of usecase.yaml.
    """

    variant: str
    candidate: str
    features: tuple[str, ...]
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    actual: NDArray[np.float64]
    predicted: NDArray[np.float64]
    train_seconds: float


class UseCase(Protocol):
    """The module `<package>.usecase`. Each function raises DeliveryError for what a person can mend."""

    def labelled_rows(self, period: str) -> LabelledRows:
        """Real rows of a past period whose outcome is known; an empty `period` is the one of the model's test."""

    def periods(self, text: str) -> Sequence[str]:
        """The periods that a text such as `9-12` names, oldest first, each for `labelled_rows`."""

    def data_version(self) -> str:
        """One short hash over the data that the model is trained and tested on."""

    def data_files(self) -> Mapping[str, str]:
        """The files of that data and the MD5 of each, by which DVC names it; paths from the use case's folder."""

    def gate(self, champion: Champion | None) -> Sequence[Check]:
        """The checks that the chosen model must pass before it is registered."""

    def gate_by_threshold(self, model: Path, scores: Scores) -> Sequence[Sequence[Check]]:
        """What the gate says of a model at the threshold where each bin begins, without the champion.

        `model` is its model.json. Only a classification has this function.
        """

    def run_of_chosen_model(self) -> Registered:
        """The MLflow run of the model in models/serving, made when there is none yet."""


class Advancing(UseCase, Protocol):
    """A use case that gets new periods of data. Only the Pipeline `retrain` needs this function."""

    def advance(self, create: bool) -> str:
        """Let the next period count, in the files of the clone: the old test period becomes training data.

        Returns what a commit says about it. If the next period is not tracked, `create` makes it; without `create`
        nothing changes and the text is empty. Raises DeliveryError when there is no next period.
        """


class Comparing(UseCase, Protocol):
    """A use case whose feature sets and algorithms can be compared. Only two Pipelines need these functions."""

    def feature_sets(self) -> Mapping[str, Sequence[str]]:
        """Sets of features by name."""

    def candidates(self) -> Sequence[str]:
        """The candidates of params.yaml; the first one is used where a comparison names none."""

    def compared(self, variant: str, candidate: str, features: Sequence[str]) -> Compared:
        """Train a candidate with some features, without ONNX, and test it. No features means those of the model."""


def folder() -> Path:
    """The folder of the use case: USE_CASE, else the working folder."""
    return Path(os.environ.get("USE_CASE") or ".").resolve()


def read(at: Path | None = None) -> Config:
    """The use case of a folder, by default of `folder()`. DeliveryError names the key that is missing or wrong."""
    where = at or folder()
    file = where / FILE
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
        found = Config(
            **{
                **raw,
                "folder": where,
                "overlays": (where / raw["overlays"]).resolve(),
                "classes": tuple(raw.get("classes") or ()),
                "canary": dict(raw.get("canary") or {}),
                "slices": tuple(raw.get("slices") or ()),
            }
        )
    except OSError as error:
        raise DeliveryError(
            f"{file}: {error.strerror}", next="run in the folder of usecase.yaml, or set USE_CASE"
        ) from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise DeliveryError(f"{file}: {type(error).__name__}: {error}", next=f"git diff {file}") from error
    wrong = _wrong(found)
    if wrong:
        raise DeliveryError(f"{file}: {wrong}")
    return found


def load(config: Config) -> UseCase:
    """The module of the use case; commands run in its folder, where Python finds the package."""
    try:
        return cast(UseCase, importlib.import_module(f"{config.package}.usecase"))
    except ModuleNotFoundError as error:
        raise DeliveryError(
            f"{config.folder / FILE}: package: {error}", next=f"cd {config.folder}, then the same again"
        ) from error


def _wrong(config: Config) -> str:
    """What does not fit together, or nothing."""
    if config.task == CLASSIFICATION:
        allowed = "allowed: two, the negative one first"
        return "" if len(config.classes) == 2 else f"classes: got {list(config.classes)}, {allowed}"
    if config.task == REGRESSION:
        return "" if config.target else "target: missing, allowed: what is predicted, with its unit"
    return f"task: got {config.task!r}, allowed: {CLASSIFICATION} or {REGRESSION}"
