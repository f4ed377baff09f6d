"""The monitoring controller: writes the files of the lab's Prometheus from monitors and rules."""

from __future__ import annotations

from functools import partial

from workshop.lab.controllers.loop import Controller
from workshop.lab.controllers.monitoring.reconcile import KINDS, Monitoring, scraped_pods
from workshop.lab.controllers.reloading import Rewriting, reloader
from workshop.lab.lab import Lab
from workshop.lab.monitoring.files import Notified, PrometheusFiles
from workshop.programs import find


def controller(lab: Lab) -> Controller:
    """Writes the scrape configurations and rules of Prometheus."""
    alertmanager = None
    if "alertmanager" in lab.ports and find("alertmanager") is not None:
        alertmanager = Notified(f"127.0.0.1:{lab.ports['alertmanager']}", lab.paths.token)
    files = PrometheusFiles(lab.paths.component("prometheus"), alertmanager)
    pods = partial(scraped_pods, lab.store, lab.model_servers, lab.ports["gateway"])
    monitoring = Monitoring(lab.store, files, pods)
    made = Rewriting("monitoring", lab.store, KINDS, monitoring.write, reloader(lab, "prometheus"))
    lab.watchers.append(made.changed)
    return made
