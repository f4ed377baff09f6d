"""One kind in an API server's discovery (`APIResource`), for the client and for the lab's server."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ApiResource:
    """The place of a kind in the API, and its names."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    singular: str = ""
    """The name in discovery. Empty means the kind in lower case."""
    verbs: tuple[str, ...] = field(default=(), compare=False)
    """What can be done with it; empty in the lab's own list of kinds."""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """Plural and group, as in error messages: `taskruns.tekton.dev`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def singular_name(self) -> str:
        return self.singular or self.kind.lower()

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """The REST path; without a namespace, the collection of all namespaces."""
        base = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        below = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"{base}{scope}/{self.plural}{below}"
