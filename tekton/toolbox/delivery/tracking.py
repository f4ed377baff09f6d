"""MLflow's own client, for what its REST API alone is not made for: to log and to register models.

MLflow is imported when it is first needed, because that takes seconds. The server is MLFLOW_TRACKING_URI; MLflow
itself reads MLFLOW_TRACKING_TOKEN.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from delivery import card, params, usecase
from delivery.card import CARD, MODEL, Card
from delivery.errors import DeliveryError
from delivery.mlflowerrors import failure
from delivery.registry import CHALLENGER
from delivery.usecase import Config

EXAMPLE_ROWS = 2
"""Rows of the test in the request that a run has as an example."""
DIGEST_LENGTH = 36
"""Characters of a dataset's digest that MLflow accepts."""
_NOTE, _CONTEXT = "mlflow.note.content", "mlflow.data.context"
_TYPES = {"string": "string", "integer": "long", "number": "double"}
"""MLflow's names of the types in a model.json."""


def enabled() -> bool:
    """Whether MLFLOW_TRACKING_URI names a server."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI"))


def mlflow() -> ModuleType:
    """MLflow, without telemetry and without long retries."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # Two quick retries: a stage that cannot log must fail in seconds, not after minutes of back-off.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    # No progress bars and links in a log.
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    import mlflow as library

    return library


@contextmanager
def reachable() -> Iterator[None]:
    """Turn a failure of the server into a DeliveryError of one line, which has the reason and what comes next."""
    import requests

    library = mlflow()
    try:
        yield
    except (library.exceptions.MlflowException, requests.RequestException) as error:
        raise _failure(error) from error


def _failure(error: BaseException) -> DeliveryError:
    said = re.search(r'"message": ?"([^"]+)"', str(error))
    text = said[1] if said else (str(error).splitlines() or [""])[0]
    while error.__cause__ or error.__context__:
        # The client wraps the reason in the texts of its retries.
        error = error.__cause__ or error.__context__ or error
    return failure(error, text)


def find_run(experiment: str, tags: Mapping[str, str]) -> str | None:
    """The id of the newest finished run of an experiment that has all these tags."""
    library = mlflow()
    found = library.get_experiment_by_name(experiment)
    if found is None:
        return None
    wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
    runs = library.MlflowClient().search_runs(
        [found.experiment_id], filter_string=f"{wanted} and attributes.status = 'FINISHED'", max_results=1
    )
    return str(runs[0].info.run_id) if runs else None


@dataclass(frozen=True, slots=True)
class Trained:
    """What MLflow gets of a model: its run's name, tags, params and metrics, and the ONNX graph's inputs and output.

    `identity` is the same for the same model only. `words` and `numbers` are how many columns the graph's two inputs
    have, `output` is its output's name and `width` the values of a row in it. `libraries` are the versions that
    serve it.
    """

    name: str
    identity: str
    tags: Mapping[str, str]
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    words: int
    numbers: int
    output: str
    width: int
    libraries: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Child:
    """What MLflow gets of one variant of a comparison."""

    name: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]


def run_of(experiment: str, folder: Path, trained: Trained) -> tuple[str, bool]:
    """The id of the run of a model, whose model.onnx and model.json are in the folder, and whether it was made now.

    So training, evaluation and registration need no shared file of run ids: the first that asks creates the run.
    """
    known = find_run(experiment, {"card_sha256": trained.identity})
    if known:
        return known, False
    library = mlflow()
    library.set_experiment(experiment)
    pipeline_run = os.environ.get("PIPELINE_RUN")
    more = {"pipeline_run": pipeline_run or "", "set_params": params.noted(usecase.folder())}
    known_tags = {name: value for name, value in more.items() if value}
    described = card.load(folder / CARD)
    tags = {**known_tags, **trained.tags, "card_sha256": trained.identity, _NOTE: _description(described, trained)}
    with library.start_run(run_name=trained.name, tags=tags) as run:
        library.log_params(dict(trained.params))
        library.log_metrics(dict(trained.metrics))
        library.log_artifact(str(folder / CARD))
        library.log_dict(
            {"data": {"names": described.names, "ndarray": described.rows[:EXAMPLE_ROWS]}}, "input_example.json"
        )
        _log_data(run.info.run_id, experiment, described, trained)
        _log_model(folder, trained)
    return str(run.info.run_id), True


