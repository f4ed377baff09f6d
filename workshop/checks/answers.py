"""What a participant found out and wrote down: `answers/NN.yaml` in the clone, a line a question.

An answer is compared with what the check measures itself, from the same data; no right answer stands in a file.
"""

from __future__ import annotations

import contextlib

import yaml

from workshop.checks.finding import CheckContext, Finding


def answers(context: CheckContext, number: str) -> dict[str, str]:
    """The answers of a module, empty when there is no file or it is no list of `name: value` lines."""
    try:
        read = yaml.safe_load((context.clone / "answers" / f"{number}.yaml").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return {}
    return {str(name): str(value) for name, value in read.items()} if isinstance(read, dict) else {}


def missing(number: str, name: str, task: str) -> Finding:
    """The finding for a question that is not answered."""
    return Finding(
        task,
        False,
        f"answers/{number}.yaml in your clone has no line `{name}: ...`",
        f"mkdir -p answers && echo '{name}: ...' >> answers/{number}.yaml",
    )


def forget(context: CheckContext, number: str) -> list[str]:
    """Delete the answers of a module."""
    file = context.clone / "answers" / f"{number}.yaml"
    said = [f"deleted answers/{number}.yaml"] if file.exists() else []
    file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        file.parent.rmdir()
    return said
