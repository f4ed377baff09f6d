"""Operators of the installation: Subscriptions of the Operator Lifecycle Manager (OLM).

When a Subscription is removed, OLM leaves the operator's CustomResourceDefinitions, because with a kind all objects of
it go. So a kind that is served is no proof of an operator. `remove` marks the kinds that it leaves; `is_left_over`
reads the mark, and a later installation subscribes again.
"""

from __future__ import annotations

from collections.abc import Sequence

from workshop.cluster.applying import find, refused
from workshop.cluster.bulk import BulkClient
from workshop.cluster.resources import of_kind
from workshop.cluster.transport import ApiFailure
from workshop.cluster.wanted import Key, stamped
from workshop.installation.table import Operator, Part
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import Object, annotations_of, status_of

LEFT_OVER = "mlops-workshop/operator-removed"
"""The annotation of a CustomResourceDefinition whose operator `uninstall` has removed."""
_OLM = "operators.coreos.com/v1alpha1"


def can_subscribe(known: Sequence[ApiResource]) -> bool:
    """Whether the cluster has OLM."""
    return of_kind(known, _OLM, "Subscription") is not None


def subscription(part: Part, operator: Operator, known: Sequence[ApiResource], label: str) -> tuple[Key, Object]:
    """The Subscription of a part, with the label `label`."""
    resource = of_kind(known, _OLM, "Subscription")
    assert resource is not None
    obj: Object = {
        "apiVersion": _OLM,
        "kind": "Subscription",
        "metadata": {
            "name": operator.package,
            "namespace": operator.namespace,
            "labels": {"app.kubernetes.io/part-of": "mlops-workshop", label: part.name},
        },
        "spec": {
            "name": operator.package,
            "channel": operator.channel,
            "startingCSV": operator.starting_csv,
            "source": operator.source,
            "sourceNamespace": "openshift-marketplace",
            "installPlanApproval": "Automatic",
        },
    }
    return Key(resource, operator.namespace, operator.package), stamped(obj)


async def subscribed(client: BulkClient, known: Sequence[ApiResource], operator: Operator) -> Object | None:
    """The Subscription of the operator's package, whoever made it and wherever it is. Raises ApiFailure, SetupError."""
    resource = of_kind(known, _OLM, "Subscription")
    found = await client.list(resource) if resource is not None else []
    return next((one for one in found if (one.get("spec") or {}).get("name") == operator.package), None)


async def is_left_over(client: BulkClient, known: Sequence[ApiResource], part: Part) -> bool:
    """Whether the part's kinds are there and their operator is not, because `remove` has removed it.

    Raises ManifestError, SetupError.
    """
    return any([is_marked(await find(client, key)) for key in definitions(known, part)])


def is_marked(definition: Object | None) -> bool:
    """Whether `remove` has left this CustomResourceDefinition."""
    return definition is not None and LEFT_OVER in annotations_of(definition)


async def waiting_for(client: BulkClient, known: Sequence[ApiResource], operator: Operator) -> list[str]:
    """What keeps an operator from running, in OLM's words; empty when one of its versions is installed.

    Raises ApiFailure, ManifestError, SetupError.
    """
    live = await subscribed(client, known, operator)
    if live is None:
        return [f"no Subscription {operator.package}"]
    versions = of_kind(known, _OLM, "ClusterServiceVersion")
    status = status_of(live)
    name = str(status.get("installedCSV") or status.get("currentCSV") or "")
    if not name or versions is None:
        problems = [f"Subscription {operator.package} has no ClusterServiceVersion yet"]
    else:
        csv = await find(client, Key(versions, live["metadata"]["namespace"], name))
        phase = status_of(csv or {}).get("phase", "not there yet")
        if phase == "Succeeded":
            return []
        problems = [f"ClusterServiceVersion {name} is {phase}"]
    return problems + [
        f"{one['type']}: {one.get('message') or one.get('reason')}"
        for one in status.get("conditions") or []
        if one.get("status") == "True" and one.get("type") != "CatalogSourcesUnhealthy"
    ]


async def remove(client: BulkClient, known: Sequence[ApiResource], part: Part, key: Key) -> None:
    """Mark the kinds that stay, and delete what a Subscription has installed; then the caller deletes it.

    Without its ClusterServiceVersion the operator ends. Raises ApiFailure, ManifestError, SetupError.
    """
    for definition in definitions(known, part):
        if await find(client, definition) is not None:
            path = definition.resource.path(None, definition.name)
            change: Object = {"metadata": {"annotations": {LEFT_OVER: key.name}}}
            try:
                await client.request("PATCH", path, body=change, media="application/merge-patch+json")
            except ApiFailure as e:
                raise refused(e, f"mark {definition.described}") from e
    versions = of_kind(known, _OLM, "ClusterServiceVersion")
    name = status_of(await find(client, key) or {}).get("installedCSV")
    if versions is not None and name:
        await client.delete(versions, key.namespace, str(name))


def definitions(known: Sequence[ApiResource], part: Part) -> list[Key]:
    """The CustomResourceDefinitions of the kinds that a part provides."""
    resource = of_kind(known, "apiextensions.k8s.io/v1", "CustomResourceDefinition")
    if resource is None:
        return []
    kinds = (of_kind(known, version, name) for name, _, version in (kind.partition(".") for kind in part.provides))
    return [Key(resource, "", f"{kind.plural}.{kind.group}") for kind in kinds if kind is not None]
