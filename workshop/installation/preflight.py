"""Whether a cluster is ready for a room: what is there, what installing would change, and how many participants fit.

It only reads. A finding is `ok`; `change`, which `workshop cluster install` does; `choice`, without which the room
works with less; or `missing`, which somebody has to do first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workshop.cluster.bulk import BulkClient, every
from workshop.cluster.ingresses import has_routes
from workshop.cluster.resources import of_kind
from workshop.cluster.transport import ApiFailure
from workshop.installation import operators
from workshop.installation.capacity import Capacity, capacity
from workshop.installation.settings import differing
from workshop.installation.table import Merge, Operator, Part, Sizing, Table
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import Object, annotations_of, name_of, status_of

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_RIGHTS = (
    ("create", "", "namespaces"),
    ("delete", "", "namespaces"),
    ("create", "", "resourcequotas"),
    ("create", "", "secrets"),
    ("list", "", "secrets"),
    ("create", "", "persistentvolumeclaims"),
    ("create", "apps", "deployments"),
    ("create", "networking.k8s.io", "networkpolicies"),
    ("create", "rbac.authorization.k8s.io", "roles"),
    ("bind", "rbac.authorization.k8s.io", "clusterroles"),
    ("escalate", "rbac.authorization.k8s.io", "roles"),
    ("create", "tekton.dev", "pipelines"),
    ("create", "triggers.tekton.dev", "eventlisteners"),
)
"""Verb, group and plural of what provisioning and installing do in every namespace."""
_OPENSHIFT_RIGHTS = (
    ("create", "operators.coreos.com", "subscriptions"),
    ("create", "build.openshift.io", "buildconfigs"),
    ("create", "route.openshift.io", "routes"),
    ("patch", "", "configmaps"),
)


@dataclass(frozen=True)
class Finding:
    """One look at the cluster. `fix` says what install changes, or what somebody has to do."""

    name: str
    state: str
    found: str
    fix: str = ""


@dataclass(frozen=True)
class Preflight:
    """All findings, and the capacity if nodes can be read."""

    findings: list[Finding]
    capacity: Capacity | None

    @property
    def ready(self) -> bool:
        """Whether nothing is missing that install does not bring."""
        return all(one.state != "missing" for one in self.findings)


def is_openshift(known: Sequence[ApiResource]) -> bool:
    """Whether the server has OpenShift's own API."""
    return any(one.group == "route.openshift.io" for one in known) and any(
        one.group in ("config.openshift.io", "project.openshift.io") for one in known
    )


def served(known: Sequence[ApiResource], kind: str) -> bool:
    """Whether the server serves a kind written as `Kind.group/version`."""
    name, _, version = kind.partition(".")
    return of_kind(known, version, name) is not None


async def preflight(client: BulkClient, known: Sequence[ApiResource], table: Table, sizing: Sizing) -> Preflight:
    """Look at everything. Raises SetupError when the server does not answer."""
    look = _Look(client, known)
    findings = [await look.version()]
    for part in table.parts:
        findings += await look.part(part, table)
    findings += [*await look.rights(), *await look.storage(), await look.logins()]
    found = await look.capacity(sizing)
    if found is None:
        findings.append(Finding("capacity", "choice", "nodes cannot be read", "log in as cluster-admin to see it"))
    else:
        state = "ok" if found.fits else "missing"
        fix = "" if found.fits else f"add nodes: {found.bound} ends first"
        findings.append(Finding("capacity", state, f"{found.fits} participants; {found.bound} ends first", fix))
    return Preflight(findings, found)


