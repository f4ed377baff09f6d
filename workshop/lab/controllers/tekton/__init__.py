"""Tekton's controllers: TaskRuns, PipelineRuns and the claims they make, after Tekton Pipelines 1.12.

A file a concern, so that none of them knows everything: `beginning` and `prepare` check and substitute,
`nodes`, `skipping` and `verdict` are a PipelineRun's logic, `matrix` and `children` make its runs,
`attempts`, `outcomes` and `podstatus` are a TaskRun's life. `run.run_tekton` starts it all.
"""

from workshop.lab.controllers.tekton.run import run_tekton

__all__ = ["run_tekton"]
