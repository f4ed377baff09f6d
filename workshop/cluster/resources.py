"""The kinds of a server, and the names that people type: `pr`, `pipelinerun`, `pipelineruns.tekton.dev`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workshop.cluster.transport import ApiFailure, Transport
from workshop.manifests.apiresource import ApiResource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


def discover(transport: Transport) -> list[ApiResource]:
    """Every kind, core first. Raises ApiFailure, SetupError."""
    found: list[ApiResource] = []
    for root in ("/api", "/apis"):
        answer = transport.request("GET", root, accept=AGGREGATED)
        if answer.get("kind") != "APIGroupDiscoveryList":
            return _legacy(transport)
        for group in answer.get("items") or []:
            name = group["metadata"].get("name") or ""
            for version in group.get("versions") or []:
                found += [_aggregated(name, version["version"], one) for one in version.get("resources") or []]
    return found


def stale_groups(transport: Transport) -> list[str]:
    """`group/version` of aggregated APIs whose server does not answer, so that their kinds are unknown.

    Raises ApiFailure, SetupError.
    """
    answer = transport.request("GET", "/apis", accept=AGGREGATED)
    return sorted(
        f"{group['metadata'].get('name')}/{version['version']}"
        for group in answer.get("items") or []
        for version in group.get("versions") or []
        if version.get("freshness") == "Stale"
    )


def match(resources: Iterable[ApiResource], word: str) -> ApiResource | None:
    """The resource of a word: plural, singular, short name or kind, with or without `.group` and version."""
    name, _, rest = word.lower().partition(".")
    for one in resources:
        names = (one.plural, one.singular_name, one.kind.lower(), *one.short_names)
        if name in names and rest in ("", one.group, f"{one.version}.{one.group}", one.version):
            return one
    return None


def of_kind(resources: Iterable[ApiResource], api_version: str, kind: str) -> ApiResource | None:
    """The resource of a manifest's apiVersion and kind."""
    return next((one for one in resources if (one.api_version, one.kind) == (api_version, kind)), None)


def _aggregated(group: str, version: str, one: dict[str, Any]) -> ApiResource:
    kind = one.get("responseKind") or {}
    return ApiResource(
        group,
        version,
        kind.get("kind") or "",
        one["resource"],
        one.get("scope") == "Namespaced",
        tuple(one.get("shortNames") or ()),
        one.get("singularResource") or "",
        tuple(one.get("verbs") or ()),
    )


def _legacy(transport: Transport) -> list[ApiResource]:
    """Group by group, for servers older than Kubernetes 1.26."""
    places = [("", "v1", "/api/v1")]
    for group in transport.request("GET", "/apis").get("groups") or []:
        for version in group.get("versions") or []:
            places.append((group["name"], version["version"], f"/apis/{version['groupVersion']}"))
    found: list[ApiResource] = []
    for group_name, version_name, path in places:
        try:
            listed = transport.request("GET", path).get("resources") or []
        except ApiFailure:
            continue  # an aggregated API that is down must not hide the others
        for one in listed:
            if "/" in one["name"]:
                continue
            found.append(
                ApiResource(
                    group_name,
                    version_name,
                    one["kind"],
                    one["name"],
                    bool(one.get("namespaced")),
                    tuple(one.get("shortNames") or ()),
                    one.get("singularName") or "",
                    tuple(one.get("verbs") or ()),
                )
            )
    return found
