"""Predict, before departure, whether a flight from New York arrives at least 15 minutes late.

`schema` defines the columns, `data` makes the monthly files, `validate` checks them. `train`, `evaluate`, `gate` and
`tracking` are the pipeline's stages, and `serve` answers requests. The package does not import the workshop.
"""

import os

# Before onnxruntime is imported: from 1.31 on it writes a database to the home folder and sends telemetry.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
