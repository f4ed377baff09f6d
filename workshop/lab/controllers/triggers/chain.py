"""Sends an event through interceptors, in order, until one stops it.

Apart from the five interceptors of Triggers, an interceptor of the cluster is called over HTTP at the
`clientConfig.url` of its ClusterInterceptor or Interceptor, with the JSON that Triggers sends. The lab resolves no
Services, so an interceptor that names a Service is an error here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiohttp
import orjson

from workshop.lab.controllers.triggers.event import Event, Json
from workshop.lab.controllers.triggers.interceptors import INTERCEPTORS, Secrets, Stopped
from workshop.lab.controllers.triggers.selecting import parse
from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.triggers import ClusterInterceptor, Interceptor, TriggerInterceptor

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
            url = _url(store, listener_namespace, kind, name)
            added = await _ask(url, event, params, trigger_id, name)
        event = event.with_extensions(added)
    return event


def _url(store: Store, namespace: str, kind: str, name: str) -> str:
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
    if not found.spec.client_config.url:
        raise Stopped("Internal", f"the lab has no Services, so interceptor {name} is reached by clientConfig.url only")
    return found.spec.client_config.url


async def _ask(url: str, event: Event, params: dict[str, Any], trigger_id: str, name: str) -> Json:
    asked = {
        "body": event.raw.decode("utf-8", "replace"),
        "header": event.headers,
        "extensions": event.extensions,
        "interceptor_params": params,
        "context": {"event_url": event.url, "event_id": event.id, "trigger_id": trigger_id},
    }
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as session,
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
