"""Remove a cohort, or some of its participants, and prove that nothing is left.

What to remove is found by the labels that provisioning writes, so the original number need not be known. A namespace
that has the cohort's label and was not made by the kit is never deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from workshop.cluster.applying import refused
from workshop.cluster.bulk import BulkClient, every
from workshop.cluster.resources import of_kind
from workshop.cluster.searching import search
from workshop.cluster.transport import ApiFailure
from workshop.cohort.provision import Report
from workshop.cohort.survey import Namespace, namespaces
from workshop.errors import TimedOut
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import Object, name_of, namespace_and_name, status_of
from workshop.participants.names import COHORT

_REASONS = ("NamespaceDeletionDiscoveryFailure", "NamespaceContentRemaining", "NamespaceFinalizersRemaining")
"""Conditions of a Namespace that say why its deletion has not ended."""


_MANY = 60


@dataclass(frozen=True)
class Leftover:
    """Something of the cohort that is still there."""

    kind: str
    namespace: str
    name: str
    why: str = ""


async def remove(
    client: BulkClient,
    resource: ApiResource,
    found: Collection[Namespace],
    report: Report,
    *,
    seconds: float = 600.0,
) -> None:
    """Delete the namespaces and wait until they are gone.

    Each is deleted by its uid, so a namespace that somebody made meanwhile under the same name stays. Raises TimedOut
    with what keeps the rest, ManifestError when the server refuses.
    """

    async def one(namespace: Namespace) -> None:
        if namespace.terminating:
            return
        try:
            await client.delete(resource, None, namespace.name, uid=namespace.uid)
        except ApiFailure as e:
            raise refused(e, f"delete Namespace {namespace.name}") from e

    await every(found, one)
    report("deleting", {"namespaces": len(found)})
    ids = {one.uid for one in found}
    cohorts = {one.cohort for one in found}
    deadline = asyncio.get_running_loop().time() + seconds
    left = len(ids)
    while ids:
        known = {n.uid: n for cohort in cohorts for n in (await namespaces(client, resource, cohort)).values()}
        there = [known[uid] for uid in ids if uid in known]
        if not there:
            return
        if len(there) != left:
            left = len(there)
            report("waiting", {"for": "deletion", "namespaces": left})
        if asyncio.get_running_loop().time() > deadline:
            reasons = "\n  ".join([await why_terminating(client, resource, one.name) for one in there[:5]])
            raise TimedOut(
                f"{len(there)} of {len(ids)} namespaces are still there after {seconds:.0f} s\n  {reasons}",
                hint="the same command goes on waiting; a finalizer ends when what set it runs again",
            )
        await asyncio.sleep(0.5 if left < _MANY else 2.0)  # a long list costs the server work, too


async def why_terminating(client: BulkClient, resource: ApiResource, name: str) -> str:
    """What keeps a namespace, in the words of its conditions. Raises like BulkClient.request."""
    try:
        conditions = status_of(await client.get(resource.path(None, name))).get("conditions") or []
    except ApiFailure as e:
        if e.code != 404:
            raise
        return f"{name}: gone now"
    said = [str(c.get("message")) for c in conditions if c.get("type") in _REASONS and c.get("status") == "True"]
    return f"{name}: {'; '.join(said) or 'no reason is given yet'}"


@dataclass(frozen=True)
class Proof:
    """What a search for the rest of a cohort has found, and the kinds that could not be searched, with the reason."""

    left: list[Leftover]
    unseen: list[str]


async def prove(client: BulkClient, known: Sequence[ApiResource], cohort: str, names: Collection[str]) -> Proof:
    """Look for objects of every kind with the cohort's label, and for volumes of claims in the namespaces `names`.

    Raises SetupError when the server is away.
    """
    found = await search(client, known, f"{COHORT}={cohort}")
    left, unseen = [_leftover(resource, obj) for resource, obj in found.objects], list(found.unseen)
    volumes = of_kind(known, "v1", "PersistentVolume")
    if volumes is not None:
        try:
            async for page in client.pages(volumes):
                left += [volume for obj in page if (volume := _volume(obj, names))]
        except ApiFailure as e:
            unseen.append(f"volumes of deleted claims: {e}")
    return Proof(sorted(left, key=lambda one: (one.kind, one.namespace, one.name)), unseen)


def _leftover(resource: ApiResource, obj: Object) -> Leftover:
    finalizers = obj["metadata"].get("finalizers") or []
    why = f"finalizers {', '.join(finalizers)}" if finalizers else ""
    return Leftover(resource.kind, *namespace_and_name(obj), why)


def _volume(obj: Object, names: Collection[str]) -> Leftover | None:
    spec = obj.get("spec") or {}
    claim = spec.get("claimRef") or {}
    if claim.get("namespace") not in names:
        return None
    policy = spec.get("persistentVolumeReclaimPolicy")
    why = f"volume of the claim {claim['namespace']}/{claim.get('name')}, reclaim policy {policy}"
    return Leftover("PersistentVolume", "", name_of(obj), why)
