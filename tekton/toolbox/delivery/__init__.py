"""Promote a tested model image to production in measured steps, and roll back when a measure is bad.

It is independent of the model: `usecase` reads the names of a use case, and imports the module with its rows and its
gate. `rules`, `quality` and `statistics` decide and do not use a cluster. `prometheus` and `measure` count, `cluster`
applies overlays with `oc`, `registry` and `tracking` are clients of MLflow, `history` stores what was in production.
`steps` is the canary without side effects. `contract` and `traffic` are clients of a model server. `commands/` has one
file for each command of `python -m delivery`.
"""
