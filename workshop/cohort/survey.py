"""What a cluster has of a cohort: whose namespaces exist, and which objects need a write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workshop.cluster.bulk import BulkClient, every
from workshop.cluster.generated import filled, generated_keys
from workshop.cluster.wanted import APPLIED, Key, is_current
from workshop.cohort.names import in_order
from workshop.cohort.objects import CohortObjects
from workshop.errors import SetupError
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import Object, annotations_of, labels_of, name_of, namespace_and_name
from workshop.participants.names import COHORT, PARTICIPANT, STAGES, Participant

KINDS_AT_ONCE = 3


@dataclass(frozen=True)
class Namespace:
    """A namespace that the kit made for a participant."""

    name: str
    uid: str
    participant: str
    cohort: str
    terminating: bool


@dataclass
class Survey:
    """The state of a cohort before a run."""

    namespaces: dict[str, Namespace]
    """Those of the cohort, by name."""
    current: set[Key] = field(default_factory=set)
    """Objects that are as wanted."""
    others: dict[Key, Object] = field(default_factory=dict)
    """The metadata of objects that are there and are not as wanted."""
    secrets: dict[Key, Object] = field(default_factory=dict)
    """Secrets with generated values."""

    @property
    def participants(self) -> list[str]:
        """Whose namespaces exist, in the order of their names; numbers count as numbers."""
        return sorted({one.participant for one in self.namespaces.values()}, key=in_order)


async def namespaces(client: BulkClient, resource: ApiResource, cohort: str) -> dict[str, Namespace]:
    """The namespaces of a cohort. Raises like BulkClient.request."""
    found = await client.list(resource, labels=f"{COHORT}={cohort}", metadata=True)
    return {one.name: one for one in map(_namespace, found) if one is not None}


async def refuse_foreign(client: BulkClient, resource: ApiResource, cohort: str, names: Iterable[str]) -> None:
    """Raises SetupError that lists every namespace which a participant needs and which is not this cohort's."""
    needed = {Participant(name).namespace(stage) for name in names for stage in STAGES}
    faults = []
    async for page in client.pages(resource, metadata=True):
        for obj in page:
            name = name_of(obj)
            if name not in needed:
                continue
            known = _namespace(obj)
            if known is None:
                faults.append(f"{name} exists and was not made by the kit")
            elif known.cohort != cohort:
                faults.append(f"{name} belongs to the cohort {known.cohort}")
    if faults:
        listed = "\n  ".join(sorted(faults))
        raise SetupError(
            f"{len(faults)} namespaces are somebody else's; nothing was written\n  {listed}",
            hint="choose other names with --prefix or --from-file",
        )


async def survey(client: BulkClient, objects: CohortObjects, wanted: Mapping[Key, Object]) -> Survey:
    """The cohort's objects as they are, by one list a kind. Raises like BulkClient.request."""
    found = Survey(await namespaces(client, objects.namespace, objects.cohort))

    async def look(resource: ApiResource) -> None:
        async for page in client.pages(resource, labels=f"{COHORT}={objects.cohort}"):
            for live in page:
                key = Key(resource, *namespace_and_name(live))
                if key not in wanted:
                    continue
                if generated_keys(wanted[key]):
                    found.secrets[key] = live
                if is_current(live, filled(wanted[key], live)):
                    found.current.add(key)
                else:
                    found.others[key] = {"metadata": live["metadata"]}

    # The server makes a page of one kind while this program reads that of another. Few at a time, for their memory.
    await every(objects.kinds, look, workers=KINDS_AT_ONCE)
    return found


def _namespace(obj: Object) -> Namespace | None:
    """The namespace of a participant, or None for one that the kit did not make: its labels must fit its name."""
    meta = obj["metadata"]
    labels = labels_of(obj)
    participant, cohort = labels.get(PARTICIPANT, ""), labels.get(COHORT, "")
    made = APPLIED in annotations_of(obj) and cohort and meta["name"] in Participant(participant).namespaces
    if not made:
        return None
    return Namespace(meta["name"], meta["uid"], participant, cohort, bool(meta.get("deletionTimestamp")))
