"""`workshop reset`: stop the lab and delete its state; `workshop reset NN`: back to the start of a module."""

from __future__ import annotations

import argparse
import shutil

from workshop import output
from workshop.commands.confirming import confirmed
from workshop.commands.down import stop_lab
from workshop.errors import SetupError, UsageError
from workshop.lab.paths import LabPaths, lab_paths
from workshop.lab.room import refuse_participants
from workshop.lab.target import current_target
from workshop.operations.participation import participation


def reset(words: argparse.Namespace) -> int:
    """Ask, stop, delete."""
    where = lab_paths()
    if words.module:
        return _module(words.module, words.output == output.JSON)
    refuse_participants(where, "reset")
    if not where.root.exists():
        output.say(f"nothing to reset: {where.root} is not there")
        return 0
    deletes = f"this deletes {where.root} with the participant's clone, runs and models"
    if not words.yes and not confirmed(deletes, "workshop reset --yes"):
        return UsageError.exit_code
    _reset(where)
    if words.output == output.JSON:
        output.emit({"deleted": str(where.root)})
    else:
        output.say(f"deleted {where.root}; workshop up starts afresh")
    return 0


def _module(number: str, as_json: bool) -> int:
    """Undo what a module made. It does not ask, because the participant's work is kept under another name."""
    way = participation(current_target())
    module = way.module(number)
    undone = way.undo(module)
    if as_json:
        output.emit({"module": module.number, "undone": undone})
    for line in [] if as_json else undone or ["there was nothing to undo"]:
        output.say(line)
    return 0


def _reset(where: LabPaths) -> None:
    """Delete the lab's folder. Raises SetupError if the folder is not a lab's or cannot be deleted."""
    if not where.is_lab:
        raise SetupError(f"{where.root} was not created by a lab, so nothing was deleted", hint="check WORKSHOP_STATE")
    stop_lab(where)
    # Images are read-only, so that they are not changed by accident.
    for folder in (p for p in where.images.rglob("*") if p.is_dir() and not p.is_symlink()):
        folder.chmod(0o755)
    try:
        shutil.rmtree(where.root)
    except OSError as e:
        raise SetupError(f"cannot delete {where.root}: {e}", hint="close what uses it; then workshop reset") from e
