"""Tekton Triggers: an HTTP event creates objects, usually PipelineRuns.

`sink` takes the events, `controller` shows the EventListeners. The rules are those of Triggers 0.36. A module that
differs from them says so.
"""

from __future__ import annotations

from workshop.lab.controllers.loop import Controller
from workshop.lab.controllers.triggers.listeners import Listeners
from workshop.lab.controllers.triggers.logbook import Logbook
from workshop.lab.controllers.triggers.run import ListenerController
from workshop.lab.controllers.triggers.sink import Sink
from workshop.lab.lab import Lab


def sink(lab: Lab) -> Sink:
    """The application that takes events for all EventListeners."""
    return Sink(lab.store, Logbook(lab.paths), lab.policy)


def controller(lab: Lab) -> Controller:
    """Keeps the status, the Service, the Deployment and the Pods of EventListeners."""
    return ListenerController(lab.store, Listeners(lab.store, str(lab.url("events")), Logbook(lab.paths)))
