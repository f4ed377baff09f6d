"""Reads the objects and logs of an engine, as a client of an API server would."""

from __future__ import annotations

from workshop.cluster.client import ApiFailure
from workshop.lab.api_errors import ApiError
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object
from workshop.standalone.engine import Engine


class StoreReader:
    """The objects and logs of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, kind: str, namespace: str | None, name: str) -> Object:
        """One object. Raises ApiFailure."""
        try:
            return self._engine.store.get(built_in(kind), namespace or "", name)
        except ApiError as e:
            raise ApiFailure(e.code, e.reason, e.message) from e

    def list(self, kind: str, namespace: str | None = None, *, labels: dict[str, str] | None = None) -> list[Object]:
        """The objects of a kind whose labels include `labels`."""
        return self._engine.store.objects(built_in(kind), namespace, labels)

    def logs(self, namespace: str | None, pod: str, container: str = "") -> str:
        """The log of a container. Raises ApiFailure when there is none."""
        try:
            return self._engine.paths.container_log(namespace or "", pod, container).read_text("utf-8", "replace")
        except OSError as e:
            raise ApiFailure(404, "NotFound", f"there is no log of {container} in {pod}") from e
