"""Plays Tekton Chains: signs a statement of provenance for each PipelineRun that has built an image.

Chains itself is one more controller with the same work. Here the format is slsa/v2alpha4 and the storage `tekton`, so
the statement is in annotations of the run. TaskRuns and images in a registry are not signed, and nothing is sent to a
transparency log.
"""

from __future__ import annotations

from workshop.lab.controllers.chains.reconcile import Chains
from workshop.lab.controllers.loop import Controller
from workshop.lab.lab import Lab
from workshop.lab.signing import signing_key


def controller(lab: Lab) -> Controller:
    """Signs with the lab's own key."""
    return Chains(lab.store, signing_key(lab.paths)).loop()
