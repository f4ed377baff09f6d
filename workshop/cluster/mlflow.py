"""A client of MLflow's REST API. MLflow's own client takes seconds to import."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from workshop.cluster.jsonhttp import NoAnswer, ask
from workshop.usecase import USE_CASE


@dataclass(frozen=True)
class Run:
    """A finished run."""

    id: str
    name: str
    metrics: dict[str, float]
    params: dict[str, str]
    tags: dict[str, str]


@dataclass(frozen=True)
class Version:
    """A version of a registered model, and the id of the run that it was made from."""

    number: str
    run_id: str
    tags: dict[str, str]
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Mlflow:
    """One tracking server. All methods raise NoAnswer."""

    url: str
    token: str = ""

    def runs(self, filter_: str = "", *, experiment: str = USE_CASE.experiment) -> list[Run]:
        """The finished runs of an experiment, by default the workshop's, the newest first."""
        name = {"experiment_name": experiment}
        found = self._call("experiments/get-by-name", query=name, missing_ok=True)
        if not found:
            return []
        both = " and ".join(part for part in ("attributes.status = 'FINISHED'", filter_) if part)
        ids = [found["experiment"]["experiment_id"]]
        answer = self._call("runs/search", {"experiment_ids": ids, "filter": both, "max_results": 200})
        return [_run(one) for one in answer.get("runs") or []]

    def runs_of_notebook(self, notebook: str) -> list[Run]:
        """The runs that a notebook has logged, by their tag `notebook`."""
        return self.runs(f"tags.notebook = '{notebook}'")

    def run_of_version(self, model: str, number: str) -> Run:
        """The run from which a version of a registered model was made."""
        return self._run_of("model-versions/get", {"name": model, "version": number})

    def run_of_alias(self, model: str, alias: str) -> Run:
        """The run from which the version of a registered model with an alias was made."""
        return self._run_of("registered-models/alias", {"name": model, "alias": alias})

    def versions(self, model: str) -> list[Version]:
        """The newest 200 versions of a registered model, the newest first."""
        query = {"filter": f"name='{model}'", "max_results": "200", "order_by": "version_number DESC"}
        found = self._call("model-versions/search", query=query, missing_ok=True)
        aliases: dict[str, list[str]] = {}
        if found.get("model_versions"):
            model_found = self._call("registered-models/get", query={"name": model})["registered_model"]
            for one in model_found.get("aliases") or []:
                aliases.setdefault(str(one["version"]), []).append(str(one["alias"]))
        return [
            Version(
                str(one["version"]),
                str(one.get("run_id") or ""),
                {tag["key"]: str(tag["value"]) for tag in one.get("tags") or []},
                tuple(sorted(aliases.get(str(one["version"]), []))),
            )
            for one in found.get("model_versions") or []
        ]

    def history(self, run: Run, metric: str) -> dict[int, float]:
        """The values of a metric by their steps; the first 1,000 of them."""
        answer = self._call(
            "metrics/get-history", query={"run_id": run.id, "metric_key": metric, "max_results": "1000"}
        )
        return {int(one.get("step") or 0): float(one["value"]) for one in answer.get("metrics") or []}

    def artifacts(self, run: Run) -> list[str]:
        """The names of a run's files."""
        answer = self._call("artifacts/list", query={"run_id": run.id})
        return [str(file["path"]) for file in answer.get("files") or []]

    def delete(self, runs: list[Run]) -> None:
        """Mark runs as deleted; MLflow can restore them."""
        for run in runs:
            self._call("runs/delete", {"run_id": run.id})

    def _run_of(self, path: str, query: dict[str, str]) -> Run:
        version = self._call(path, query=query)["model_version"]
        return _run(self._call("runs/get", query={"run_id": version["run_id"]})["run"])

    def _call(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        query: dict[str, str] | None = None,
        missing_ok: bool = False,
    ) -> dict[str, Any]:
        if not self.url:
            raise NoAnswer("MLflow does not run")
        words = f"?{urlencode(query)}" if query else ""
        raw = None if body is None else json.dumps(body).encode()
        try:
            answer = ask(f"{self.url}/api/2.0/mlflow/{path}{words}", raw, token=self.token)
        except OSError as e:
            raise NoAnswer(f"MLflow at {self.url} does not answer: {e}") from e
        if answer.status == 404 and missing_ok:
            return {}
        found = answer.json
        if answer.status != 200 or not isinstance(found, dict):
            raise NoAnswer(f"MLflow answers {answer.status} to {path}: {answer.text}")
        return found


def _run(one: dict[str, Any]) -> Run:
    data = one["data"]
    return Run(
        one["info"]["run_id"],
        one["info"].get("run_name", ""),
        {m["key"]: float(m["value"]) for m in data.get("metrics") or []},
        {p["key"]: str(p["value"]) for p in data.get("params") or []},
        {t["key"]: str(t["value"]) for t in data.get("tags") or []},
    )
