"""The controller of AlertmanagerConfigs: writes the configuration of the lab's Alertmanager."""

from __future__ import annotations

from workshop.lab.controllers.alertmanager.reconcile import KINDS, Routings
from workshop.lab.controllers.loop import Controller
from workshop.lab.controllers.reloading import Rewriting, reloader
from workshop.lab.lab import Lab
from workshop.lab.monitoring.files import AlertmanagerFiles


def controller(lab: Lab) -> Controller:
    """Writes the routes and receivers of Alertmanager."""
    files = AlertmanagerFiles(lab.paths.component("alertmanager"))
    routings = Routings(lab.store, files)
    made = Rewriting("alertmanager", lab.store, KINDS, routings.write, reloader(lab, "alertmanager"))
    lab.watchers.append(made.changed)
    return made
