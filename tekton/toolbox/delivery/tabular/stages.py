"""What the stages of a project do: one function each, which returns an exit code."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import yaml

from delivery.card import CARD, MODEL
from delivery.cli import say
from delivery.errors import DeliveryError
from delivery.tabular import table
from delivery.tabular.project import Project

SHOWN = 20
"""Findings that are printed; the others are counted."""


def data(project: Project, _: str) -> int:
    """Compare the file with its pointer, and write its version to reports/data.json."""
    contract = project.contract
    file, pointer = contract.data, contract.data.with_name(f"{contract.data.name}.dvc")
    try:
        expected = str(yaml.safe_load(pointer.read_text(encoding="utf-8"))["outs"][0]["md5"])
    except (OSError, yaml.YAMLError, KeyError, IndexError, TypeError) as error:
        raise DeliveryError(f"{pointer}: {type(error).__name__}: {error}", next=f"dvc add {contract.file}") from error
    if (found := table.md5(file)) != expected:
        raise DeliveryError(
            f"{file} has the MD5 {found}, allowed: {expected} as {pointer.name} says",
            next=f"dvc checkout --force {contract.file}.dvc, or dvc add {contract.file} when the new bytes are meant",
        )
    _write(project.folder / "reports/data.json", json.dumps({"data_version": table.version(file)}) + "\n")
    say(f"{contract.file}, data version {table.version(file)}")
    return 0


def validate(project: Project, _: str) -> int:
    """Check the file, print what was found, and write reports/validation.json."""
    from delivery.tabular.validate import findings

    count = 0
    for one in findings(project.contract):
        count += 1
        if count <= SHOWN:
            say(one)
    if count:
        raise DeliveryError(
            f"{count} findings in {project.contract.data}", next="git diff; contract.yaml has what is allowed"
        )
    name = project.contract.data.name
    _write(project.folder / "reports/validation.json", json.dumps({"file": name, "findings": 0}) + "\n")
    say(f"{name} has no fault")
    return 0


def train(project: Project, candidate: str) -> int:
    """Train a candidate, and log it to MLflow when MLFLOW_TRACKING_URI is set."""
    from delivery.tabular import card, tracking
    from delivery.tabular.train import train as trained

    model, made = trained(project, candidate, table.version(project.contract.data))
    folder = project.folder / "models" / candidate
    _write(folder / MODEL, model)
    _write(folder / CARD, card.dump(made))
    tracking.log_training(project, folder)
    measure = project.config.measure
    say(
        f"{candidate}: {measure} {made.metrics[measure]:.4g}, trained in {made.train_seconds:.1f} s, "
        f"{made.onnx_bytes} bytes, largest difference to the library {made.parity['max_difference']:.1e}"
    )
    return 0


def evaluate(project: Project, _: str) -> int:
    """Evaluate the candidates of params.yaml and choose one."""
    from delivery.tabular import evaluate as evaluation
    from delivery.tabular import tracking

    scored = [evaluation.score(project, project.folder / "models" / name) for name in project.params["candidates"]]
    chosen = evaluation.winner(scored, os.environ.get("CANDIDATE", ""))
    reports = project.folder / "reports"
    _write(reports / "metrics.json", evaluation.summary(scored, chosen))
    _write(reports / "slices.csv", chosen.slices.to_csv(index=False))
    _write(reports / "answers.csv", chosen.answers.to_csv(index=False))
    for name in (MODEL, CARD):
        _write(project.folder / "models/serving" / name, (chosen.folder / name).read_bytes())
    for one in scored:
        tracking.log_evaluation(
            project,
            one.folder,
            lambda folder, one=one: evaluation.write_artifacts(one, folder),  # type: ignore[misc]
        )
        shown = "  ".join(f"{name} {value:.4g}" for name, value in one.metrics.items() if name != "rows")
        say(f"{one.card.candidate:<9} {shown}{'  <- models/serving' if one is chosen else ''}")
    return 0


def columns(project: Project, _: str) -> int:
    """Print the features by how much of the label they explain. One that explains nearly all may give it away."""
    from delivery.tabular.explaining import explained

    for name, share in explained(project.contract, project.rows.learning, project.truth(project.rows.learning)):
        say(f"{share:.2f} {name}")
    return 0


def _write(file: Path, text: str | bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())


STAGES: dict[str, Callable[[Project, str], int]] = {
    "columns": columns,
    "data": data,
    "evaluate": evaluate,
    "train": train,
    "validate": validate,
}
