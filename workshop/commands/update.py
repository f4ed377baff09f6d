"""`workshop update [FOLDER]`: brings a model project to the kit's present template, and keeps its own changes."""

from __future__ import annotations

import argparse
from pathlib import Path

from workshop import output
from workshop.errors import RunFailed
from workshop.projects.template import update as updated
from workshop.usecase import KIT


def update(words: argparse.Namespace) -> int:
    """Update, and print what has changed. Raises UsageError, SetupError; RunFailed for conflicts."""
    folder = Path(words.folder).absolute()
    found = updated(KIT, folder)
    if words.output == output.JSON:
        output.emit({"folder": str(folder), "changed": found.changed, "conflicts": found.conflicts})
    else:
        output.say("\n".join(f"  {name}" for name in found.changed) or f"{folder} has the present template already")
    if found.conflicts:
        raise RunFailed(
            f"both the template and you have changed lines in {', '.join(found.conflicts)}",
            hint="choose between the lines that <<<<<<< and >>>>>>> enclose; git diff shows them",
        )
    return 0
