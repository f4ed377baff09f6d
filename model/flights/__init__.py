"""Predict, before departure, whether a flight from New York arrives at least 15 minutes late.

One concern a module: `schema` says what the columns are, `data` makes the monthly files, `validate`
checks them, `train`, `evaluate`, `gate` and `register` are the pipeline's stages, `serve` answers
requests and `contract` checks an answering server. Nothing here knows the workshop around it.
"""

import os

# Before onnxruntime is imported: from 1.31 on it keeps a database in the home folder and calls home.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
