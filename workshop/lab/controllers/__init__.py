"""The controllers of the lab: reconcile loops over the store. They do not know each other.

What one of them publishes for other parts is in the `Lab`. A new controller is one entry.
"""

from __future__ import annotations

from collections.abc import Callable

from workshop.lab.controllers import (
    accounts,
    alertmanager,
    approval,
    builds,
    chains,
    images,
    monitoring,
    routes,
    seldon,
    tekton,
    triggers,
)
from workshop.lab.controllers.loop import Controller
from workshop.lab.lab import Lab

CONTROLLERS: dict[str, Callable[[Lab], Controller]] = {
    "accounts": accounts.controller,
    "alertmanager": alertmanager.controller,
    "approval": approval.controller,
    "builds": builds.controller,
    "chains": chains.controller,
    "images": images.controller,
    "monitoring": monitoring.controller,
    "routes": routes.controller,
    "seldon": seldon.controller,
    "tekton": tekton.controller,
    "triggers": triggers.controller,
}
