"""The functions of `delivery.usecase.UseCase` for a project; its own module `usecase` names those that it offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from delivery import origin, usecase
from delivery.cli import say
from delivery.errors import DeliveryError
from delivery.tabular import card, table
from delivery.tabular import gate as gates
from delivery.tabular.contract import NUMBER
from delivery.tabular.project import Project
from delivery.usecase import Champion, Check, LabelledRow, LabelledRows, Registered, Scores

SERVING = "models/serving"


def labelled_rows(period: str) -> LabelledRows:
    """The test rows with their truth. A table has no periods, and its rows have no times."""
    if period:
        raise DeliveryError(f"period: got {period!r}, allowed: none, because {usecase.FILE} has no periods")
    project = Project.of()
    return labelled(project, project.rows.test)


def labelled(project: Project, rows: pd.DataFrame) -> LabelledRows:
    """Rows of the table with their truth, for callers."""
    contract = project.contract
    decimals = contract.label.decimals if contract.label.type == NUMBER else 0
    found = [
        LabelledRow(dict(zip(contract.features, row, strict=True)), round(float(truth), decimals))
        for row, truth in zip(table.rows_of(contract, rows), project.truth(rows), strict=True)
    ]
    return LabelledRows(found, contract.features)


def periods(text: str) -> list[str]:
    """Always an error, because a table has no periods."""
    raise DeliveryError(f"period: got {text!r}, allowed: none, because the rows of a table have no times")


def data_version() -> str:
    """The version of the data file."""
    return table.version(Project.of().contract.data)


def data_files() -> Mapping[str, str]:
    """The file with its MD5."""
    contract = Project.of().contract
    return {contract.file: table.md5(contract.data)}


def gate(champion: Champion | None) -> Sequence[Check]:
    """The bounds of params.yaml, and the champion on the same test rows."""
    project = Project.of()
    folder = project.folder / SERVING
    made, test = card.of(folder), project.rows.test
    say(f"{made.candidate} {made.onnx_sha256[:12]}, tested on {len(test)} rows")
    return gates.decide(project, folder, test, champion)


def gate_by_threshold(model: Path, scores: Scores) -> Sequence[Sequence[Check]]:
    """The bounds of params.yaml for a classification's model at each threshold."""
    return gates.by_threshold(Project.of(), model, scores)


def run_of_chosen_model() -> Registered:
    """The MLflow run of the model in models/serving."""
    # Imported here, because only this function needs MLflow, which takes seconds to import.
    from delivery.tabular import tracking
    from delivery.tracking import reachable

    project = Project.of()
    folder = project.folder / SERVING
    made = card.of(folder)
    tags = {
        "candidate": made.candidate,
        "data_version": made.data_version,
        "git_commit": origin.commit(),
        "onnx_sha256": made.onnx_sha256,
    }
    if committed_at := origin.committed_at():
        tags["committed_at"] = committed_at
    with reachable():
        return Registered(tracking.run_of(project, folder), tags)
