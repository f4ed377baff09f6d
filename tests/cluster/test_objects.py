"""Every kustomization of the kit is accepted by the server: strict validation, without storing anything."""

from __future__ import annotations

import subprocess

import pytest

from workshop.cluster.client import ApiFailure, Client
from workshop.cluster.kustomize import build
from workshop.cluster.resources import of_kind
from workshop.manifests.objects import Object
from workshop.usecase import KIT


def folders() -> list[str]:
    """Folders with a kustomization that can be built as it is."""
    listed = subprocess.run(
        ["git", "-C", str(KIT), "ls-files", "*kustomization.yaml"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return sorted(name.removesuffix("/kustomization.yaml") for name in listed if not name.startswith("tests/"))


@pytest.mark.parametrize("folder", folders())
def test_the_server_takes_the_objects(folder: str, client: Client, scratch: str) -> None:
    absent, refused = set(), []
    objects = build(KIT / folder)
    if any(obj["kind"] == "Component" for obj in objects):
        pytest.skip("a component")
    for obj in objects:
        resource = of_kind(client.resources, obj["apiVersion"], obj["kind"])
        if resource is None:
            absent.add(f"{obj['kind']} ({obj['apiVersion']})")
            continue
        moved: Object = {**obj, "metadata": {**obj["metadata"]}}
        if resource.namespaced:
            moved["metadata"]["namespace"] = scratch
        path = resource.path(scratch, str(obj["metadata"]["name"]))
        query = {"fieldManager": "mlops-test", "fieldValidation": "Strict", "dryRun": "All", "force": "true"}
        try:
            client.http.request("PATCH", path, query=query, body=moved, media="application/apply-patch+yaml")
        except ApiFailure as e:
            refused.append(f"{obj['kind']} {obj['metadata']['name']}: {e.code} {e}")
    assert refused == []
    if absent:
        pytest.skip(f"the server lacks {', '.join(sorted(absent))}; the other objects are accepted")
