"""The controllers that a lab runs. A new controller is one entry."""

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
    pipelinesascode,
    routes,
    seldon,
    triggers,
)
from workshop.lab.controllers.loop import Controller
from workshop.lab.controllers.tekton import run as tekton
from workshop.lab.lab import Lab

CONTROLLERS: dict[str, Callable[[Lab], Controller]] = {
    "accounts": accounts.controller,
    "alertmanager": alertmanager.controller,
    "approval": approval.controller,
    "builds": builds.controller,
    "chains": chains.controller,
    "images": images.controller,
    "monitoring": monitoring.controller,
    "pipelinesascode": pipelinesascode.controller,
    "routes": routes.controller,
    "seldon": seldon.controller,
    "tekton": tekton.controller,
    "triggers": triggers.controller,
}
