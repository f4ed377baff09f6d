"""Routes: host names of the gateway."""

from __future__ import annotations

from workshop.lab.controllers.loop import Controller, Loop
from workshop.lab.controllers.routes.router import RouteController
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab


def controller(lab: Lab) -> Controller:
    """Admits Routes and publishes their hosts in the gateway."""
    router = RouteController(lab.store, lab.routes, lab.ports["gateway"])
    return Loop("router", lab.store, router.reconcile, owns=built_in("Route"))
