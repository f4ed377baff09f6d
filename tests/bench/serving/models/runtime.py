"""The ONNX model as an MLServer runtime: reads the inputs as they come, without the codecs, which take longer."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnxruntime
from mlserver import MLModel  # type: ignore[import-not-found]
from mlserver.codecs import NumpyCodec  # type: ignore[import-not-found]
from mlserver.types import InferenceRequest, InferenceResponse  # type: ignore[import-not-found]


class Flights(MLModel):  # type: ignore[misc]
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        file = str(Path(os.environ["MODEL_DIR"]) / "model.onnx")
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        stated = self.session.get_modelmeta().custom_metadata_map
        self.columns = {kind: stated[kind].split(",") for kind in ("words", "numbers")}
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        by_name = {entry.name: list(entry.data) for entry in payload.inputs}
        feed = {
            kind: np.array([by_name[name] for name in names], dtype=object if kind == "words" else np.float32).T
            for kind, names in self.columns.items()
        }
        (both,) = self.session.run(["probabilities"], feed)
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("predict", both)])
