"""The state of a cohort, one row a participant: objects, Pods, quota, the last run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workshop.cluster.bulk import BulkClient, every
from workshop.cluster.resources import of_kind
from workshop.cluster.transport import ApiFailure
from workshop.cluster.wanted import Key
from workshop.cohort.names import in_order
from workshop.cohort.objects import CohortObjects
from workshop.cohort.survey import namespaces, survey
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import Object, condition, name_of, status_of, truth
from workshop.manifests.quantities import number
from workshop.participants.names import Participant

_RUN_STATES = {"True": "succeeded", "False": "failed", "Unknown": "running"}


@dataclass
class Row:
    """One participant.

    `missing` are objects that are absent or changed; `quota` is the highest use of any limit in percent, and `quota_of`
    says of which.
    """

    name: str
    objects: int
    missing: list[str]
    pods: int = 0
    pods_failed: int = 0
    quota: int = 0
    quota_of: str = ""
    run: str = ""
    run_state: str = ""
    run_reason: str = ""
    run_time: str = field(default="", compare=False)


async def rows(client: BulkClient, known: Sequence[ApiResource], objects: CohortObjects, cohort: str) -> list[Row]:
    """The participants whose namespaces exist. Raises like BulkClient.request."""
    there = await namespaces(client, objects.namespace, cohort)
    participants = sorted({one.participant for one in there.values()}, key=in_order)
    wanted = {name: dict(objects.of(Participant(name))) for name in participants}
    found = await survey(client, objects, {key: obj for mine in wanted.values() for key, obj in mine.items()})
    made = {name: _row(name, mine, found.current) for name, mine in wanted.items()}

    async def look(namespace: str) -> None:
        row = made[there[namespace].participant]
        for word, kind, read in (
            ("v1", "Pod", _pods),
            ("v1", "ResourceQuota", _quotas),
            ("tekton.dev/v1", "PipelineRun", _runs),
        ):
            resource = of_kind(known, word, kind)
            if resource is not None:
                read(row, namespace, await _listed(client, resource, namespace))

    await every(there, look)
    return list(made.values())


async def _listed(client: BulkClient, resource: ApiResource, namespace: str) -> list[Object]:
    """The objects; none in a namespace that is gone meanwhile."""
    try:
        return await client.list(resource, namespace)
    except ApiFailure as e:
        if e.code == 404:
            return []
        raise


def _row(name: str, wanted: Mapping[Key, Object], current: set[Key]) -> Row:
    return Row(name, len(wanted), [key.described for key in wanted if key not in current])


def _pods(row: Row, namespace: str, found: Sequence[Object]) -> None:
    phases = [status_of(one).get("phase") for one in found]
    row.pods += sum(phase in ("Pending", "Running") for phase in phases)
    row.pods_failed += phases.count("Failed")


def _quotas(row: Row, namespace: str, found: Sequence[Object]) -> None:
    for one in found:
        status = status_of(one)
        for what, limit in (status.get("hard") or {}).items():
            allowed = number(limit)
            used = round(100 * number((status.get("used") or {}).get(what, "0")) / allowed) if allowed else 0
            if used > row.quota:
                row.quota, row.quota_of = used, f"{what} in {namespace}"


def _runs(row: Row, namespace: str, found: Sequence[Object]) -> None:
    for one in found:
        created = str(one["metadata"].get("creationTimestamp", ""))
        if created > row.run_time:
            row.run, row.run_time = f"{namespace}/{name_of(one)}", created
            row.run_state, row.run_reason = _RUN_STATES[truth(one)], str(condition(one).get("reason", ""))
