"""Secrets that the params of a resolver name, in the namespace of the request."""

from __future__ import annotations

import base64

from workshop.lab.controllers.tekton.remote.base import Request, ResolverError
from workshop.lab.kinds import built_in


def secret_value(request: Request, name: str, key: str, namespace: str = "") -> str:
    """One value of a Secret, by default of one in the namespace of the request. Raises ResolverError."""
    namespace = namespace or request.namespace
    secret = request.store.find(built_in("Secret"), namespace, name)
    if secret is None:
        raise ResolverError(f"cannot get API token, secret {name} not found in namespace {namespace}")
    text = (secret.get("data") or {}).get(key)
    plain = (secret.get("stringData") or {}).get(key)
    if text is None and plain is None:
        raise ResolverError(f"cannot get API token, key {key} not found in secret {name} in namespace {namespace}")
    return str(plain) if text is None else base64.b64decode(text).decode(errors="replace")
