"""What a second write does to an object that the first has created; against any API server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from workshop.cluster import config as configs
from workshop.cluster.adopting import write
from workshop.cluster.applying import MANAGER, find
from workshop.cluster.bulk import BulkClient
from workshop.cluster.client import Client
from workshop.cluster.wanted import Key
from workshop.manifests.objects import Object


def configmap(namespace: str, **data: str) -> Object:
    """A ConfigMap `adopted` as the kit wants it."""
    meta = {"name": "adopted", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def data_after(kubeconfig: Path, namespace: str, *writes: Object, between: Any = None) -> Any:
    """Write one after the other; `between` is what somebody else merges after the first. Returns the data, and the
    operations of the kit's entries in managedFields."""

    async def run() -> Any:
        config = configs.find(kubeconfig)
        resource = Client(config).resource("configmaps")
        key = Key(resource, namespace, "adopted")
        async with BulkClient(config, MANAGER) as client:
            for number, obj in enumerate(writes):
                await write(client, key, obj, await find(client, key))
                if number == 0 and between:
                    path, query = resource.path(namespace, "adopted"), {"fieldManager": "somebody"}
                    media = "application/merge-patch+json"
                    await client.request("PATCH", path, query=query, body={"data": between}, media=media)
            found = await find(client, key)
            assert found is not None
            await client.delete(resource, namespace, "adopted")
        mine = [one["operation"] for one in found["metadata"]["managedFields"] if one["manager"] == MANAGER]
        return found["data"], mine

    return asyncio.run(run())
