"""Builds: each runs in a Pod of its own, with the lab's buildah and s2i."""

from __future__ import annotations

from workshop.lab.controllers.builds.reconcile import BuildController
from workshop.lab.controllers.loop import Controller
from workshop.lab.lab import Lab


def controller(lab: Lab) -> Controller:
    """Runs the Builds of the lab."""
    return BuildController(lab)
