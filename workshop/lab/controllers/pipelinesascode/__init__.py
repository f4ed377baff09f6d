"""Pipelines as Code: the PipelineRuns of a repository's folder `.tekton/` run on pushes and on merge requests.

The rules are those of pipelines-as-code v0.48 with a Git server of the type gitea. The lab's Git server passes events
on in this process. Without a Repository object, nothing runs.
"""

from __future__ import annotations

from workshop.lab import process_environment
from workshop.lab.controllers.loop import Controller
from workshop.lab.controllers.pipelinesascode.lookups import Lookups
from workshop.lab.controllers.pipelinesascode.receiving import Receiver
from workshop.lab.controllers.pipelinesascode.watching import Watcher
from workshop.lab.lab import Lab


def receiver(lab: Lab) -> Receiver:
    """Takes the events of the lab's Git server."""
    return Receiver(lookups(lab))


def controller(lab: Lab) -> Controller:
    """Reports the states of the PipelineRuns, starts waiting ones, and deletes old ones."""
    return Watcher(lookups(lab)).loop()


def lookups(lab: Lab) -> Lookups:
    """What both read of a lab."""
    tokens = {(one.participant.name, namespace): one.token for one in lab.views for namespace in one.shown}
    return Lookups(
        store=lab.store,
        root=lab.paths.git,
        address=str(lab.url("git")),
        console=str(lab.url("console")),
        env=process_environment.base(lab.paths),
        tokens=tokens,
    )
