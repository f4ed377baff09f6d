"""The approval gate: CustomRuns that name an ApprovalTask."""

from __future__ import annotations

from workshop.lab.controllers.approval.reconcile import Approvals
from workshop.lab.controllers.loop import Controller
from workshop.lab.lab import Lab


def controller(lab: Lab) -> Controller:
    """Makes the ApprovalTasks and ends the CustomRuns by their answers."""
    return Approvals(lab.store).loop()
