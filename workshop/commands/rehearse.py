"""`workshop cohort rehearse`: do modules as all participants at once, and print what the room needs more of."""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Sequence

from workshop import output
from workshop.cohort.rehearse import GIB, PREPARED, Rehearsal, medians, orders
from workshop.cohort.rehearse import rehearse as rehearse_together
from workshop.errors import RunFailed, UsageError
from workshop.guide.module import Module, load_all
from workshop.operations.participation import MODULES
from workshop.participants.target import CommandTarget


def rehearse(words: argparse.Namespace, target: CommandTarget) -> int:
    """Rehearse; exit 5 if a participant did not reach the end."""
    known = {module.number: module for module in load_all(MODULES)}
    modules, people = numbers(words.modules, list(known)), target.people()
    count = len(people) if words.users is None else words.users
    if not 1 <= count <= len(people):
        raise UsageError(
            f"--users {count}: the room has {len(people)} participants",
            hint=f"workshop down, then workshop up --users {max(1, count)}",
        )
    environments = {name: target.environment_of(name) for name in people[:count]}
    as_json = words.output == output.JSON

    def report(name: str, module: str, seconds: float) -> None:
        if as_json:
            output.emit({"event": "module", "name": name, "module": module, "seconds": seconds})
        else:
            output.note(f"{name}: {module}, {seconds:.0f} s")

    found = asyncio.run(rehearse_together(environments, modules, report))
    minutes = {number: module.minutes for number, module in known.items()}
    if as_json:
        output.emit({"event": "rehearsed", **_as_json(found, minutes)})
    else:
        _show(found, known)
    return RunFailed.exit_code if found.failures else 0


def numbers(text: str, known: Sequence[str]) -> list[str]:
    """The modules of `1-4,7`, in the order of the guide; all for an empty text. Raises UsageError."""
    wanted: set[str] = set()
    for part in text.split(",") if text else []:
        match = re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}))?", part.strip())
        if match is None:
            raise UsageError(f"cannot read the modules {part!r}", hint="workshop cohort rehearse --modules 1-4,7")
        wanted |= {f"{number:02}" for number in range(int(match[1]), int(match[2] or match[1]) + 1)}
    if unknown := sorted(wanted - set(known)):
        raise UsageError(f"there is no module {', '.join(unknown)}", hint=f"the modules are {', '.join(known)}")
    return [number for number in known if number in wanted or not text]


def _as_json(found: Rehearsal, minutes: dict[str, int]) -> dict[str, object]:
    use = found.use
    return {
        "seconds": round(found.seconds, 1),
        "participants": len(found.walks),
        "modules": {
            module: {"participants": count, "median": median, "longest": longest}
            for module, (count, median, longest) in medians(found).items()
        },
        "failures": [{"name": one.name, "module": one.failed, "reason": one.reason} for one in found.failures],
        "cores": use.cores,
        "busy_percent": use.busy,
        "memory_bytes": {"before": use.before, "peak": use.peak, "total": use.total},
        "orders": orders(found, minutes),
    }


def _show(found: Rehearsal, known: dict[str, Module]) -> None:
    rows = []
    for module, (count, median, longest) in medians(found).items():
        planned = f"{known[module].minutes} min" if module != PREPARED else ""
        title = known[module].title if module != PREPARED else "what the modules need"
        rows.append([module, title, f"{count}/{len(found.walks)}", f"{median:.0f} s", f"{longest:.0f} s", planned])
    output.table(["MODULE", "TITLE", "DONE BY", "MEDIAN", "LONGEST", "TEXT PLANS"], rows)
    use = found.use
    output.say()
    output.say(f"{len(found.walks)} participants in {found.seconds:.0f} s")
    output.say(f"  cores   all {use.cores} busy in {use.busy} % of the time")
    output.say(
        f"  memory  {use.before / GIB:.1f} GiB before, {use.peak / GIB:.1f} at the peak, of {use.total / GIB:.1f}"
    )
    for line in orders(found, {number: module.minutes for number, module in known.items()}):
        output.say(f"  order more {line}")
    for one in found.failures:
        output.say(f"\n{one.name} stopped in {one.failed}: {one.reason}")
