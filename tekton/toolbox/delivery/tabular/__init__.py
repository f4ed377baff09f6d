"""The training of a model on one table: everything but its columns and its algorithms, which are the project's own.

A project is the folder of a use case that `workshop new` makes. It has `contract.yaml` (the columns), `params.yaml`,
`usecase.yaml`, and a package whose module `candidates` has the algorithms. The stages of its dvc.yaml are

    python -m delivery.tabular data | validate | train CANDIDATE | evaluate
"""
