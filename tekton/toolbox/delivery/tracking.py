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

from delivery import card, loggedmodel, params, usecase
from delivery.card import CARD, Card
from delivery.errors import DeliveryError
from delivery.mlflowerrors import failure
from delivery.registry import CHALLENGER
from delivery.usecase import Config

DIGEST_LENGTH = 36
"""Characters of a dataset's digest that MLflow accepts."""
_NOTE, _CONTEXT, _VERSIONS = "mlflow.note.content", "mlflow.data.context", "mlflow.modelVersions"
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
    import mlflow

    library: ModuleType = mlflow
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
    found = mlflow().get_experiment_by_name(experiment)
    return _find_run(found.experiment_id, tags) if found else None


def _find_run(experiment_id: str, tags: Mapping[str, str]) -> str | None:
    wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
    runs = (
        mlflow()
        .MlflowClient()
        .search_runs([experiment_id], filter_string=f"{wanted} and attributes.status = 'FINISHED'", max_results=1)
    )
    return str(runs[0].info.run_id) if runs else None


@dataclass(frozen=True, slots=True)
class Trained:
    """What MLflow gets of a model: its run's name, tags, params and metrics.

    `identity` is the same for the same model only. `libraries` are the versions that serve it.
    """

    name: str
    identity: str
    tags: Mapping[str, str]
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
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
    library = mlflow()
    # It makes the experiment if there is none.
    experiment_id = library.set_experiment(experiment).experiment_id
    known = _find_run(experiment_id, {"card_sha256": trained.identity})
    if known:
        return known, False
    pipeline_run = os.environ.get("PIPELINE_RUN")
    more = {"pipeline_run": pipeline_run or "", "set_params": params.noted(usecase.folder())}
    known_tags = {name: value for name, value in more.items() if value}
    described = card.load(folder / CARD)
    tags = {**known_tags, **trained.tags, "card_sha256": trained.identity, _NOTE: _description(described, trained)}
    with library.start_run(run_name=trained.name, tags=tags) as run:
        library.log_params(dict(trained.params))
        library.log_artifact(str(folder / CARD))
        _log_data(run.info.run_id, experiment, described, trained)
        model_id = loggedmodel.log(folder, described, trained.libraries)
        library.log_metrics(dict(trained.metrics), model_id=model_id)
    return str(run.info.run_id), True


def _description(described: Card, trained: Trained) -> str:
    """What the run made, in Markdown. MLflow shows it above the run."""
    columns = ", ".join(f"`{entry['name']}`" for entry in described.inputs)
    outputs = ", ".join(f"`{name}`" for name in described.outputs)
    return (
        f"*{trained.name}* for **{described.name}**, from {len(described.inputs)} columns: {columns}.\n\n"
        f"It returns {outputs}. The model has a signature by column, and rows of the test as an example. "
        "`model.json` has the allowed values of each column."
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


def register(config: Config, run_id: str, tags: Mapping[str, str], name: str = "", alias: str = CHALLENGER) -> str:
    """The registered version of a run's model, with the tags and an alias; made when there is none.

    `name` is the registered model, by default that of the deployment, which the pipeline registers what it has let
    through under.
    """
    model = name or config.deployment
    with reachable():
        client = mlflow().MlflowClient()
        versions = client.search_model_versions(f"name='{model}'")
        known = [found.version for found in versions if found.run_id == run_id]
        if known:
            version = str(max(known, key=int))
            for key, value in tags.items():
                client.set_model_version_tag(model, version, key, value)
        else:
            if not versions:
                _create_model(client, config, model)
            version = _create_version(client, model, run_id, tags)
        client.set_registered_model_alias(model, alias, version)
    return version


def _create_model(client: Any, config: Config, model: str) -> None:
    """Make a registered model with its description, if there is none."""
    from mlflow.exceptions import MlflowException

    about = (
        f"The models of the experiment {config.experiment} that have passed the gate. The alias `champion` is the "
        "version that production serves, and `challenger` is the newest one."
        if model == config.deployment
        else f"Models of the experiment {config.experiment} that were registered by hand: no gate has seen them."
    )
    try:
        client.create_registered_model(model, description=about)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _create_version(client: Any, model: str, run_id: str, tags: Mapping[str, str]) -> str:
    """Register the model of a run, with its description; one request makes the version whole."""
    run = client.get_run(run_id)
    made = run.outputs.model_outputs[-1].model_id
    version = client.create_model_version(
        model,
        f"models:/{made}",
        run_id,
        tags=dict(tags),
        description=str(run.data.tags.get(_NOTE, "")),
        await_creation_for=30,
        model_id=made,
    )
    # MLflow's page of the logged model lists its versions by this tag, as mlflow.register_model sets it.
    client.set_logged_model_tags(made, {_VERSIONS: json.dumps([{"name": model, "version": version.version}])})
    return str(version.version)
