"""gitlab: checks the event's type, then the token, which GitLab sends in plain text."""

from __future__ import annotations

import hmac
from typing import Any

from workshop.lab.controllers.triggers.event import Event, Json
from workshop.lab.controllers.triggers.interceptors.base import (
    Secrets,
    Settings,
    Stopped,
    check_type,
    secret_value,
    settings,
)
from workshop.manifests.triggers import SecretRef


class GitLab(Settings, frozen=True, kw_only=True):
    """The interceptor's settings."""

    secret_ref: SecretRef | None = None
    event_types: list[str] | None = None


def intercept(event: Event, params: dict[str, Any], secrets: Secrets) -> Json:
    """Let an authentic event of an allowed type pass. Raises Stopped."""
    wanted = settings(params, GitLab)
    check_type(event.header("X-GitLab-Event"), wanted.event_types)
    if wanted.secret_ref is not None:
        given = event.header("X-GitLab-Token")
        if not given:
            raise Stopped("InvalidArgument", "no X-GitLab-Token header set", suspicious=True)
        secret = secret_value("gitlab", wanted.secret_ref, secrets)
        if not secret or not hmac.compare_digest(given.encode(), secret):
            raise Stopped("InvalidArgument", "Invalid X-GitLab-Token", suspicious=True)
    return {}
