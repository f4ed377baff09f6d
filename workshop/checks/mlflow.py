"""MLflow as the checks read it, over its REST API: a check must not wait for MLflow's own client (seconds)."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from workshop.checks.finding import HTTP_SECONDS, CheckContext
from workshop.usecase import USE_CASE

EXPERIMENT = USE_CASE.experiment


class NoMlflow(Exception):
    """MLflow does not answer; the text says what it said."""


@dataclass(frozen=True)
class Run:
    """A finished run."""

    id: str
    name: str
    metrics: dict[str, float]
    params: dict[str, str]
    tags: dict[str, str]


def runs(context: CheckContext, filter_: str = "") -> list[Run]:
    """The finished runs of the experiment, the newest first. Raises NoMlflow."""
    found = _call(context, f"experiments/get-by-name?experiment_name={EXPERIMENT}", missing_ok=True)
    if not found:
        return []
    both = " and ".join(part for part in ("attributes.status = 'FINISHED'", filter_) if part)
    ids = [found["experiment"]["experiment_id"]]
    answer = _call(context, "runs/search", {"experiment_ids": ids, "filter": both, "max_results": 200})
    return [_run(one) for one in answer.get("runs") or []]


def of_notebook(context: CheckContext, notebook: str) -> list[Run]:
    """The runs that a notebook has logged; it says so in the tag `notebook`. Raises NoMlflow."""
    return runs(context, f"tags.notebook = '{notebook}'")


def of_version(context: CheckContext, model: str, number: str) -> Run:
    """The run from which a version of a registered model was made. Raises NoMlflow."""
    query = urllib.parse.urlencode({"name": model, "version": number})
    version = _call(context, f"model-versions/get?{query}")["model_version"]
    return _run(_call(context, f"runs/get?{urllib.parse.urlencode({'run_id': version['run_id']})}")["run"])


def artifacts(context: CheckContext, run: Run, folder: str = "") -> list[str]:
    """The names of a run's files. Raises NoMlflow."""
    answer = _call(context, f"artifacts/list?run_id={run.id}" + (f"&path={folder}" if folder else ""))
    return [str(file["path"]) for file in answer.get("files") or []]


def forget(context: CheckContext, found: list[Run]) -> None:
    """Put runs into MLflow's bin. Raises NoMlflow."""
    for run in found:
        _call(context, "runs/delete", {"run_id": run.id})


def _run(one: dict[str, Any]) -> Run:
    data = one["data"]
    return Run(
        one["info"]["run_id"],
        one["info"].get("run_name", ""),
        {m["key"]: float(m["value"]) for m in data.get("metrics") or []},
        {p["key"]: str(p["value"]) for p in data.get("params") or []},
        {t["key"]: str(t["value"]) for t in data.get("tags") or []},
    )


def _call(
    context: CheckContext, path: str, body: dict[str, Any] | None = None, *, missing_ok: bool = False
) -> dict[str, Any]:
    base = context.env.get("MLFLOW_TRACKING_URI")
    if not base:
        raise NoMlflow("MLflow does not run")
    headers = {"Content-Type": "application/json"}
    if token := context.env.get("MLFLOW_TRACKING_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{base}/api/2.0/mlflow/{path}", data=data, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as answer:  # noqa: S310 the lab's address
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as e:
        if e.code == 404 and missing_ok:
            return {}
        raise NoMlflow(f"MLflow answers {e.code} to {path}: {e.read(300).decode(errors='replace')}") from e
    except OSError as e:
        raise NoMlflow(f"MLflow at {base} does not answer: {e}") from e
