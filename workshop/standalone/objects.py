"""The objects of the files in the store, and the runs among them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop.errors import ManifestError, UsageError
from workshop.lab import openshift_tasks
from workshop.lab.admission import admit
from workshop.lab.admission.tekton.config import config_of
from workshop.lab.api.offline import admitted
from workshop.lab.api.views import view_of
from workshop.lab.api_errors import ApiError
from workshop.lab.kinds import Kind, built_in
from workshop.lab.kubelet.volumes import claim_folder
from workshop.manifests.load import Manifest
from workshop.manifests.objects import Object
from workshop.operations.runs import RUN_KINDS
from workshop.standalone.engine import Engine

SERVED = (
    *RUN_KINDS,
    "ConfigMap",
    "PersistentVolumeClaim",
    "Pipeline",
    "Secret",
    "ServiceAccount",
    "StepAction",
    "Task",
)
"""The kinds that have an effect on a run here. Others are left out, with a note."""


@dataclass(frozen=True)
class Admitted:
    """What was taken of the files: the runs as admission has completed them, and the kinds that were left out."""

    runs: list[Object]
    left_out: list[str]


def admit_all(engine: Engine, documents: Sequence[Manifest], namespace: str) -> Admitted:
    """Store every object but the runs, and what a cluster has for the cluster resolver. Raises ManifestError."""
    runs, left_out = [], []
    if any("resolver" in str(document.object) for document in documents):
        for task in openshift_tasks.tasks():
            _put(engine, built_in("Task"), admit(built_in("Task"), task, None, config_of(engine.store)))
    for document in documents:
        obj = document.object
        view = view_of(engine.store.kinds, obj)
        if view is None or view.stored.kind not in SERVED:
            left_out.append(str(obj.get("kind")))
            continue
        try:
            full = admitted(view, obj, config_of(engine.store))
            full["metadata"].setdefault("namespace", namespace)
            if view.stored.kind in RUN_KINDS:
                runs.append(full)
            else:
                _put(engine, view.stored, full)
        except ApiError as e:
            raise ManifestError(
                f"{document.where}: {e.message}", hint="workshop lint FILE shows every mistake with its line"
            ) from e
    if not runs:
        raise ManifestError(
            "the files have no PipelineRun and no TaskRun, so there is nothing to run",
            hint="add a PipelineRun with pipelineRef.name to the files",
        )
    return Admitted(runs, sorted(set(left_out)))


def unknown_accounts(engine: Engine, runs: Sequence[Object]) -> list[str]:
    """The ServiceAccounts that runs name and the files lack, but for those that OpenShift makes in each namespace."""
    named = {
        one.get("serviceAccountName")
        for run in runs
        for one in (run["spec"], run["spec"].get("taskRunTemplate") or {}, *(run["spec"].get("taskRunSpecs") or ()))
    }
    there = {str(one["metadata"]["name"]) for one in engine.store.objects(built_in("ServiceAccount"))}
    return sorted(str(name) for name in named - there - {None, "", "default", "pipeline"})


def bind_folders(engine: Engine, runs: Sequence[Object], words: Sequence[str]) -> None:
    """Bind workspaces of the runs to folders of this machine, by `NAME=FOLDER`. Raises UsageError."""
    for word in words:
        name, found, path = word.partition("=")
        folder = Path(path).resolve()
        if not found or not folder.is_dir():
            why = f"{path} is no folder" if found else "a workspace is NAME=FOLDER"
            raise UsageError(f"-w {word}: {why}", hint="workshop run FILE -w source=.")
        for run in runs:
            claim = f"folder-{name}"
            _link(claim_folder(engine.paths, run["metadata"]["namespace"], claim), folder)
            _put(engine, built_in("PersistentVolumeClaim"), _claim(claim, run["metadata"]["namespace"]))
            given: list[dict[str, Any]] = run["spec"].setdefault("workspaces", [])
            binding = {"name": name, "persistentVolumeClaim": {"claimName": claim}}
            given[:] = [one for one in given if one.get("name") != name] + [binding]


def start(engine: Engine, run: Object) -> Object:
    """Create a run. One of the same name, from an earlier command in the same folder, is deleted before."""
    kind, meta = built_in(run["kind"]), run["metadata"]
    old = engine.store.find(kind, meta["namespace"], meta["name"]) if meta.get("name") else None
    if old is not None:
        discard(engine, old)
    return engine.store.create(kind, run)


def discard(engine: Engine, run: Object) -> None:
    """Delete a run with its dependents and their files: what follows may have the same names."""
    namespace = run["metadata"]["namespace"]
    for record in engine.store.dependents(run["metadata"]["uid"]):
        if record.kind.kind == "Pod":
            shutil.rmtree(engine.paths.pod(namespace, record.name), ignore_errors=True)
        elif record.kind.kind == "PersistentVolumeClaim":
            shutil.rmtree(claim_folder(engine.paths, namespace, record.name), ignore_errors=True)
        else:
            discard(engine, record.object())
    engine.store.delete(built_in(run["kind"]), namespace, run["metadata"]["name"])


def _put(engine: Engine, kind: Kind, obj: Object) -> None:
    meta = obj["metadata"]
    if meta.get("name") and engine.store.find(kind, meta["namespace"], meta["name"]) is not None:
        engine.store.update(kind, obj)
    else:
        engine.store.create(kind, obj)


def _link(link: Path, folder: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(folder, target_is_directory=True)


def _claim(name: str, namespace: str) -> Object:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec}
