"""Tekton's configuration in the lab: the ConfigMaps `feature-flags` and `config-defaults` of `tekton-pipelines`.

They are ordinary objects. A change applies to the next object that is admitted and to the next step of a controller.
Wrong values are refused as config.webhook.pipeline.tekton.dev does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

import orjson

from workshop.lab.api_errors import BadRequest, NotFound
from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.objects import Object
from workshop.manifests.tekton.config import (
    CONFIG_DEFAULTS,
    FEATURE_FLAGS,
    READERS,
    SHIPPED,
    SHIPPED_DEFAULTS,
    SHIPPED_FLAGS,
    Config,
    ConfigError,
    Defaults,
    FeatureFlags,
    unsupported,
)

NAMESPACE = "tekton-pipelines"
RESOLVERS_NAMESPACE = "tekton-pipelines-resolvers"


def _shipped(name: str, data: dict[str, str]) -> Object:
    labels = {"app.kubernetes.io/instance": "default", "app.kubernetes.io/part-of": "tekton-pipelines"}
    return {"metadata": {"name": name, "namespace": NAMESPACE, "labels": labels}, "data": data}


SHIPPED_OBJECTS = (_shipped(FEATURE_FLAGS, SHIPPED_FLAGS), _shipped(CONFIG_DEFAULTS, SHIPPED_DEFAULTS))
"""The ConfigMaps as OpenShift Pipelines installs them."""
_DENIED = 'admission webhook "config.webhook.pipeline.tekton.dev" denied the request: validation failed: '


def check_config(obj: Object) -> None:
    """A ConfigMap, if it configures Tekton. Raises BadRequest."""
    meta = obj["metadata"]
    reader = READERS.get(meta.get("name", "")) if meta.get("namespace") == NAMESPACE else None
    if reader is None:
        return
    data = obj.get("data") or {}
    try:
        reader(data)
    except ConfigError as e:
        raise BadRequest(f"{_DENIED}{e}") from e
    for key, value in unsupported(data):
        raise BadRequest(f'{key}: "{value}": the lab does not implement this value; remove it, or use a cluster')


def config_of(store: Store) -> Config:
    """Tekton's configuration now; what OpenShift Pipelines installs where there is no ConfigMap."""
    return _parsed(_body(store, FEATURE_FLAGS), _body(store, CONFIG_DEFAULTS))


def _body(store: Store, name: str) -> bytes:
    try:
        return store.record(built_in("ConfigMap"), NAMESPACE, name).body
    except NotFound:
        return b""


@lru_cache(maxsize=4)
def _parsed(flags: bytes, defaults: bytes) -> Config:
    return Config(
        cast(FeatureFlags, READERS[FEATURE_FLAGS](_data(flags))) if flags else SHIPPED.flags,
        cast(Defaults, READERS[CONFIG_DEFAULTS](_data(defaults))) if defaults else SHIPPED.defaults,
    )


def _data(body: bytes) -> dict[str, str]:
    data: dict[str, str] = orjson.loads(body).get("data") or {}
    return data
