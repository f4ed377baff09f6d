"""bitbucket: checks the event's key, then the signature of the raw body."""

from __future__ import annotations

from typing import Any

from workshop.lab.controllers.triggers.event import Event, Json
from workshop.lab.controllers.triggers.interceptors.base import (
    Secrets,
    Settings,
    Stopped,
    check_signature,
    check_type,
    secret_value,
    settings,
)
from workshop.manifests.triggers import SecretRef


class Bitbucket(Settings, frozen=True, kw_only=True):
    """The interceptor's settings."""

    secret_ref: SecretRef | None = None
    event_types: list[str] | None = None


def intercept(event: Event, params: dict[str, Any], secrets: Secrets) -> Json:
    """Let an authentic event of an allowed type pass. Raises Stopped."""
    wanted = settings(params, Bitbucket)
    check_type(event.header("X-Event-Key"), wanted.event_types)
    if wanted.secret_ref is not None:
        secret = secret_value("bitbucket", wanted.secret_ref, secrets)
        signature = event.header("X-Hub-Signature")
        if not signature:
            raise Stopped("InvalidArgument", "no X-Hub-Signature header set", suspicious=True)
        check_signature(event, signature, secret, ("sha256", "sha512", "sha1"))
    return {}
