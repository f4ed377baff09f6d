"""Where Pipelines as Code finds Repositories, bare repositories, tokens and the addresses of pages."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workshop.lab.controllers.pipelinesascode import keys
from workshop.lab.controllers.pipelinesascode.inheritance import NAME, NAMESPACE, inherited, inherits_secret
from workshop.lab.controllers.pipelinesascode.resolving import label_value
from workshop.lab.forge.git import Git, folder_at
from workshop.lab.forge.statuses import Status, report
from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.objects import Object, annotations_of

APPLICATION = "Pipelines as Code CI"
"""The name before each context of a commit's statuses (`application-name` of its ConfigMap)."""


@dataclass(frozen=True)
class Lookups:
    """The store, and the Git server: its folder of repositories `root` at `address`.

    `tokens` has the token for pushes by the name of a repository's owner and a namespace of that owner, those of the
    first participant first.
    """

    store: Store
    root: Path
    address: str
    console: str
    env: Mapping[str, str]
    tokens: Mapping[tuple[str, str], str]

    def repository(self, url: str, owner: str, namespace: str = "") -> Object | None:
        """The oldest Repository with this URL, in the owner's namespaces or in one of them."""
        kind = built_in("Repository")
        allowed = {one for name, one in self.tokens if name == owner and namespace in ("", one)}
        found = [
            one
            for each in sorted(allowed)
            for one in self.store.objects(kind, each)
            if str((one.get("spec") or {}).get("url") or "").rstrip("/") == url
        ]
        return min(found, key=lambda one: str(one["metadata"].get("creationTimestamp", "")), default=None)

    def spec(self, repository: Object) -> Object:
        """The spec of a Repository, with what it inherits from the global one."""
        return inherited(repository.get("spec") or {}, self._general())

    def _general(self) -> Object:
        found = self.store.find(built_in("Repository"), NAMESPACE, NAME)
        return (found or {}).get("spec") or {}

    def folder(self, url: str) -> Path | None:
        """The bare repository at a URL of the Git server."""
        return folder_at(self.root, self.address, url)

    def owner(self, folder: Path) -> str:
        """The participant whose bare repository it is. Only those of the first one are in no folder of their own."""
        parts = folder.relative_to(self.root).parts
        return parts[0] if len(parts) > 1 else next(iter(self.tokens))[0]

    def git(self, folder: Path) -> Git:
        """Git in a bare repository."""
        return Git(folder, self.env)

    def token(self, repository: Object, owner: str) -> str:
        """The token for pushes: of the Secret of git_provider, else of the participant. Raises LookupError."""
        namespace = str(repository["metadata"]["namespace"])
        reference = (self.spec(repository).get("git_provider") or {}).get("secret")
        if reference:
            is_general = inherits_secret(repository.get("spec") or {}, self._general())
            place = NAMESPACE if is_general else namespace
            return self.secret(place, reference["name"], reference.get("key") or "provider.token")
        return self.tokens[(owner, namespace)]

    def secret(self, namespace: str, name: str, key: str) -> str:
        """A value of a Secret. Raises LookupError."""
        found = self.store.find(built_in("Secret"), namespace, name)
        if found is None:
            raise LookupError(f'secrets "{name}" not found in {namespace}')
        value = (found.get("data") or {}).get(key)
        if value is None:
            raise LookupError(f"cannot get the value from secret {name} in namespace {namespace}: key {key}")
        return base64.b64decode(value).decode("utf-8", "replace").strip()

    def page(self, run: Object) -> str:
        """The page of a PipelineRun."""
        return f"{self.console}/runs/{run['metadata']['namespace']}/{run['metadata']['name']}"

    def report(self, url: str, sha: str, context: str, state: str, description: str, target: str = "") -> None:
        """Set the status of a commit, if the repository still exists."""
        folder = self.folder(url)
        if folder is not None:
            name = f"{APPLICATION} / {context}" if context else APPLICATION
            report(folder, sha, Status(name, state, description, target))

    def runs(self, namespace: str, labels: Mapping[str, str]) -> list[Object]:
        """The PipelineRuns of Pipelines as Code with these labels. The values are those before they become labels."""
        wanted = {name: label_value(value) for name, value in labels.items()}
        return self.store.objects(built_in("PipelineRun"), namespace, {**wanted, MANAGED_BY: keys.GROUP})


MANAGED_BY = "app.kubernetes.io/managed-by"


def annotation(run: Object, key: str) -> str:
    """An annotation of a PipelineRun, or an empty string."""
    return str(annotations_of(run).get(key) or "")
