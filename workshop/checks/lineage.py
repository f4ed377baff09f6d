"""Reads what `delivery.lineage` traces with: objects of the participant's namespaces, and their MLflow.

What cannot be read is named and left out, so a trace shows the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric import ec
from delivery.errors import DeliveryError
from delivery.history import Entry, entries_of
from delivery.lineage import Known, Predictor, Version
from delivery.provenance import KEY, public_key

from workshop.checks.finding import CheckContext
from workshop.checks.served import MAIN, Served
from workshop.cluster.client import ApiFailure
from workshop.cluster.jsonhttp import NoAnswer
from workshop.manifests.objects import Object, annotations_of

T = TypeVar("T")
ENDPOINTS, VERSION = "mlops-endpoints", "mlops-workshop/model-version"


def known(context: CheckContext, about: Served = MAIN) -> Known:
    """Everything that a trace of a use case reads. It waits for MLflow."""
    missing: list[str] = []

    def read(what: str, how: Callable[[], T], otherwise: T) -> T:
        try:
            return how()
        except (ApiFailure, DeliveryError, NoAnswer) as e:
            missing.append(f"{what} could not be read: {getattr(e, 'message', str(e))}")
            return otherwise

    dev, production = context.namespace("dev"), context.namespace("production")
    cluster = context.cluster
    runs: list[Object] = read(f"the PipelineRuns of {dev}", lambda: cluster.list("PipelineRun", dev), [])
    runs.sort(key=lambda one: str(one["metadata"].get("creationTimestamp", "")), reverse=True)
    name = f"{about.deployment}-history"
    entries: list[Entry] = read(
        f"the history of {production}",
        lambda: entries_of(cluster.find("ConfigMap", production, name)),
        [],
    )
    serving = []
    for stage in ("production", "staging"):
        found = read(f"what {stage} runs", lambda stage=stage: _deployment(context, about, stage), None)  # type: ignore[misc]
        serving += _predictors(stage, found) if found else []
    key = read(f"the key of {production}", lambda: _key(context), None)
    return Known(entries, runs, serving, read("MLflow", lambda: _versions(context, about), []), missing, key)


def _deployment(context: CheckContext, about: Served, stage: str) -> Object | None:
    return context.cluster.find("SeldonDeployment", context.namespace(stage), about.deployment)


def _key(context: CheckContext) -> ec.EllipticCurvePublicKey | None:
    found = context.cluster.find("ConfigMap", context.namespace("production"), ENDPOINTS) or {}
    pem = str((found.get("data") or {}).get(KEY) or "")
    return public_key(pem) if pem else None


def _predictors(stage: str, deployment: Object) -> list[Predictor]:
    """What each predictor runs; the version of one that is not `main` is in an annotation of its own."""
    notes = annotations_of(deployment)
    found = []
    listed = deployment["spec"].get("predictors") or []
    for one in listed:
        name = str(one["name"])
        containers = [c for part in one.get("componentSpecs") or [] for c in part["spec"]["containers"]]
        digest = str(containers[0].get("image", "")).partition("@")[2] if containers else ""
        version = notes.get(VERSION if name == "main" else f"mlops-workshop/{name}-version", "")
        traffic = int(one.get("traffic", 100 if len(listed) == 1 else 0))
        found.append(Predictor(stage, name, digest, version, traffic, bool(one.get("shadow"))))
    return found


def _versions(context: CheckContext, about: Served) -> list[Version]:
    """The versions with the metrics of their runs."""
    versions = context.mlflow.versions(about.deployment)
    runs = {run.id: run for run in context.mlflow.runs(experiment=about.experiment)} if versions else {}
    return [
        Version(
            one.number,
            one.run_id,
            one.tags,
            one.aliases,
            runs[one.run_id].metrics if one.run_id in runs else {},
            runs[one.run_id].tags.get("pipeline_run", "") if one.run_id in runs else "",
        )
        for one in versions
    ]
