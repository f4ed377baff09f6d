"""Settings in a ConfigMap that the cluster owns: set next to the others, and taken back.

The name of a setting is a path: `alertmanager.enabled` is the key `enabled` of the map `alertmanager`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from workshop.cluster.applying import find, refused
from workshop.cluster.bulk import BulkClient
from workshop.cluster.resources import of_kind
from workshop.cluster.transport import ApiFailure
from workshop.cluster.wanted import Key
from workshop.errors import SetupError
from workshop.installation.table import Merge
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import Object, annotations_of

MERGED = "mlops-workshop/merged"
"""The annotation with the names of the settings that the installation has set."""


def differing(live: Object | None, wanted: Merge) -> dict[str, Any]:
    """The settings that the ConfigMap lacks or has with another value. Raises SetupError for a text that is no map."""
    content = _read(live, wanted)
    return {name: value for name, value in wanted.values.items() if _get(content, name) != value}


async def waiting_for(client: BulkClient, known: Sequence[ApiResource], wanted: Merge) -> list[str]:
    """What `merge` would set, in words. Raises like it."""
    key = _key(known, wanted)
    changed = differing(await find(client, key), wanted)
    return [f"{key.described} does not set {', '.join(changed)}"] if changed else []


async def merge(client: BulkClient, known: Sequence[ApiResource], wanted: Merge) -> int:
    """Set what differs and return the number of writes. Raises SetupError for a text that is no map, ManifestError."""
    key = _key(known, wanted)
    live = await find(client, key)
    changed = differing(live, wanted)
    if not changed:
        return 0
    before = annotations_of(live).get(MERGED, "") if live else ""
    names = ",".join(sorted({*filter(None, before.split(",")), *changed}))
    await _write(client, key, live, wanted.key, _with(_read(live, wanted), changed), names)
    return 1


async def take_back(client: BulkClient, known: Sequence[ApiResource], wanted: Merge) -> bool:
    """Remove the settings that `merge` has made and that still have its value; whether there were any."""
    key = _key(known, wanted)
    live = await find(client, key)
    mine = annotations_of(live).get(MERGED, "").split(",") if live else []
    if live is None or not any(mine):
        return False
    content = _read(live, wanted)
    for name in mine:
        if name in wanted.values and _get(content, name) == wanted.values[name]:
            _remove(content, name)
    await _write(client, key, live, wanted.key, content, None)
    return True


def _get(content: Any, name: str) -> Any:
    """The value of a setting, or None."""
    for key in name.split("."):
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _with(content: dict[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """The content with other values of some settings."""
    for name, value in changed.items():
        *parents, last = name.split(".")
        inner = content
        for key in parents:
            if not isinstance(inner.get(key), dict):
                inner[key] = {}
            inner = inner[key]
        inner[last] = value
    return content


def _remove(content: dict[str, Any], name: str) -> None:
    """Remove a setting, and the maps that are empty then."""
    key, _, rest = name.partition(".")
    if rest:
        _remove(content[key], rest)
    if not rest or not content[key]:
        del content[key]


def _key(known: Sequence[ApiResource], wanted: Merge) -> Key:
    resource = of_kind(known, "v1", "ConfigMap")
    assert resource is not None
    return Key(resource, wanted.namespace, wanted.name)


def _read(live: Object | None, wanted: Merge) -> dict[str, Any]:
    where = f"ConfigMap {wanted.name} in {wanted.namespace}"
    try:
        content = yaml.safe_load(((live or {}).get("data") or {}).get(wanted.key, "")) or {}
    except yaml.YAMLError as e:
        raise SetupError(f"{where} holds no YAML: {e}", hint="correct it first; nothing was changed") from e
    if not isinstance(content, dict):
        raise SetupError(f"{where} holds no map of settings", hint="correct it first; nothing was changed")
    return content


async def _write(
    client: BulkClient, key: Key, live: Object | None, where: str, content: dict[str, Any], names: str | None
) -> None:
    """Write with the version that was read, so that a change in between is not lost. Raises ManifestError."""
    text = yaml.safe_dump(content, sort_keys=False) if content else ""
    change: Object = {"metadata": {"annotations": {MERGED: names}}, "data": {where: text}}
    try:
        if live is None:
            change["metadata"] |= {"name": key.name, "namespace": key.namespace}
            body = {"apiVersion": "v1", "kind": "ConfigMap", **change}
            await client.request("POST", key.resource.path(key.namespace), body=body)
        else:
            change["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
            path = key.resource.path(key.namespace, key.name)
            await client.request("PATCH", path, body=change, media="application/merge-patch+json")
    except ApiFailure as e:
        raise refused(e, f"change {key.described}") from e
