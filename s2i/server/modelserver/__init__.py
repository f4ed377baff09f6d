"""Serves a plain Seldon model class: one process, two protocols, exact metrics.

The class imports nothing of this package; it offers ``predict(X, names, meta)`` and, where it wants to,
``load``, ``metrics``, ``tags``, ``send_feedback``, ``init_metadata``, ``health_status``, ``class_names``,
``input_schema`` and ``training_reference``. Routers, combiners, transformers and gRPC are not served here.
"""

__version__ = "0.1.0"
