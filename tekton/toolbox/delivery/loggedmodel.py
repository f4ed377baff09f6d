"""A model as MLflow keeps it: the ONNX graph, a signature by column, an example, and code that takes columns.

MLflow's own ONNX model takes the graph's inputs, which are two arrays. A data scientist has a table, so the model is
also a Python function of columns (`bycolumn.py`). Nothing of it is pickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from delivery import bycolumn
from delivery.card import MODEL, Card

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import Model, ModelSignature

EXAMPLE_ROWS = 2
"""Rows of the test in the example."""
FLAVOR = "onnx"


def log(folder: Path, described: Card, libraries: Mapping[str, str]) -> str:
    """Log the model in a folder to the active run; its id. `libraries` are the versions that serve it.

    Log it before the metrics of the run: MLflow asks for the history of each metric that a run has at this moment.
    """
    from mlflow.models import Model

    requirements = [f"{name}=={libraries[name]}" for name in ("onnxruntime", "numpy")]
    info = Model.log(
        None,
        _Flavor,
        name="model",
        flavor_name=FLAVOR,
        folder=folder,
        described=described,
        requirements=[*requirements, "pandas"],
    )
    return str(info.model_id)


class _Flavor:
    """What `Model.log` takes: an object with `save_model`."""

    @staticmethod
    def save_model(
        path: str, mlflow_model: Model, *, folder: Path, described: Card, requirements: list[str], **_: Any
    ) -> None:
        """Save the graph as MLflow's ONNX flavor does, then let its Python function take columns."""
        import mlflow.onnx
        import onnx

        mlflow.onnx.save_model(
            onnx.load_model(str(folder / MODEL)),
            path,
            mlflow_model=mlflow_model,
            signature=signature(described),
            input_example=example(described),
            code_paths=[bycolumn.__file__],
            # MLflow's inference of them takes 20 s.
            pip_requirements=requirements,
            save_as_external_data=False,
        )
        Path(path, bycolumn.OUTPUTS).write_text(json.dumps(described.outputs), encoding="utf-8")
        mlflow_model.flavors["python_function"]["loader_module"] = Path(bycolumn.__file__).stem
        mlflow_model.save(str(Path(path, "MLmodel")))


def signature(described: Card) -> ModelSignature:
    """The columns and the outputs of a model, with MLflow's types."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    given: list[ColSpec | TensorSpec] = [
        ColSpec(_type(entry), entry["name"], required=not entry.get("nullable", False)) for entry in described.inputs
    ]
    return ModelSignature(Schema(given), Schema([ColSpec("float", name) for name in described.outputs]))


def example(described: Card) -> pd.DataFrame:
    """Rows of the test as a table with the types of the signature."""
    import pandas as pd

    frame = pd.DataFrame(described.rows[:EXAMPLE_ROWS], columns=described.names)
    kinds = {"string": "object", "long": "int64", "double": "float64"}
    return frame.astype({entry["name"]: kinds[_type(entry)] for entry in described.inputs})


def _type(entry: Mapping[str, Any]) -> str:
    """MLflow's type of a column. A column of integers that may be missing is one of floats in a table."""
    if entry["type"] == "string":
        return "string"
    return "long" if entry["type"] == "integer" and not entry.get("nullable", False) else "double"
