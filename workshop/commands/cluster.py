"""`workshop cluster preflight|install|status|verify|uninstall|mirror`: a room's shared parts, for instructors."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from workshop import output
from workshop.cluster.bulk import BulkClient
from workshop.commands.confirming import confirmed
from workshop.commands.on_cluster import run_on_cluster
from workshop.errors import SetupError, UsageError
from workshop.installation.install import Installer, Options
from workshop.installation.preflight import preflight
from workshop.installation.table import sizing, table
from workshop.usecase import KIT

SHOWN = 2
"""Reasons on the line of a part."""


def cluster(words: argparse.Namespace) -> int:
    """Run the action."""
    if words.action == "mirror":
        return _mirror(words)

    async def act(client: BulkClient) -> int:
        installer = Installer(
            KIT,
            client,
            table(),
            lambda event, fields: _report(words, event, fields),
            Options(
                getattr(words, "timeout", 900.0), getattr(words, "force", False), getattr(words, "domain", None) or ""
            ),
        )
        await installer.discover()
        return await _ACTIONS[words.action](words, installer)

    return run_on_cluster(words, act)


def _report(words: argparse.Namespace, event: str, fields: dict[str, Any]) -> None:
    if words.output == output.JSON:
        output.emit({"event": event, **fields})
    elif event == "removed":
        output.note(f"{fields['name']}: removed {fields['objects']} objects")
    else:
        more = f": {fields['message']}" if fields.get("message") else ""
        written = f", {fields['written']} written" if fields.get("written") else ""
        output.note(f"{fields['name']}: {fields['state']}{written}{more}")


async def _preflight(words: argparse.Namespace, installer: Installer) -> int:
    """Print the findings; exit 3 if something is missing that install does not bring."""
    sizes = sizing()
    found = await preflight(installer.client, installer.known, installer.table, sizes)
    if words.output == output.JSON:
        capacity = asdict(found.capacity) if found.capacity else None
        output.emit({"ready": found.ready, "findings": [asdict(f) for f in found.findings], "capacity": capacity})
    else:
        output.table(["", "WHAT", "FOUND"], [[f.state, f.name, f.found] for f in found.findings])
        for finding in found.findings:
            if finding.fix:
                output.say(f"  {finding.name}: {finding.fix}")
        for line in found.capacity.lines(sizes) if found.capacity else []:
            output.say(f"  {line}")
        output.say("ready: workshop cluster install" if found.ready else "not ready: see the lines with `missing`")
    return 0 if found.ready else SetupError.exit_code


async def _install(words: argparse.Namespace, installer: Installer) -> int:
    await installer.install()
    if words.output == output.TEXT:
        output.say("installed; workshop cohort provision --users 30 makes the participants")
    return 0


async def _status(words: argparse.Namespace, installer: Installer) -> int:
    """One line a part."""
    await _parts(words, installer)
    return 0


async def _verify(words: argparse.Namespace, installer: Installer) -> int:
    """The same; exit 3 if a part is not ready."""
    return 0 if await _parts(words, installer) else SetupError.exit_code


async def _parts(words: argparse.Namespace, installer: Installer) -> bool:
    rows, ready = [], True
    for part in installer.table.parts:
        reason = installer.left_out(part)
        waiting = [] if reason else await installer.waiting_for(part)
        ready = ready and not waiting
        state = "left out" if reason else "waiting" if waiting else "ready"
        rows.append({"name": part.name, "state": state, "message": reason or _some(waiting)})
    if words.output == output.JSON:
        for row in rows:
            output.emit(row)
    else:
        output.table(["PART", "STATE", ""], [list(row.values()) for row in rows])
    return ready


def _some(waiting: list[str]) -> str:
    """The first of many reasons, and how many there are."""
    more = f"; and {len(waiting) - SHOWN} more" if len(waiting) > SHOWN else ""
    return "; ".join(waiting[:SHOWN]) + more


async def _uninstall(words: argparse.Namespace, installer: Installer) -> int:
    """Remove what install has made; exit 3 if a part of the cluster could not be searched for it."""
    found = await installer.installed()
    parts = ", ".join(sorted({part for _, part in found.objects}))
    what = (
        f"this deletes {len(found.objects)} objects of {parts or 'no part'}, and with the project its data; it also "
        "removes charts and settings that install has made"
    )
    if not words.yes and not confirmed(what, "workshop cluster uninstall --yes"):
        return UsageError.exit_code
    await installer.uninstall(found.objects)
    rest = await installer.installed()
    left = [key.described for key, _ in rest.objects]
    if words.output == output.JSON:
        output.emit({"event": "uninstalled", "objects": len(found.objects), "left": left, "unseen": rest.unseen})
    else:
        output.say(f"removed {len(found.objects)} objects")
        for text in rest.unseen:
            output.say(f"  could not be searched: {text}")
        if rest.unseen:
            output.say("there may be objects of these kinds: the same command as cluster-admin searches again")
        else:
            output.say("nothing that the kit installed is left")
        output.say("  operators' own kinds stay, because other projects may use them")
    return SetupError.exit_code if rest.unseen else 0


def _mirror(words: argparse.Namespace) -> int:
    """Print what a room without a network needs in its own registry: images, one a line, and what brings the others."""
    known = table()
    for image in known.images:
        if words.output == output.JSON:
            output.emit({"kind": "image", **asdict(image), "reference": image.reference})
        else:
            note = "" if image.digest else "  # no digest is pinned"
            output.say(f"{image.reference}{note}")
    for part in known.parts:
        if words.output == output.JSON:
            if part.operator is not None:
                output.emit({"kind": "operator", "part": part.name, **asdict(part.operator)})
            if part.chart is not None:
                output.emit({"kind": "chart", "part": part.name, **asdict(part.chart)})
            continue
        if (operator := part.operator) is not None:
            output.say(
                f"# {part.name}: the catalog {operator.source} lists the operator's images and those that it runs: "
                f"package {operator.package}, channel {operator.channel}, from {operator.starting_csv}"
            )
        if (chart := part.chart) is not None:
            output.say(f"# {part.name}: the chart {chart.name} {chart.version} of {chart.repository}")
    if words.output == output.TEXT:
        output.say("# oc-mirror copies the packages of a catalog, and charts, into your registry")
    return 0


_ACTIONS: dict[str, Callable[[argparse.Namespace, Installer], Awaitable[int]]] = {
    "install": _install,
    "preflight": _preflight,
    "status": _status,
    "uninstall": _uninstall,
    "verify": _verify,
}
