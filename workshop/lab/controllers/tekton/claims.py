"""PersistentVolumeClaims: created for volumeClaimTemplates, bound immediately, deleted with their folders."""

from __future__ import annotations

import shutil
from typing import Any

from workshop.lab.api_errors import AlreadyExists
from workshop.lab.controllers.owners import owner_reference
from workshop.lab.controllers.tekton.names import claim_name
from workshop.lab.kinds import built_in
from workshop.lab.kubelet.volumes import claim_folder
from workshop.lab.paths import LabPaths
from workshop.lab.store import Store
from workshop.manifests.objects import Object

_CLAIM = built_in("PersistentVolumeClaim")


def claims_for(store: Store, run: Object) -> dict[str, str]:
    """The claims of a run's volumeClaimTemplates by workspace; missing ones are created."""
    names: dict[str, str] = {}
    for binding in run["spec"].get("workspaces") or []:
        template = binding.get("volumeClaimTemplate")
        if not template:
            continue
        meta: dict[str, Any] = template.get("metadata") or {}
        name = claim_name(meta.get("name") or "", binding["name"], run)
        names[binding["name"]] = name
        body: Object = {
            "metadata": {
                "name": name,
                "namespace": run["metadata"]["namespace"],
                "labels": meta.get("labels") or {},
                "annotations": meta.get("annotations") or {},
                "ownerReferences": [owner_reference(run)],
            },
            "spec": template.get("spec") or {},
        }
        try:
            store.create(_CLAIM, body)
        except AlreadyExists:
            continue
    return names


def with_claims(bindings: list[dict[str, Any]], names: dict[str, str]) -> list[dict[str, Any]]:
    """Workspace bindings, with claims instead of their templates."""
    return [
        _with_claim(binding, names[binding["name"]]) if binding["name"] in names else binding for binding in bindings
    ]


def _with_claim(binding: dict[str, Any], claim: str) -> dict[str, Any]:
    kept = {key: value for key, value in binding.items() if key != "volumeClaimTemplate"}
    return {**kept, "persistentVolumeClaim": {"claimName": claim}}


class Claims:
    """The reconciler. A claim is a folder, so it is bound as soon as it is created."""

    def __init__(self, store: Store, state: LabPaths) -> None:
        self._store, self._state = store, state

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Bind a claim, or remove the folder of a deleted one."""
        folder = claim_folder(self._state, namespace, name)
        claim = self._store.find(_CLAIM, namespace, name)
        if claim is None:
            shutil.rmtree(folder, ignore_errors=True)
            return None
        folder.mkdir(parents=True, exist_ok=True)
        spec = claim.get("spec") or {}
        status = {
            "phase": "Bound",
            "accessModes": spec.get("accessModes") or [],
            "capacity": (spec.get("resources") or {}).get("requests") or {},
        }
        if claim.get("status") != status:
            self._store.update_status(_CLAIM, {**claim, "status": status})
        return None
