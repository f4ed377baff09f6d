"""cel: a filter that must be true, and overlays whose values are added as extensions.

Every expression reads the event as it came to this interceptor; an overlay does not see an earlier overlay. As on a
cluster, a filter that does not parse is an error here and not at admission.
"""

from __future__ import annotations

import functools
from typing import Any

from workshop.lab.controllers.triggers.event import Event, Json
from workshop.lab.controllers.triggers.interceptors.base import Secrets, Settings, Stopped, settings
from workshop.lab.controllers.triggers.overlays import put
from workshop.manifests.triggers import SecretRef


class Overlay(Settings, frozen=True, kw_only=True):
    """A value that is added under a key; dots in the key make objects."""

    key: str = ""
    expression: str = ""


class Cel(Settings, frozen=True, kw_only=True):
    """The interceptor's settings."""

    filter: str = ""
    overlays: list[Overlay] | None = None


def intercept(event: Event, params: dict[str, Any], secrets: Secrets) -> Json:
    """Filter, then add. Raises Stopped."""
    # The library is large; a lab without CEL filters starts without it.
    try:
        from workshop.lab.controllers import celvalues
        from workshop.lab.controllers.triggers import expressions
    except ImportError as e:
        raise Stopped(
            "Internal",
            f"the cel interceptor needs the package cel-expr-python: {e}; "
            "uv sync installs it, then workshop down and workshop up",
        ) from e
    wanted = settings(params, Cel)
    secret = functools.partial(_secret, secrets)
    try:
        scope = expressions.scope(event)
    except ValueError as e:
        raise Stopped("InvalidArgument", f"failed to parse the body as JSON: {e}") from e
    if wanted.filter:
        try:
            passed = expressions.evaluate(wanted.filter, scope, secret)
        except celvalues.ExpressionError as e:
            raise Stopped("FailedPrecondition", f"error evaluating cel expression: {e}") from e
        if passed is not True:
            raise Stopped("FailedPrecondition", f"expression {wanted.filter} did not return true")
    added: Json = {}
    for overlay in wanted.overlays or []:
        try:
            value = expressions.evaluate(overlay.expression, scope, secret, overlay=True)
            added = put(added, overlay.key, value)
        except (celvalues.ExpressionError, ValueError) as e:
            message = f"error evaluating overlay expression for key {overlay.key}: {e}"
            raise Stopped("FailedPrecondition", message) from e
    return added


def _secret(secrets: Secrets, key: str, name: str, namespace: str = "") -> bytes:
    return secrets.get(SecretRef(secret_name=name, secret_key=key), namespace)
