"""A plan for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workshop import output
from workshop.manifests.objects import Object
from workshop.standalone.planning import PlannedTask

LONGEST = 100
"""Characters of a param's value that are shown."""


def show(run: Object, tasks: Sequence[PlannedTask]) -> None:
    """Print the tasks in the order in which they would start."""
    output.say(f"{run['kind']} {run['metadata']['name']}")
    for task in tasks:
        after = f", after {', '.join(task.after)}" if task.after else ""
        final = ", finally" if task.final else ""
        if task.skipped:
            output.say(f"  {task.name}{final}{after}: skipped: {task.skipped}")
            continue
        output.say(f"  {task.name}{final}{after}")
        for one in task.depends:
            output.say(f"      only if {one}")
        for made in task.runs:
            given = "  ".join(f"{p['name']}={_short(p['value'])}" for p in made["spec"].get("params") or [])
            if given:
                output.say(f"      {given}")
        for problem in task.problems:
            output.say(f"      would fail: {problem}")


def as_json(run: Object, tasks: Sequence[PlannedTask]) -> dict[str, Any]:
    """The plan as one object; `runs` are the TaskRuns that the controller would create, with their Task substituted."""
    return {
        "kind": run["kind"],
        "name": run["metadata"]["name"],
        "tasks": [
            {
                "name": task.name,
                "after": list(task.after),
                "finally": task.final,
                "skipped": task.skipped,
                "dependsOn": list(task.depends),
                "runs": [one["spec"] for one in task.runs],
                "problems": list(task.problems),
                "notes": list(task.notes),
            }
            for task in tasks
        ],
    }


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
