"""Tekton's controllers: TaskRuns, PipelineRuns and their claims, as in Tekton Pipelines 1.12.

Each file has one concern. `resolve_pipeline` and `resolve_task` check and substitute. `nodes`, `skipping` and
`pipelinecondition` are the logic of a PipelineRun; `matrix` and `children` make its runs. `attempts`, `outcomes` and
`podstatus` are the life of a TaskRun. `run.run_tekton` starts the controllers.
"""
