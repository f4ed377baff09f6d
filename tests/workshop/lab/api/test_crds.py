"""Kinds that users add: they belong to one store, and the documents made from them are removed with them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.testclient import TestClient

from workshop.lab.api import crds
from workshop.lab.api.app import build
from workshop.lab.api.context import Api
from workshop.lab.api.openapi import document
from workshop.lab.build import build_lab
from workshop.lab.identity.users import ADMINISTRATOR
from workshop.lab.paths import LabPaths
from workshop.lab.store import Store
from workshop.manifests.objects import Object

TOKEN = "token"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def definition(kind: str, text: str = "") -> Object:
    """A CRD of the group example.com."""
    plural = f"{kind.lower()}s"
    schema = {"openAPIV3Schema": {"type": "object", "description": text}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"plural": plural, "kind": kind},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


def server(folder: Path) -> tuple[Store, TestClient]:
    """An API server over a store of its own."""
    store = Store()
    lab = build_lab(LabPaths(folder), store, TOKEN, {}, {})
    token = lab.identities.users.token(ADMINISTRATOR)
    return store, TestClient(build(lab), headers={"Authorization": f"Bearer {token}"})


def test_two_servers_in_one_process_do_not_share_kinds(tmp_path: Path) -> None:
    async def scenario() -> None:
        _, first = server(tmp_path / "first")
        _, second = server(tmp_path / "second")
        assert first.post(DEFINITIONS, json=definition("Widget")).status_code == 201
        assert first.get("/apis/example.com/v1/widgets").status_code == 200
        assert second.get("/apis/example.com/v1/widgets").status_code == 404
        assert "example.com" not in second.get("/apis").text

    asyncio.run(scenario())


def test_a_changed_definition_replaces_its_openapi_document(tmp_path: Path) -> None:
    store = Store()
    api = Api(build_lab(LabPaths(tmp_path), store, TOKEN, {}, {}))
    for number in range(20):
        for kind in crds.kinds_of(definition("Widget", f"revision {number}")):
            api.kinds.add(kind)
        text = document(api, "apis/example.com/v1").decode()
        assert f"revision {number}" in text
        assert len(api.documents()) == 1
