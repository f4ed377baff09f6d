"""A small synchronous client of an API server: the lab's or a cluster's.

`Client.load()` finds the server as kubectl does. Kinds have the names that people type (`"sdep"`, `"PipelineRun"`). A
connection that fails is a SetupError with the next command. An error of the server is an ApiFailure with its
code, reason and message.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from workshop.cluster import config as configs
from workshop.cluster.resources import discover, match, of_kind
from workshop.cluster.transport import ApiFailure, Transport
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import Object

__all__ = ["ApiFailure", "Client"]

MANAGER = "workshop"
PATCH = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


class Client:
    """One server, one user, and the default namespace."""

    def __init__(self, config: configs.Config, *, timeout: float = 60.0, agent: str = MANAGER) -> None:
        self.config = config
        self.namespace = config.namespace
        self.http = Transport(config, timeout=timeout, agent=agent)

    @classmethod
    def load(cls, kubeconfig: str | Path | None = None, *, context: str = "", namespace: str | None = None) -> Client:
        """The client of kubectl's current configuration. Raises SetupError."""
        return cls(configs.with_namespace(configs.find(kubeconfig, context=context), namespace))

    @cached_property
    def resources(self) -> list[ApiResource]:
        """The kinds of the server; requested once. Raises ApiFailure, SetupError."""
        return discover(self.http)

    def resource(self, word: str) -> ApiResource:
        """The resource of a word. Raises ApiFailure (404) with kubectl's message."""
        found = match(self.resources, word)
        if found is None:
            raise ApiFailure(404, "NotFound", f'the server doesn\'t have a resource type "{word}"')
        return found

    def resource_of(self, obj: Object) -> ApiResource:
        """The resource of a manifest. Raises ApiFailure (404) with kubectl's message."""
        version, kind = str(obj.get("apiVersion")), str(obj.get("kind"))
        found = of_kind(self.resources, version, kind)
        if found is None:
            raise ApiFailure(404, "NotFound", f'no matches for kind "{kind}" in version "{version}"')
        return found

    # -- one object --------------------------------------------------------------------------------------------

    def get(self, kind: str, namespace: str | None, name: str) -> Object:
        """One object. Raises ApiFailure."""
        return self._one("GET", self.resource(kind), namespace, name)

    def find(self, kind: str, namespace: str | None, name: str) -> Object | None:
        """One object, or None if it does not exist. Raises ApiFailure for other errors."""
        try:
            return self.get(kind, namespace, name)
        except ApiFailure as e:
            if e.code == 404:
                return None
            raise

    def create(self, obj: Object, namespace: str | None = None, *, strict: bool = True) -> Object:
        """Create an object; `strict` refuses unknown fields. Raises ApiFailure."""
        resource = self.resource_of(obj)
        where = self._where(resource, obj, namespace)
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict" if strict else "Warn"}
        made: Object = self.http.request("POST", resource.path(where), query=query, body=obj)
        return made

    def apply(self, obj: Object, namespace: str | None = None, *, force: bool = True) -> Object:
        """Server-side apply: create the object or take ownership of the fields that it names. Raises ApiFailure."""
        resource = self.resource_of(obj)
        where = self._where(resource, obj, namespace)
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict", "force": str(force).lower()}
        path = resource.path(where, obj["metadata"]["name"])
        made: Object = self.http.request("PATCH", path, query=query, body=obj, media=PATCH["apply"])
        return made

    def update(self, obj: Object, *, subresource: str = "") -> Object:
        """Replace an object; its resourceVersion must be the newest. Raises ApiFailure (409)."""
        meta = obj["metadata"]
        path = self.resource_of(obj).path(meta.get("namespace"), meta["name"], subresource)
        made: Object = self.http.request("PUT", path, query={"fieldManager": MANAGER}, body=obj)
        return made

    def patch(
        self, kind: str, namespace: str | None, name: str, change: Any, *, how: str = "merge", subresource: str = ""
    ) -> Object:
        """Patch an object; `how` is merge, json or strategic. Raises ApiFailure."""
        resource = self.resource(kind)
        path = resource.path(namespace or self.namespace, name, subresource)
        made: Object = self.http.request("PATCH", path, query={"fieldManager": MANAGER}, body=change, media=PATCH[how])
        return made

    def delete(
        self, kind: str, namespace: str | None, name: str, *, propagation: str = "Background", missing_ok: bool = False
    ) -> None:
        """Delete an object. Raises ApiFailure."""
        resource = self.resource(kind)
        try:
            self.http.request(
                "DELETE", resource.path(namespace or self.namespace, name), body={"propagationPolicy": propagation}
            )
        except ApiFailure as e:
            if not (missing_ok and e.code == 404):
                raise

    # -- many --------------------------------------------------------------------------------------------------

    def list(
        self,
        kind: str,
        namespace: str | None = None,
        *,
        labels: dict[str, str] | str | None = None,
        fields: str = "",
        everywhere: bool = False,
    ) -> list[Object]:
        """The objects of a kind in a namespace, or in all of them. Raises ApiFailure."""
        resource = self.resource(kind)
        answer = self._list(resource, None if everywhere else namespace or self.namespace, labels, fields)
        return [{"apiVersion": resource.api_version, "kind": resource.kind, **one} for one in answer["items"]]

    def watch(
        self,
        kind: str,
        namespace: str | None = None,
        *,
        name: str = "",
        labels: dict[str, str] | str | None = None,
        version: str = "",
        everywhere: bool = False,
        timeout: float | None = None,
    ) -> Iterator[tuple[str, Object]]:
        """Changes as they happen: `("ADDED"|"MODIFIED"|"DELETED", object)`.

        Without `version` the existing objects come first, as ADDED. Ends after `timeout` seconds. If the server no
        longer has the watch's position, the watch starts again, so an object may come twice.
        """
        resource = self.resource(kind)
        where = None if everywhere else namespace or self.namespace
        ends = time.monotonic() + timeout if timeout is not None else None
        while ends is None or time.monotonic() < ends:
            query = {"watch": "true", "allowWatchBookmarks": "true", **_selectors(labels, _name_field(name))}
            if version:
                query["resourceVersion"] = version
            if ends is not None:
                query["timeoutSeconds"] = str(max(1, round(ends - time.monotonic())))
            left = ends - time.monotonic() if ends is not None else None
            try:
                for line in self.http.lines(resource.path(where), query=query, timeout=left):
                    change = json.loads(line)
                    if change["type"] == "ERROR":
                        version = ""
                        break
                    version = change["object"]["metadata"].get("resourceVersion", version)
                    if change["type"] != "BOOKMARK":
                        yield change["type"], change["object"]
            except TimeoutError:
                return
            except ApiFailure as e:
                if e.code != 410:
                    raise
                version = ""

    # -- logs --------------------------------------------------------------------------------------------------

    def logs(self, namespace: str | None, pod: str, container: str = "", *, tail: int | None = None) -> str:
        """The log of a container. Raises ApiFailure."""
        query = {"container": container} if container else {}
        if tail is not None:
            query["tailLines"] = str(tail)
        path = self.resource("pods").path(namespace or self.namespace, pod, "log")
        return self.http.raw("GET", path, query=query).decode("utf-8", "replace")

    def follow(self, namespace: str | None, pod: str, container: str = "") -> Iterator[bytes]:
        """The log of a container, line by line, until it has ended. Raises ApiFailure."""
        query = {"follow": "true", **({"container": container} if container else {})}
        path = self.resource("pods").path(namespace or self.namespace, pod, "log")
        return self.http.lines(path, query=query, accept="*/*")

    # -- inside ------------------------------------------------------------------------------------------------

    def _one(self, method: str, resource: ApiResource, namespace: str | None, name: str) -> Object:
        found: Object = self.http.request(method, resource.path(namespace or self.namespace, name))
        return found

    def _list(
        self, resource: ApiResource, namespace: str | None, labels: dict[str, str] | str | None, fields: str
    ) -> Object:
        found: Object = self.http.request("GET", resource.path(namespace), query=_selectors(labels, fields))
        return found

    def _where(self, resource: ApiResource, obj: Object, namespace: str | None) -> str | None:
        if not resource.namespaced:
            return None
        return str(obj.get("metadata", {}).get("namespace") or namespace or self.namespace)


def _name_field(name: str) -> str:
    return f"metadata.name={name}" if name else ""


def _selectors(labels: dict[str, str] | str | None, fields: str) -> dict[str, str]:
    wanted = ",".join(f"{k}={v}" for k, v in labels.items()) if isinstance(labels, dict) else labels or ""
    query = {"labelSelector": wanted, "fieldSelector": fields}
    return {key: value for key, value in query.items() if value}
