"""Take a tested model image to production by measured steps, and back when a measure is bad.

It knows no model: `usecase` reads what a use case is called, and imports the module that knows its rows and its gate.
`rules`, `quality` and `statistics` decide and know no cluster. `prometheus` and `measure` count, `cluster` applies
overlays through `oc`, `registry` and `tracking` speak to MLflow, `history` stores what was in production. `steps` is
the canary without side effects. `contract` and `traffic` are clients of a model server. `commands/` has one file for
each command of `python -m delivery`.
"""