def _description(described: Card, trained: Trained) -> str:
    """What the run made, in Markdown. MLflow shows it above the run."""
    columns = ", ".join(f"`{entry['name']}`" for entry in described.inputs)
    outputs = ", ".join(f"`{name}`" for name in described.outputs)
    return (
        f"*{trained.name}* for **{described.name}**, from {len(described.inputs)} columns: {columns}.\n\n"
        f"It returns {outputs}. `input_example.json` is a request with rows "
        "of the test. `model.json` has the allowed values of each column."
    )


def _log_data(run_id: str, name: str, described: Card, trained: Trained) -> None:
    """The data as an input of the run, with the types of its columns. It has no rows, so it needs no pandas."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    columns = [
        {"name": entry["name"], "type": _TYPES[entry["type"]], "required": not entry.get("nullable", False)}
        for entry in described.inputs
    ]
    months = {key: trained.params[key] for key in ("train_months", "test_month", "every") if key in trained.params}
    data = Dataset(
        name=name,
        digest=trained.tags["data_version"][:DIGEST_LENGTH],
        source_type="local",
        source=json.dumps({"uri": "data"}),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps(months),
    )
    mlflow().MlflowClient().log_inputs(run_id, datasets=[DatasetInput(data, [InputTag(_CONTEXT, "training")])])


def _log_model(folder: Path, trained: Trained) -> None:
    """Log the ONNX model with its inputs as a signature.

    Requirements are given, because MLflow's inference takes 20 s.
    """
    import mlflow.onnx
    import numpy as np
    import onnx
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    def spec(kind: np.dtype[Any], name: str, width: int) -> TensorSpec:
        return TensorSpec(kind, (-1, width), name)

    kinds = ((np.dtype(object), "words", trained.words), (np.dtype(np.float32), "numbers", trained.numbers))
    given: list[ColSpec | TensorSpec] = [spec(kind, name, width) for kind, name, width in kinds if width]
    returned = spec(np.dtype(np.float32), trained.output, trained.width)
    mlflow.onnx.log_model(
        onnx.load_model(str(folder / MODEL)),
        name="model",
        signature=ModelSignature(Schema(given), Schema([returned])),
        pip_requirements=[f"{name}=={trained.libraries[name]}" for name in ("onnxruntime", "numpy")],
        save_as_external_data=False,
    )


def log_comparison(
    experiment: str, name: str, tags: Mapping[str, str], note: str, children: Sequence[Child], folder: Path
) -> str:
    """A run with a child run for each variant of a comparison, and the files of a folder as its artifacts. Its id.

    `note` is Markdown, which MLflow shows as the description of the run.
    """
    library = mlflow()
    library.set_experiment(experiment)
    about = {key: value for key, value in tags.items() if value}
    with library.start_run(run_name=name, tags={**about, _NOTE: note}) as parent:
        library.log_artifacts(str(folder), "comparison")
        for child in children:
            with library.start_run(run_name=child.name, tags=about, nested=True):
                library.log_params(dict(child.params))
                library.log_metrics(dict(child.metrics))
    return str(parent.info.run_id)


def register(config: Config, run_id: str, tags: Mapping[str, str]) -> str:
    """The registered version of a run's model, with the tags and the alias challenger; made when there is none."""
    library = mlflow()
    with reachable():
        client = library.MlflowClient()
        known = [found.version for found in _versions(client, config) if found.run_id == run_id]
        version = str(known[0] if known else _create(library, config, run_id))
        for key, value in tags.items():
            client.set_model_version_tag(config.deployment, version, key, value)
        client.set_registered_model_alias(config.deployment, CHALLENGER, version)
    return version


def _versions(client: Any, config: Config) -> list[Any]:
    """All versions, newest first; none when the model is not registered."""
    return sorted(client.search_model_versions(f"name='{config.deployment}'"), key=lambda found: -int(found.version))


def _create(library: ModuleType, config: Config, run_id: str) -> str:
    client = library.MlflowClient()
    note = str(client.get_run(run_id).data.tags.get(_NOTE, ""))
    registered = library.register_model(f"runs:/{run_id}/model", config.deployment, await_registration_for=30)
    client.update_model_version(config.deployment, registered.version, note)
    if not client.get_registered_model(config.deployment).description:
        client.update_registered_model(
            config.deployment,
            f"The models of the experiment {config.experiment} that have passed the gate. The alias `champion` is the "
            "version that production serves, and `challenger` is the newest one.",
        )
    return str(registered.version)
