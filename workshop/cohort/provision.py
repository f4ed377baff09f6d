"""Give each participant of a cohort their objects: as often as one likes, from any state in between.

A run compares what the cluster has with what it should have and writes the difference with the kit's own field manager:
it creates what is missing, and changes the rest by server-side apply. Nothing is remembered outside the cluster, so a
run that was interrupted is continued by the same command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workshop.cluster.adopting import write
from workshop.cluster.bulk import BulkClient, every
from workshop.cluster.generated import filled
from workshop.cluster.wanted import Key
from workshop.cohort.objects import CohortObjects
from workshop.cohort.survey import namespaces, refuse_foreign, survey
from workshop.errors import TimedOut
from workshop.manifests.objects import Object
from workshop.participants.names import Participant

Report = Callable[[str, dict[str, Any]], None]
"""Gets an event's name and fields."""


@dataclass
class Provisioned:
    """What a run did."""

    participants: int
    written: int = 0
    unchanged: int = 0
    extra: list[str] = field(default_factory=list)
    """Participants of the cohort that were not asked for."""
    secrets: dict[str, dict[str, Object]] = field(default_factory=dict)
    """Secrets with generated values, by participant and name."""


async def provision(
    client: BulkClient,
    objects: CohortObjects,
    names: Sequence[str],
    report: Report,
    *,
    force: bool = False,
    seconds: float = 300.0,
) -> Provisioned:
    """Write what the participants lack. `force` takes over fields that somebody else has changed.

    Raises SetupError before anything is written when a namespace is somebody else's; TimedOut when namespaces
    are still being deleted after `seconds`; ManifestError when the server refuses an object. What was written stays.
    """
    participants = [Participant(name) for name in names]
    wanted = {one.name: dict(objects.of(one)) for one in participants}
    await refuse_foreign(client, objects.namespace, objects.cohort, names)
    await _until_deleted(client, objects, {n for one in participants for n in one.namespaces}, seconds, report)
    everything = {key: obj for mine in wanted.values() for key, obj in mine.items()}
    found = await survey(client, objects, everything)
    known = set(names)
    done = Provisioned(len(names), extra=[name for name in found.participants if name not in known])
    report("surveyed", {"objects": len(everything), "current": len(found.current), "participants": len(names)})

    async def one(participant: Participant) -> None:
        written = 0
        for key, obj in wanted[participant.name].items():
            made = done.secrets.get(participant.name, {}).get(key.name, {})
            values = {**made.get("data", {}), **_values(found.secrets, participant, key)}
            whole = filled(obj, {"data": values})
            if whole is not obj:
                done.secrets.setdefault(participant.name, {})[key.name] = whole
            if key in found.current:
                done.unchanged += 1
                continue
            await write(client, key, whole, found.others.get(key), force=force)
            written += 1
        done.written += written
        report("participant", {"name": participant.name, "written": written})

    await every(participants, one)
    return done


async def _until_deleted(
    client: BulkClient, objects: CohortObjects, needed: set[str], seconds: float, report: Report
) -> None:
    """Wait while namespaces that are needed are being deleted. Raises TimedOut."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        found = await namespaces(client, objects.namespace, objects.cohort)
        ending = sorted(one.name for one in found.values() if one.terminating and one.name in needed)
        if not ending:
            return
        if asyncio.get_running_loop().time() > deadline:
            raise TimedOut(
                f"{len(ending)} namespaces are still being deleted after {seconds:.0f} s: {', '.join(ending[:5])}",
                hint="workshop cohort teardown shows what keeps them; then the same command again",
            )
        report("waiting", {"for": "deletion", "namespaces": len(ending)})
        await asyncio.sleep(1)


def _values(secrets: Mapping[Key, Object], participant: Participant, key: Key) -> dict[str, str]:
    """What a Secret and those of the same name in the participant's other namespaces hold; its own values first.

    Secrets of one name have one value in all namespaces of a participant: who asks production signs with that of dev.
    """
    found: dict[str, str] = {}
    for namespace in (key.namespace, *participant.namespaces):
        live = secrets.get(Key(key.resource, namespace, key.name)) or {}
        found = {**(live.get("data") or {}), **found}
    return found
