"""The state of a cohort, one row a participant: where they are in the modules, and their objects in the cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workshop.cluster.bulk import BulkClient, every
from workshop.cluster.resources import of_kind
from workshop.cluster.transport import ApiFailure
from workshop.cluster.wanted import Key
from workshop.cohort.names import in_order
from workshop.cohort.objects import CohortObjects
from workshop.cohort.sheet import SHARED
from workshop.cohort.survey import namespaces, survey
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import Object, labels_of, name_of, status_of
from workshop.participants.names import COHORT, PARTICIPANT, Participant
from workshop.participants.progress import NAME
from workshop.participants.standing import Seen, Standing, red_runs, standing

_LISTS = {"pods": ("v1", "Pod"), "quotas": ("v1", "ResourceQuota"), "runs": ("tekton.dev/v1", "PipelineRun")}


@dataclass
class Row(Standing):
    """One participant. `missing` of their `objects` are absent or changed; 0 for those not made by `provision`."""

    objects: int = 0
    missing: list[str] = field(default_factory=list)


async def rows(
    client: BulkClient, known: Sequence[ApiResource], kit_objects: CohortObjects, cohort: str, numbers: Sequence[str]
) -> list[Row]:
    """The participants of a cohort, and those who belong to none: of a lab, or made by `oc apply`.

    `numbers` are those of the modules. Raises like BulkClient.request.
    """
    provisioned = {one.participant for one in (await namespaces(client, kit_objects.namespace, cohort)).values()}
    names = sorted(provisioned | await _without_cohort(client, kit_objects.namespace), key=in_order)
    wanted = {name: dict(kit_objects.of(Participant(name))) for name in provisioned}
    current: set[Key] = set()
    if provisioned:
        found = await survey(client, kit_objects, {key: obj for mine in wanted.values() for key, obj in mine.items()})
        current = found.current
    made: dict[str, Row] = {}

    async def look(name: str) -> None:
        found = standing(name, await _seen(client, known, Participant(name)), numbers)
        made[name] = _row(found, wanted.get(name, {}), current)

    await every(names, look)
    return [made[name] for name in names]


@dataclass(frozen=True)
class SharedPart:
    """A Deployment or StatefulSet of the room's shared project, and how many of its Pods are ready."""

    part: str
    ready: int
    wanted: int


async def shared_parts(client: BulkClient, known: Sequence[ApiResource]) -> list[SharedPart]:
    """The shared parts; none in a lab, whose `workshop status` and board show them. Raises like BulkClient.request."""
    found = []
    for kind in ("Deployment", "StatefulSet"):
        for one in await _listed(client, of_kind(known, "apps/v1", kind), SHARED):
            ready = int(status_of(one).get("readyReplicas") or 0)
            found.append(SharedPart(name_of(one), ready, int((one.get("spec") or {}).get("replicas", 1))))
    return sorted(found, key=lambda one: one.part)


async def _without_cohort(client: BulkClient, resource: ApiResource) -> set[str]:
    """The participants whose dev namespace has no label of a cohort."""
    found = set()
    for one in await client.list(resource, labels=f"{PARTICIPANT},!{COHORT}", metadata=True):
        name = labels_of(one)[PARTICIPANT]
        if name_of(one) == Participant(name).namespace("dev"):
            found.add(name)
    return found


async def _seen(client: BulkClient, known: Sequence[ApiResource], participant: Participant) -> Seen:
    """The objects of a participant; of a namespace that is gone meanwhile, none."""
    found: dict[str, list[Object]] = {field_: [] for field_ in (*_LISTS, "task_runs")}
    for namespace in participant.namespaces:
        for field_, (version, kind) in _LISTS.items():
            found[field_] += await _listed(client, of_kind(known, version, kind), namespace)
    for namespace in {str(run["metadata"]["namespace"]) for run in red_runs(found["runs"])}:
        found["task_runs"] += await _listed(client, of_kind(known, "tekton.dev/v1", "TaskRun"), namespace)
    return Seen(await _progress(client, known, participant), **found)


async def _progress(client: BulkClient, known: Sequence[ApiResource], participant: Participant) -> Object | None:
    resource = of_kind(known, "v1", "ConfigMap")
    try:
        return await client.get(resource.path(participant.namespace("dev"), NAME)) if resource else None
    except ApiFailure as e:
        if e.code == 404:
            return None
        raise


async def _listed(client: BulkClient, resource: ApiResource | None, namespace: str) -> list[Object]:
    """The objects; none of a kind that the server lacks, and none in a namespace that is gone meanwhile."""
    if resource is None:
        return []
    try:
        return await client.list(resource, namespace)
    except ApiFailure as e:
        if e.code == 404:
            return []
        raise


def _row(found: Standing, wanted: Mapping[Key, Object], current: set[Key]) -> Row:
    missing = [key.described for key in wanted if key not in current]
    return Row(**vars(found), objects=len(wanted), missing=missing)
