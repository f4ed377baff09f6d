"""`workshop new NAME`: starts a model project in the clone, from a CSV file or from an example."""

from __future__ import annotations

import argparse
from pathlib import Path

from workshop import output
from workshop.errors import UsageError
from workshop.projects.create import FOLDER, Made, Wanted, create
from workshop.projects.survey import MISSING, Reading
from workshop.usecase import KIT, is_clone


def new(words: argparse.Namespace) -> int:
    """Make the project, and say what comes next. Raises UsageError, SetupError."""
    if len(words.delimiter) != 1 or words.delimiter in '"\n\r ':
        raise UsageError(f"--delimiter: got {words.delimiter!r}, allowed: one character", hint="--delimiter ';'")
    if words.decimal == words.delimiter:
        raise UsageError(
            f"--decimal: got {words.decimal!r}, which separates the values too", hint="--delimiter ';' --decimal ','"
        )
    reading = Reading(words.delimiter, MISSING | set(words.missing), frozenset(words.text), words.decimal)
    data = Path(words.data).expanduser().absolute() if words.data else None
    wanted = Wanted(words.name, words.task, words.algorithm, data, words.target, words.positive, reading)
    made = create(KIT, clone_around(Path.cwd()), wanted)
    if words.output == output.JSON:
        proposal = made.proposal
        output.emit({"folder": str(made.folder), "task": proposal.task, "rows": made.rows, "notes": proposal.notes})
        return 0
    _say(words, made)
    return 0


def clone_around(folder: Path) -> Path:
    """The clone of the workshop that a folder is in. Raises UsageError when it is in none."""
    found = next((one for one in (folder, *folder.parents) if is_clone(one)), None)
    if found is None:
        raise UsageError(
            f"{folder} is not in a clone of the workshop, whose pipelines and overlays a project needs",
            hint="workshop shell opens the participant's clone",
        )
    return found


def _say(words: argparse.Namespace, made: Made) -> None:
    proposal, name = made.proposal, words.name
    columns = proposal.contract["columns"]
    features = [one["name"] for one in columns if one["role"] == "feature"]
    output.say(f"{made.folder}: a {proposal.task} of {proposal.label}, {made.rows:,} rows, {len(features)} features")
    for note in proposal.notes:
        output.say(f"  {note}")
    if proposal.task == "classification":
        answers = proposal.answers
        output.say(f"  it looks for {answers['positive']}; the other class is {answers['negative']}")
    folder = FOLDER / name
    output.say("next:")
    for line in (
        f"look at {folder}/contract.yaml: are the types, bounds and roles right?",
        f"(cd {folder} && dvc add --quiet data/{name}.csv && dvc push && python -m pytest)",
        f"git switch -c {name} && git add {folder} && git commit -m 'Add {name}' && git push origin {name}",
        f"workshop run {folder}/runs/train-and-stage.yaml -p revision={name}",
        f"workshop promote --usecase {folder}",
    ):
        output.say(f"  {line}")
