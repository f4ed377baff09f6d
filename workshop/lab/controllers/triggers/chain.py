"""Sends an event through interceptors, in order, until one stops it.

Apart from the five interceptors of Triggers, an interceptor of the cluster is called over HTTP, with the JSON that
Triggers sends, at the `clientConfig.url` or `clientConfig.service` of its ClusterInterceptor or Interceptor. The
certificate of a server that speaks TLS is checked with `clientConfig.caBundle`, if there is one.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Sequence
from typing import Any

import aiohttp
import orjson

from workshop.lab.controllers.triggers.event import Event, Json
from workshop.lab.controllers.triggers.interceptors import INTERCEPTORS, Secrets, Stopped
from workshop.lab.controllers.triggers.selecting import parse
from workshop.lab.controllers.triggers.services import ServiceNames, url_of
from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.triggers import (
    ClientConfig,
    ClusterInterceptor,
    Interceptor,
    ServiceReference,
    TriggerInterceptor,
)

CLUSTER = "ClusterInterceptor"
TIMEOUT = aiohttp.ClientTimeout(total=5, connect=2)
MAX_ANSWER = 1024 * 1024


async def passed(
    store: Store, namespace: str, listener_namespace: str, trigger_id: str, event: Event,
    interceptors: Sequence[TriggerInterceptor],
) -> Event:  # fmt: skip
    """The event with the extensions of the interceptors.

    Secrets are read in `namespace`; namespaced interceptors are found in `listener_namespace`. Raises Stopped.
    """
    for one in interceptors:
        params = {param.name: param.value for param in one.params}
        name, kind = one.ref.name, one.ref.kind or CLUSTER
        builtin = INTERCEPTORS.get(name) if kind == CLUSTER else None
        if builtin is not None:
            added: Json = builtin(event, params, Secrets(store, namespace))
        else:
            config = _config(store, listener_namespace, kind, name)
            added = await _ask(store, config, event, params, trigger_id, name)
        event = event.with_extensions(added)
    return event


def _config(store: Store, namespace: str, kind: str, name: str) -> ClientConfig:
    found: ClusterInterceptor | Interceptor
    if kind == CLUSTER:
        obj = store.find(built_in("ClusterInterceptor"), "", name)
        resource, type_ = "clusterinterceptor", ClusterInterceptor
    else:
        obj = store.find(built_in("Interceptor"), namespace, name)
        resource, type_ = "interceptor", Interceptor  # type: ignore[assignment]
    if obj is None:
        raise Stopped(
            "Internal",
            f'url resolution failed for interceptor {name} with: {resource}.triggers.tekton.dev "{name}" not found',
        )
    found = parse(obj, type_)
    return found.spec.client_config


def _address(config: ClientConfig, name: str) -> tuple[str, ssl.SSLContext | bool]:
    """The URL of an interceptor, and how its certificate is checked. Raises Stopped."""
    failed = f"url resolution failed for interceptor {name} with: "
    if not config.url and config.service is None:
        raise Stopped("Internal", f"{failed}interceptor URL was nil")
    url = config.url or url_of(config.service or ServiceReference(), tls=bool(config.ca_bundle))
    if not config.ca_bundle:
        return url, True
    try:
        return url, ssl.create_default_context(cadata=base64.b64decode(config.ca_bundle, validate=True).decode())
    except (ValueError, ssl.SSLError) as e:
        raise Stopped("Internal", f"{failed}spec.clientConfig.caBundle is not a PEM certificate in base64: {e}") from e


async def _ask(
    store: Store, config: ClientConfig, event: Event, params: dict[str, Any], trigger_id: str, name: str
) -> Json:
    url, tls = _address(config, name)
    asked = {
        "body": event.raw.decode("utf-8", "replace"),
        "header": event.headers,
        "extensions": event.extensions,
        "interceptor_params": params,
        "context": {"event_url": event.url, "event_id": event.id, "trigger_id": trigger_id},
    }
    try:
        async with (
            aiohttp.ClientSession(
                timeout=TIMEOUT,
                connector=aiohttp.TCPConnector(resolver=ServiceNames(store), use_dns_cache=False, ssl=tls),
            ) as session,
            session.post(url, data=orjson.dumps(asked), headers={"Content-Type": "application/json"}) as answer,
        ):
            raw = await answer.content.read(MAX_ANSWER)
            if answer.status != 200:
                raise Stopped("Internal", f"interceptor response was not 200: {raw[:200].decode('utf-8', 'replace')}")
            said = orjson.loads(raw)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as e:
        raise Stopped("Internal", f"interceptor {name} at {url} did not answer: {type(e).__name__}: {e}") from e
    if not isinstance(said, dict) or not said.get("continue"):
        status = said.get("status") if isinstance(said, dict) else None
        message = status.get("message", "") if isinstance(status, dict) else ""
        raise Stopped("FailedPrecondition", f"interceptor {name} refused the event: {message}")
    extensions = said.get("extensions") or {}
    return dict(extensions) if isinstance(extensions, dict) else {}