class _Look:
    """Reads one cluster."""

    def __init__(self, client: BulkClient, known: Sequence[ApiResource]) -> None:
        self.client = client
        self.known = known
        self.openshift = is_openshift(known)

    async def version(self) -> Finding:
        found = str((await self.client.get("/version")).get("gitVersion", "unknown"))
        cluster = await self._find("config.openshift.io/v1", "ClusterVersion", None, "version")
        if cluster is not None:
            release = (status_of(cluster).get("desired") or {}).get("version")
            found = f"OpenShift {release}, Kubernetes {found.removeprefix('v')}"
        else:
            found = f"Kubernetes {found.removeprefix('v')}" + (" with OpenShift's API" if self.openshift else "")
        return Finding("server", "ok", found)

    async def part(self, part: Part, table: Table) -> list[Finding]:
        absent = [kind for kind in part.provides if not served(self.known, kind)]
        if part.merge is not None and self.openshift and not absent:
            return [await self._merge(part, part.merge)]
        if part.operator is not None and not absent and await self._left_over(part, part.operator):
            return await self._operator(part, part.operator)
        if part.provides and not absent:
            return [Finding(part.name, "ok", await self._present(part))]
        if part.openshift and not self.openshift:
            state = "missing" if part.provides and not part.optional else "choice"
            return [Finding(part.name, state, "install brings it on OpenShift only", part.elsewhere)]
        if part.addresses and not has_routes(self.known):
            return [
                Finding(part.name, "choice", "the server has no Routes", f"workshop cluster install {part.elsewhere}")
            ]
        if part.needs and not self._reachable(next(p for p in table.parts if p.name == part.needs)):
            return [Finding(part.name, "choice", f"left out: it needs {part.needs}", "")]
        if part.merge is not None and self.openshift:
            fix = "see the cluster's operators"
            return [Finding(part.name, "missing", f"the server has no {', '.join(absent)}", fix)]
        if part.operator is not None and self._has_olm():
            return await self._operator(part, part.operator)
        if part.chart is not None:
            chart = part.chart
            return [Finding(part.name, "change", "not there", f"helm installs {chart.name} {chart.version}")]
        if part.folder:
            return [Finding(part.name, "change", part.purpose, f"applies {part.folder}")]
        state = "choice" if part.optional else "missing"
        return [Finding(part.name, state, f"the server has no {', '.join(absent)}", part.elsewhere)]

    async def rights(self) -> list[Finding]:
        wanted = [*_RIGHTS, *(_OPENSHIFT_RIGHTS if self.openshift else ())]
        refused: list[str] = []

        async def ask(right: tuple[str, str, str]) -> None:
            verb, group, resource = right
            review = {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": {"verb": verb, "group": group, "resource": resource}},
            }
            if not await self.client.review(review):
                refused.append(f"{verb} {resource}" + (f".{group}" if group else ""))

        await every(wanted, ask)
        if refused:
            fix = "log in as a user with cluster-admin"
            return [Finding("rights", "missing", f"not allowed: {', '.join(sorted(refused))}", fix)]
        return [Finding("rights", "ok", f"{len(wanted)} looked at, all allowed")]

    async def storage(self) -> list[Finding]:
        classes = await self._list("storage.k8s.io/v1", "StorageClass")
        if classes is None:
            return [Finding("storage class", "choice", "cannot be read", "a default StorageClass is needed")]
        default = [name_of(one) for one in classes if annotations_of(one).get(_DEFAULT_CLASS) == "true"]
        if default:
            return [Finding("storage class", "ok", f"default {default[0]} of {len(classes)}")]
        found = f"{len(classes)} classes, none is the default"
        return [Finding("storage class", "missing", found, f"annotate one with {_DEFAULT_CLASS}=true")]

    async def logins(self) -> Finding:
        oauth = await self._find("config.openshift.io/v1", "OAuth", None, "cluster")
        if oauth is None:
            return Finding("logins", "choice", "the server has no OpenShift login", "give participants tokens")
        providers = [str(one.get("name")) for one in (oauth.get("spec") or {}).get("identityProviders") or []]
        if providers:
            return Finding("logins", "ok", f"identity providers: {', '.join(providers)}")
        return Finding("logins", "missing", "no identity provider", "add one, such as HTPasswd, with the participants")

    async def capacity(self, sizing: Sizing) -> Capacity | None:
        nodes, pods = await self._list("v1", "Node"), await self._list("v1", "Pod")
        return capacity(nodes, pods, sizing) if nodes and pods is not None else None

    async def _present(self, part: Part) -> str:
        if part.operator is None or not self._has_olm():
            return "served"
        installed = await self._subscription(part.operator)
        if installed is None:
            return "served; installed in another way, and left as it is"
        spec = installed.get("spec") or {}
        csv = status_of(installed).get("installedCSV") or "none yet"
        note = "" if spec.get("channel") == part.operator.channel else f"; the kit's channel is {part.operator.channel}"
        return f"{csv}, channel {spec.get('channel')}{note}"

    async def _merge(self, part: Part, merge: Merge) -> Finding:
        live = await self._find("v1", "ConfigMap", merge.namespace, merge.name)
        if changed := differing(live, merge):
            fix = f"sets {', '.join(changed)} in ConfigMap {merge.name} in {merge.namespace}"
            return Finding(part.name, "change", "served, not set up", fix)
        return Finding(part.name, "ok", "served")

    async def _operator(self, part: Part, operator: Operator) -> list[Finding]:
        installed = await self._subscription(operator)
        if installed is not None:
            return [Finding(part.name, "change", "subscribed, not ready", "install waits for it")]
        packages = await self._find(
            "packages.operators.coreos.com/v1", "PackageManifest", "openshift-marketplace", operator.package
        )
        what = f"subscribes to {operator.package}, channel {operator.channel}, from {operator.starting_csv}"
        if packages is None:
            fix = f"mirror the package into the catalog {operator.source}"
            state = "choice" if part.optional else "missing"
            return [Finding(part.name, state, f"no catalog offers {operator.package}", fix)]
        channels = {str(c.get("name")): str(c.get("currentCSV")) for c in status_of(packages).get("channels") or []}
        if operator.channel not in channels:
            offered = ", ".join(sorted(channels))
            fix = "change channel and startingCSV in workshop/installation/parts.yaml"
            return [Finding(part.name, "missing", f"no channel {operator.channel}; offered: {offered}", fix)]
        return [Finding(part.name, "change", f"not there; newest is {channels[operator.channel]}", what)]

    async def _subscription(self, operator: Operator) -> Object | None:
        found = await self._list("operators.coreos.com/v1alpha1", "Subscription") or []
        return next((one for one in found if (one.get("spec") or {}).get("name") == operator.package), None)

    async def _left_over(self, part: Part, operator: Operator) -> bool:
        """Whether the kinds are what an uninstallation has left."""
        if not self._has_olm() or await self._subscription(operator) is not None:
            return False
        version, kind = "apiextensions.k8s.io/v1", "CustomResourceDefinition"
        names = [key.name for key in operators.definitions(self.known, part)]
        return any([operators.is_marked(await self._find(version, kind, None, name)) for name in names])

    def _reachable(self, part: Part) -> bool:
        """Whether a part is there or install brings it."""
        return all(served(self.known, kind) for kind in part.provides) or (
            part.operator is not None and self._has_olm()
        )

    def _has_olm(self) -> bool:
        return operators.can_subscribe(self.known)

    async def _list(self, version: str, kind: str) -> list[Object] | None:
        """All objects of a kind; None where it does not exist or may not be read."""
        resource = of_kind(self.known, version, kind)
        if resource is None:
            return None
        try:
            return await self.client.list(resource)
        except ApiFailure as e:
            if e.code in (403, 404):
                return None
            raise

    async def _find(self, version: str, kind: str, namespace: str | None, name: str) -> Object | None:
        resource = of_kind(self.known, version, kind)
        if resource is None:
            return None
        try:
            return await self.client.get(resource.path(namespace, name))
        except ApiFailure as e:
            if e.code in (403, 404):
                return None
            raise
