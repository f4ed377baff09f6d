"""A project: its folder with usecase.yaml, contract.yaml and params.yaml, and its module `candidates`.

Packages that only training needs may be in requirements-train.txt, a lock with hashes. They are installed into the
folder `.packages` of the project, for training and tests, and are not in the image that serves.
"""

from __future__ import annotations

import hashlib
import importlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, cast

import pandas as pd
import yaml

from delivery import usecase
from delivery.errors import DeliveryError
from delivery.tabular import contract as contracts
from delivery.tabular import quality, table
from delivery.tabular.contract import Contract
from delivery.tabular.fitting import Candidate, Columns, Learner
from delivery.tabular.table import Split, Values
from delivery.usecase import CLASSIFICATION, Config

PARAMS, TRAIN_LOCK, PACKAGES = "params.yaml", "requirements-train.txt", ".packages"


@dataclass(frozen=True)
class Project:
    """One project. Reading what is wrong raises DeliveryError, which names the file."""

    config: Config
    contract: Contract
    params: Mapping[str, Any]

    @classmethod
    def of(cls, folder: Path | None = None) -> Project:
        """The project of a folder, by default of USE_CASE or the working folder."""
        config = usecase.read(folder)
        return cls(config, contracts.read(config.folder), parameters(config))

    @property
    def folder(self) -> Path:
        """Its folder."""
        return self.config.folder

    @property
    def classifies(self) -> bool:
        """Whether it is a classification."""
        return self.config.task == CLASSIFICATION

    @property
    def threshold(self) -> float:
        """The probability from which a row is predicted positive."""
        return float(self.params.get("threshold", 0.5))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what the model answers for a row."""
        return self.config.classes if self.classifies else (self.contract.label.name,)

    @cached_property
    def rows(self) -> Split:
        """All rows with a known label."""
        return table.split(table.read(self.contract), int(self.params["split"]["every"]))

    def truth(self, rows: pd.DataFrame) -> Values:
        """The label of each row, as numbers."""
        return table.truth(self.contract, rows)

    def features(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The columns that a candidate gets."""
        return rows[[*self.contract.words, *self.contract.numbers]]

    def score(self, actual: Values, predicted: Values, mean: float) -> dict[str, float]:
        """The metrics of predictions; `mean` is that of the label in the learning rows."""
        if self.classifies:
            return quality.classification(actual, predicted, self.threshold)
        return quality.regression(actual, predicted, mean)

    def learner(self, name: str) -> Learner:
        """The candidate of that name. DeliveryError lists those that the code and params.yaml both have."""
        add_packages(self.folder)
        sys.path.insert(0, str(self.folder))
        try:
            known: Mapping[str, Candidate] = importlib.import_module(f"{self.config.package}.candidates").CANDIDATES
        finally:
            sys.path.remove(str(self.folder))
        params = self.params["candidates"]
        if name not in known or name not in params:
            both = ", ".join(one for one in known if one in params)
            raise DeliveryError(f"candidate: got {name!r}, allowed: {both}")
        return known[name](Columns(self.contract.words, self.contract.numbers), params[name] or {})


def parameters(config: Config) -> dict[str, Any]:
    """params.yaml. DeliveryError when it cannot be read, or a value that each stage needs is not one."""
    file = config.folder / PARAMS
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
        if int(found["split"]["every"]) < 2 or not found["candidates"] or not found["gate"]:
            raise ValueError("allowed: split.every of at least 2, candidates, gate")
        if config.task == CLASSIFICATION and not 0 < float(found["threshold"]) < 1:
            raise ValueError("allowed: a threshold between 0 and 1")
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise DeliveryError(f"{file}: {type(error).__name__}: {error}", next=f"git diff {file}") from error
    return cast(dict[str, Any], found)


def add_packages(folder: Path) -> None:
    """Let Python find the packages of requirements-train.txt, which are installed the first time.

    DeliveryError has the reason of the installer.
    """
    lock = folder / TRAIN_LOCK
    if not lock.is_file():
        return
    target = folder / PACKAGES / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    if not target.is_dir():
        target.parent.mkdir(exist_ok=True)
        part = mkdtemp(dir=target.parent, prefix="part-")
        try:
            _install(lock, part)
            Path(part).rename(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    if str(target) not in sys.path:
        # Last: a package that the platform has too is the platform's.
        sys.path.append(str(target))


def _install(lock: Path, target: str) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile"]
    uv = shutil.which("uv")
    command = [uv, "pip", "install", "--no-config", "--python", sys.executable] if uv else pip
    # The platform has what these packages need.
    words = [*command, "--quiet", "--no-deps", "--require-hashes", "--target", target, "-r", str(lock)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DeliveryError(
            f"the packages of {lock} cannot be installed: {done.stderr.strip()[-600:]}",
            next="a network or a package index for the first time, then the same again",
        )
