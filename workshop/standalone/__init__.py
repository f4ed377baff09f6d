"""Runs PipelineRuns and TaskRuns of files in this process, without a lab and without a cluster.

It has the lab's store, its Tekton controllers and its process runtime, and nothing else: no API server, no roles, no
Triggers, no Seldon. `engine` starts and stops them, `objects` admits the files, `following` shows states and logs,
`debugging` pauses after a failed step, `rewinding` starts a kept run again at a task, `planning` shows a run before it
runs.
"""
