"""The ONNX model as MLflow's pyfunc, for `mlflow models serve`."""

from __future__ import annotations

from typing import Any

import mlflow
import numpy as np
import onnxruntime


class Flights(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    def load_context(self, context: Any) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(context.artifacts["model"], options)
        stated = self.session.get_modelmeta().custom_metadata_map
        self.columns = {kind: stated[kind].split(",") for kind in ("words", "numbers")}

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        feed = {
            "words": model_input[self.columns["words"]].to_numpy(dtype=object),
            "numbers": model_input[self.columns["numbers"]].to_numpy(dtype=np.float32),
        }
        return self.session.run(["probabilities"], feed)[0]


mlflow.models.set_model(Flights())
