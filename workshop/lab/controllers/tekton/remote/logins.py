"""Logins of registries: from the Secrets that a request names, and those of a ServiceAccount's imagePullSecrets.

A Secret or a ServiceAccount that does not exist is no error, as on a cluster. Sources: pkg/authn/kubernetes/keychain.go
of google/go-containerregistry, which Tekton's bundles resolver uses.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
from typing import Any

import orjson

from workshop.lab.controllers.tekton.remote.base import Request, ResolverError
from workshop.lab.kinds import built_in

_KEYS = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}


def login(request: Request, host: str, path: str, *, secret: str, account: str) -> tuple[str, str] | None:
    """The user and the password for a repository of a registry; None without one. Raises ResolverError."""
    names = [secret] if secret else []
    found = request.store.find(built_in("ServiceAccount"), request.namespace, account)
    names += [str(one.get("name", "")) for one in (found or {}).get("imagePullSecrets") or ()]
    entries: dict[str, Any] = {}
    for name in names:
        for place, entry in _entries(request, name).items():
            entries.setdefault(_place(place), entry)
    fitting = [place for place in entries if _fits(place, host, path)]
    # The most specific one counts, as for the kubelet.
    return _pair(entries[max(fitting, key=len)]) if fitting else None


def _entries(request: Request, name: str) -> dict[str, Any]:
    """The entries of a Secret by the registry or repository that each is for."""
    secret = request.store.find(built_in("Secret"), request.namespace, name)
    key = _KEYS.get(str((secret or {}).get("type")))
    if secret is None or key is None:
        return {}
    try:
        text = base64.b64decode((secret.get("data") or {}).get(key) or "", validate=True)
        parsed = orjson.loads(text)
        entries = parsed["auths"] if key == ".dockerconfigjson" else parsed
        return {place: entry for place, entry in entries.items() if isinstance(entry, dict)}
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as e:
        text_of = f"cannot read the login in secret {name}, key {key}, in namespace {request.namespace}"
        raise ResolverError(f"{text_of}: {type(e).__name__}; oc create secret docker-registry makes a valid one") from e


def _place(text: str) -> str:
    """A registry or a repository without a scheme and the version of the API."""
    place = text.partition("://")[2] or text
    host, _, path = place.strip("/").partition("/")
    host = {"docker.io": "index.docker.io", "registry-1.docker.io": "index.docker.io"}.get(host, host)
    path = "" if path in ("v1", "v2") else path
    return f"{host}/{path}" if path else host


def _fits(place: str, host: str, path: str) -> bool:
    """Whether an entry is for a repository. `*` is any text in one part of a host's name."""
    wanted, _, prefix = place.partition("/")
    mine, its = wanted.split("."), host.split(".")
    same = len(mine) == len(its) and all(fnmatch.fnmatchcase(b, a) for a, b in zip(mine, its, strict=True))
    return same and (not prefix or path == prefix or path.startswith(f"{prefix}/"))


def _pair(entry: dict[str, Any]) -> tuple[str, str] | None:
    if entry.get("username") and entry.get("password"):
        return str(entry["username"]), str(entry["password"])
    try:
        user, colon, password = base64.b64decode(str(entry.get("auth") or "")).decode().partition(":")
    except ValueError:
        return None
    return (user, password) if colon else None
