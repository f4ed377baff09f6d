"""Starts a component from the template, with its README and its lock."""

from __future__ import annotations

import re
from pathlib import Path

from workshop.components.component import Component, read
from workshop.components.docs import pages
from workshop.errors import SetupError, UsageError

TEMPLATE = Path(__file__).with_name("template")
LONGEST = 50
"""Characters of a name: a run adds its own, and a Pod's name has 63."""
_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")


def create(name: str, parent: Path) -> Component:
    """Make the folder of a component. Raises UsageError for a name, SetupError when it cannot be written."""
    target = parent / name
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        raise UsageError(
            f"NAME: got {name!r}, allowed: a-z, 0-9 and -, at most {LONGEST}, a letter first, no - last",
            hint="workshop component new count-rows",
        )
    if target.exists():
        raise UsageError(f"{target} exists", hint="choose another name, or remove it")
    # Imported here: it takes half a second.
    import copier
    from copier.errors import CopierError

    try:
        copier.run_copy(str(TEMPLATE), target, data={"name": name}, defaults=True, quiet=True)
    except (CopierError, OSError, ValueError) as e:
        raise SetupError(f"{target} cannot be made: {type(e).__name__}: {str(e)[:400]}", hint=f"ls {parent}") from e
    made = read(target)
    for page in pages(made):
        page.path.write_text(page.text, encoding="utf-8")
    return made
