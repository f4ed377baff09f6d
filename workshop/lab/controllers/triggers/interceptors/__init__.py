"""The interceptors of Triggers, by name.

Each is a function of the event, its settings and the Secrets of the Trigger's namespace. It lets the event pass,
possibly with extensions, or raises `Stopped`. Settings are decoded as in Triggers: unknown names are ignored, because
admission does not check them either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workshop.lab.controllers.triggers.event import Event, Json
from workshop.lab.controllers.triggers.interceptors import bitbucket, cel, github, gitlab, slack
from workshop.lab.controllers.triggers.interceptors.base import Secrets, Stopped

Intercept = Callable[[Event, dict[str, Any], Secrets], Json]
"""From an event, settings and Secrets to the extensions that are added."""

INTERCEPTORS: dict[str, Intercept] = {
    "bitbucket": bitbucket.intercept,
    "cel": cel.intercept,
    "github": github.intercept,
    "gitlab": gitlab.intercept,
    "slack": slack.intercept,
}

__all__ = ["INTERCEPTORS", "Intercept", "Secrets", "Stopped"]
