"""slack: fields of a slash command's form become extensions, each a list of its values.

As in Triggers, a signature is required but not verified; use `cel` with compareSecret to verify it.
"""

from __future__ import annotations

from typing import Any

from workshop.lab.controllers.triggers.event import Event, Json
from workshop.lab.controllers.triggers.interceptors.base import Secrets, Settings, Stopped, settings

FORM = "application/x-www-form-urlencoded"


class Slack(Settings, frozen=True, kw_only=True):
    """The interceptor's settings."""

    requested_fields: list[str] | None = None


def intercept(event: Event, params: dict[str, Any], secrets: Secrets) -> Json:
    """Take the requested fields. Raises Stopped if one is missing."""
    if event.header("Content-Type") != FORM:
        raise Stopped("InvalidArgument", f"missing header in payload: ContentType {FORM}")
    if not event.header("X-Slack-Signature"):
        raise Stopped("InvalidArgument", "missing header in payload: X-Slack-Signature", suspicious=True)
    wanted = settings(params, Slack).requested_fields
    if wanted is None:
        raise Stopped("NotFound", "missing requested field definition")
    body = event.body
    missing = [name for name in wanted if not isinstance(body, dict) or name not in body]
    if missing:
        raise Stopped("NotFound", f"requested field does not exists in payload: {', '.join(missing)}")
    return {name: body[name] for name in wanted}
