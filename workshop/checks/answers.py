"""The participant's answers: `answers/NN.yaml` in the clone, one line for each question.

An answer is compared with what the check computes from the same data; no file contains the right answer.
"""

from __future__ import annotations

import yaml

from workshop.checks.finding import CheckContext, Finding


def answers(context: CheckContext, number: str) -> dict[str, str]:
    """The answers of a module; empty if there is no file or it is not a list of `name: value` lines."""
    try:
        read = yaml.safe_load((context.clone / "answers" / f"{number}.yaml").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return {}
    return {str(name): str(value) for name, value in read.items()} if isinstance(read, dict) else {}


def missing(number: str, name: str, task: str) -> Finding:
    """The finding for a question without an answer."""
    return Finding(
        task,
        False,
        f"answers/{number}.yaml in your clone has no line `{name}: ...`",
        f"mkdir -p answers && echo '{name}: ...' >> answers/{number}.yaml",
    )


def put_aside(context: CheckContext, number: str) -> list[str]:
    """Move the answers of a module to `answers/kept/NN-<count>.yaml`, so that the module starts without them."""
    file = context.clone / "answers" / f"{number}.yaml"
    if not file.exists():
        return []
    kept = file.parent / "kept"
    kept.mkdir(exist_ok=True)
    count = 1 + max((int(one.stem[3:]) for one in kept.glob(f"{number}-*.yaml") if one.stem[3:].isdecimal()), default=0)
    moved = kept / f"{number}-{count}.yaml"
    file.rename(moved)
    return [f"put your answers aside: {moved.relative_to(context.clone)}"]
