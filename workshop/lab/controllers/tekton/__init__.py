"""Tekton's controllers: TaskRuns, PipelineRuns and the claims they make, after Tekton Pipelines 1.12.

A file a concern, so that none of them knows everything: `beginning` and `prepare` check and substitute,
`nodes`, `skipping` and `verdict` are a PipelineRun's logic, `matrix` and `children` make its runs,
`attempts`, `outcomes` and `podstatus` are a TaskRun's life. `run.run_tekton` runs it all.
"""

from __future__ import annotations

from workshop.lab.controllers.loop import Controller
from workshop.lab.controllers.tekton.run import TektonController
from workshop.lab.lab import Lab


def controller(lab: Lab) -> Controller:
    """Runs TaskRuns and PipelineRuns."""
    return TektonController(lab)
