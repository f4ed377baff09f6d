"""The kinds of a server, and the names that people type: `pr`, `pipelinerun`, `pipelineruns.tekton.dev`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from workshop.cluster.transport import ApiFailure, Transport

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


@dataclass(frozen=True)
class Resource:
    """One kind of the server."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    short_names: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """The REST path; without a namespace, the collection of all namespaces."""
        base = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        below = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"{base}{scope}/{self.plural}{below}"


def discover(transport: Transport) -> list[Resource]:
    """Every kind, core first. Raises ApiFailure, EnvironmentFault."""
    found: list[Resource] = []
    for root in ("/api", "/apis"):
        answer = transport.request("GET", root, accept=AGGREGATED)
        if answer.get("kind") != "APIGroupDiscoveryList":
            return _legacy(transport)
        for group in answer.get("items") or []:
            name = group["metadata"].get("name") or ""
            for version in group.get("versions") or []:
                found += [_aggregated(name, version["version"], one) for one in version.get("resources") or []]
    return found


def match(resources: Iterable[Resource], word: str) -> Resource | None:
    """The resource of a word: plural, singular, short name or kind, with or without `.group` and version."""
    name, _, rest = word.lower().partition(".")
    for one in resources:
        names = (one.plural, one.singular, one.kind.lower(), *one.short_names)
        if name in names and rest in ("", one.group, f"{one.version}.{one.group}", one.version):
            return one
    return None


def of_kind(resources: Iterable[Resource], api_version: str, kind: str) -> Resource | None:
    """The resource of a manifest's apiVersion and kind."""
    return next((one for one in resources if (one.api_version, one.kind) == (api_version, kind)), None)


def _aggregated(group: str, version: str, one: dict[str, Any]) -> Resource:
    kind = one.get("responseKind") or {}
    return Resource(
        group,
        version,
        kind.get("kind") or "",
        one["resource"],
        one.get("singularResource") or (kind.get("kind") or "").lower(),
        one.get("scope") == "Namespaced",
        tuple(one.get("shortNames") or ()),
    )


def _legacy(transport: Transport) -> list[Resource]:
    """Group by group, for servers older than Kubernetes 1.26."""
    places = [("", "v1", "/api/v1")]
    for group in transport.request("GET", "/apis").get("groups") or []:
        for version in group.get("versions") or []:
            places.append((group["name"], version["version"], f"/apis/{version['groupVersion']}"))
    found: list[Resource] = []
    for group_name, version_name, path in places:
        try:
            listed = transport.request("GET", path).get("resources") or []
        except ApiFailure:
            continue  # an aggregated API that is down must not hide the others
        for one in listed:
            if "/" in one["name"]:
                continue
            found.append(
                Resource(
                    group_name,
                    version_name,
                    one["kind"],
                    one["name"],
                    one.get("singularName") or one["kind"].lower(),
                    bool(one.get("namespaced")),
                    tuple(one.get("shortNames") or ()),
                )
            )
    return found
