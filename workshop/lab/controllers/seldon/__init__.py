"""The Seldon controller: SeldonDeployments become running model servers behind the gateway."""

from __future__ import annotations

from workshop.lab.controllers.loop import Controller
from workshop.lab.controllers.seldon.run import SeldonController
from workshop.lab.lab import Lab


def controller(lab: Lab) -> Controller:
    """Runs the model servers of all SeldonDeployments."""
    return SeldonController(lab)
