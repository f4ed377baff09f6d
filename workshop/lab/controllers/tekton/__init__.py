"""Tekton's controllers: TaskRuns, PipelineRuns and their claims, as in Tekton Pipelines 1.12.

Each file has one concern. `resolve_pipeline` and `resolve_task` check and substitute. `nodes`, `skipping` and
`pipelinecondition` are the logic of a PipelineRun; `matrix` and `children` make its runs. `attempts`, `outcomes` and
`podstatus` are the life of a TaskRun. `run.run_tekton` starts the controllers.
"""

from __future__ import annotations

from workshop.lab.controllers.loop import Controller
from workshop.lab.controllers.tekton.run import TektonController
from workshop.lab.lab import Lab


def controller(lab: Lab) -> Controller:
    """Runs TaskRuns and PipelineRuns."""
    return TektonController(lab)
