"""The monitoring controller: writes the files of the lab's Prometheus from monitors and rules."""

from __future__ import annotations

import os
import signal

from workshop.lab.controllers.loop import Controller
from workshop.lab.controllers.monitoring.reconcile import Monitoring, scraped_pods
from workshop.lab.lab import Lab
from workshop.lab.monitoring.files import PrometheusFiles


def controller(lab: Lab) -> Controller:
    """Writes the scrape configurations and rules of Prometheus."""
    gateway = lab.ports["gateway"]

    def reload() -> bool:
        """Make Prometheus reload its files. Returns False while it starts, because the signal would end it."""
        prometheus = lab.parts.get("prometheus")
        if prometheus is None:
            return True
        if prometheus.state == "starting":
            return False
        if prometheus.state == "ready" and prometheus.pid is not None:
            os.kill(prometheus.pid, signal.SIGHUP)
        return True

    files = PrometheusFiles(lab.paths.component("prometheus"))
    made = Monitoring(lab.store, files, lambda: scraped_pods(lab.store, lab.model_servers, gateway), reload)
    lab.watchers.append(made.pods_changed)
    return made
