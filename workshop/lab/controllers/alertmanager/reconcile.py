"""Writes Alertmanager's configuration from AlertmanagerConfigs, and from the Secrets and listeners that they name.

An object that Alertmanager would not load, or whose Secret has no value, is left out and gets a Warning event with the
reason; all others stay active.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from workshop.lab.api_errors import ApiError
from workshop.lab.controllers.leftout import LeftOut
from workshop.lab.controllers.versions import PerVersion
from workshop.lab.kinds import built_in
from workshop.lab.monitoring.files import AlertmanagerFiles
from workshop.lab.monitoring.routing import Routing, Sources, check, check_values, parse, routing
from workshop.lab.store import Store
from workshop.manifests.alerting import AlertmanagerConfig
from workshop.manifests.objects import Object, status_of

KINDS = ("AlertmanagerConfig", "EventListener", "Secret")
"""The kinds that the configuration depends on."""
_LISTENER = re.compile(r"el-([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.cluster\.local)?")
"""The name of the Service that Triggers makes for an EventListener."""


class Routings:
    """Alertmanager's configuration of the AlertmanagerConfigs in a store."""

    def __init__(self, store: Store, files: AlertmanagerFiles) -> None:
        self._store, self._files = store, files
        self._left_out = LeftOut(store, "prometheus-operator")
        self._checked = PerVersion[AlertmanagerConfig](_checked)

    async def write(self) -> bool:
        """Write the configuration. Returns whether Alertmanager must reload."""
        return self._files.write([one async for one in self._routings()])

    async def _routings(self) -> AsyncIterator[Routing]:
        """The parts of all objects, in the operator's order: by namespace and name."""
        found = self._store.objects(built_in("AlertmanagerConfig"))
        sources = Sources(self._secret, self._address)
        for obj in sorted(found, key=lambda obj: (obj["metadata"]["namespace"], obj["metadata"]["name"])):
            try:
                # In a thread, because amtool looks at it.
                made = routing(await asyncio.to_thread(self._checked, obj), sources)
                await asyncio.to_thread(check_values, made)
            except ValueError as e:
                self._left_out.report(obj, e)
                continue
            except ApiError as e:
                self._left_out.report(obj, ValueError(e.message))
                continue
            self._left_out.clear(obj)
            yield made
        self._checked.keep({obj["metadata"]["uid"] for obj in found})

    def _secret(self, namespace: str, name: str, key: str) -> str:
        found = self._store.find(built_in("Secret"), namespace, name)
        if found is None:
            raise ValueError(f"there is no Secret {namespace}/{name}")
        encoded = (found.get("data") or {}).get(key)
        if not encoded:
            raise ValueError(f"the Secret {namespace}/{name} has no value for the key {key}")
        try:
            return base64.b64decode(encoded).decode()
        except ValueError as e:
            # The error of the decoder has a part of the value.
            raise ValueError(f"the key {key} of the Secret {namespace}/{name} is no text") from e

    def _address(self, url: str) -> str:
        """The URL. Raises ValueError, without the URL, which may be secret, when Alertmanager would not load it.

        The Service of an EventListener is the listener's address in the lab, as the name resolves on a cluster.
        """
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the address of a webhook must begin with http:// or https:// and have a host")
        service = _LISTENER.fullmatch(parts.hostname)
        listener = service and self._store.find(built_in("EventListener"), service[2], service[1])
        address = (status_of(listener).get("address") or {}).get("url") if listener else None
        return f"{str(address).rstrip('/')}{parts.path.rstrip('/')}" if address else url


def _checked(obj: Object) -> AlertmanagerConfig:
    config = parse(obj)
    check(config)
    return config
