"""The environment variables of a container: from ConfigMaps, Secrets and the Pod, as a kubelet makes them.

`envFrom` comes first, then `env`. A value can use `$(NAME)` of an earlier variable, and `$$` means `$` (kubernetes.io,
"Define dependent environment variables"). The lab has no requests and limits, so `resourceFieldRef` is refused.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence

from workshop.lab.kinds import built_in
from workshop.lab.kubelet.pod import PodIdentity
from workshop.lab.runtimes.base import PodError
from workshop.lab.store import Store
from workshop.manifests.kubernetes import ConfigMapKeySelector, EnvFromSource, EnvVar, EnvVarSource, SecretKeySelector

_EXPANSION = re.compile(r"\$(?:\$|\(([^()$]*)\))")
_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_MAP_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
KeySelector = ConfigMapKeySelector | SecretKeySelector
CONFIG_ERROR = "CreateContainerConfigError"


def variables(
    store: Store,
    pod: PodIdentity,
    container: str,
    env: Sequence[EnvVar],
    env_from: Sequence[EnvFromSource],
    known: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The variables of `env` and `envFrom`; their values can also use those that are `known`.

    Raises PodError (CreateContainerConfigError) when a ConfigMap, a Secret or a key is missing.
    """
    known = known or {}
    found: dict[str, str] = {}
    for source in env_from:
        for kind, ref in (("ConfigMap", source.config_map_ref), ("Secret", source.secret_ref)):
            if ref is None:
                continue
            data = _data(store, kind, pod.namespace, ref.name or "")
            if data is None and not ref.optional:
                raise _missing(kind, ref.name or "", container)
            for key, value in (data or {}).items():
                name = (source.prefix or "") + key
                if _NAME.fullmatch(name):
                    found[name] = value
    for variable in env:
        if variable.value_from is None:
            found[variable.name] = expand(variable.value or "", {**known, **found})
        else:
            taken = _from(store, pod, container, variable.value_from)
            if taken is not None:
                found[variable.name] = taken
    return found


def expand(text: str, env: Mapping[str, str]) -> str:
    """Replace `$(NAME)` by a variable; one that is not set stays, and `$$` becomes `$`."""

    def one(match: re.Match[str]) -> str:
        name = match.group(1)
        return "$" if name is None else env.get(name, match.group(0))

    return _EXPANSION.sub(one, text) if "$" in text else text


def data_of(store: Store, kind: str, namespace: str, name: str) -> dict[str, bytes] | None:
    """The keys of a ConfigMap or Secret as bytes, or None when it is not there."""
    obj = store.find(built_in(kind), namespace, name)
    if obj is None:
        return None
    if kind == "Secret":
        data = {key: base64.b64decode(value) for key, value in (obj.get("data") or {}).items()}
        return data | {key: value.encode() for key, value in (obj.get("stringData") or {}).items()}
    data = {key: value.encode() for key, value in (obj.get("data") or {}).items()}
    return data | {key: base64.b64decode(value) for key, value in (obj.get("binaryData") or {}).items()}


def pod_field(pod: PodIdentity, path: str) -> str | None:
    """A field of the Pod for the downward API, or None when the lab does not know it."""
    match = _MAP_FIELD.fullmatch(path)
    if match:
        return (pod.labels if match.group(1) == "labels" else pod.annotations).get(match.group(2), "")
    return {
        "metadata.name": pod.name,
        "metadata.namespace": pod.namespace,
        "metadata.uid": pod.uid,
        "spec.serviceAccountName": pod.service_account or "default",
        "spec.nodeName": "lab",
        "status.hostIP": "127.0.0.1",
        "status.hostIPs": "127.0.0.1",
        "status.podIP": "127.0.0.1",
        "status.podIPs": "127.0.0.1",
    }.get(path)


def _data(store: Store, kind: str, namespace: str, name: str) -> dict[str, str] | None:
    data = data_of(store, kind, namespace, name)
    return None if data is None else {key: value.decode("utf-8", "replace") for key, value in data.items()}


def _from(store: Store, pod: PodIdentity, container: str, source: EnvVarSource) -> str | None:
    if source.config_map_key_ref:
        return _key(store, "ConfigMap", pod, container, source.config_map_key_ref)
    if source.secret_key_ref:
        return _key(store, "Secret", pod, container, source.secret_key_ref)
    if source.field_ref:
        value = pod_field(pod, source.field_ref.field_path)
        if value is not None:
            return value
        raise PodError(CONFIG_ERROR, f"unsupported fieldPath: {source.field_ref.field_path}", container)
    raise PodError(CONFIG_ERROR, "resourceFieldRef: containers of the lab have no limits", container)


def _key(store: Store, kind: str, pod: PodIdentity, container: str, selector: KeySelector) -> str | None:
    data = _data(store, kind, pod.namespace, selector.name or "")
    if data is None:
        if selector.optional:
            return None
        raise _missing(kind, selector.name or "", container)
    if selector.key not in data:
        if selector.optional:
            return None
        message = f"couldn't find key {selector.key} in {kind} {pod.namespace}/{selector.name}"
        raise PodError(CONFIG_ERROR, message, container)
    return data[selector.key]


def _missing(kind: str, name: str, container: str) -> PodError:
    return PodError(CONFIG_ERROR, f'{kind.lower()} "{name}" not found', container)
