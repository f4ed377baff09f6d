"""The page of an approval of a promotion: the challenger, the champion, and their differences.

All data comes from the records of the pipelines: the results of the waiting run and of the runs that built the two
images, the log of the task `gate`, the runs in MLflow, and the commits in Git. Data that cannot be read is left out,
with the reason.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from workshop.checks import CheckContext
from workshop.checks.served import MAIN, Served, served
from workshop.cluster.jsonhttp import NoAnswer
from workshop.lab import process_environment
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.pages.runs.children import children
from workshop.lab.participant import bare_folder
from workshop.manifests.objects import Object, labels_of, status_of, succeeded

GATE = "gate"
METRICS = ("auc", "recall", "precision", "f1", "accuracy", "brier", "rmse", "mae", "r2", "row_ms", "onnx_bytes")
"""The metrics that are shown, in this order, where the run in MLflow has them."""
LOG_BYTES = 8192
LINES = 60
SECONDS = 10
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Release:
    """One of the two models. `run` is the PipelineRun that built its image, `gate` the output of its task `gate`."""

    digest: str
    version: str
    commit: str = ""
    run: str = ""
    gate: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """The page's content. `champion` is None when production runs nothing yet.

    `folder` is that of the use case in the participant's repository; `about` is the use case, once it is known.
    """

    name: str
    namespace: str
    asks: str
    folder: str
    challenger: Release
    champion: Release | None
    about: Served | None = None
    commits: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def metrics(self) -> list[tuple[str, str, str]]:
        """Name, value of the challenger and of the champion; of the metrics that the challenger has."""
        theirs = self.champion.metrics if self.champion else {}
        return [
            (name, _number(self.challenger.metrics[name]), _number(theirs[name]) if name in theirs else "")
            for name in METRICS
            if name in self.challenger.metrics
        ]


def recorded(lab: Lab, namespace: str, name: str) -> Evidence | None:
    """The data of objects and logs; None for an approval outside of a promotion."""
    custom = lab.store.find(built_in("CustomRun"), namespace, name)
    asks = str(((custom or {}).get("metadata", {}).get("labels") or {}).get("tekton.dev/pipelineRun") or "")
    run = lab.store.find(built_in("PipelineRun"), namespace, asks) if asks else None
    if run is None:
        return None
    for child in children(lab.store, run):
        if promotes(child):
            found = _results(child)
            before = _DIGEST.search(found["previous-image"])
            champion = _release(lab, before.group(), found.get("previous-version", "")) if before else None
            challenger = _release(lab, found["image-digest"], found.get("model-version", ""))
            return Evidence(name, namespace, asks, _folder(run), challenger, champion)
    return None


def promotes(task_run: Object) -> bool:
    """Whether a task has found the release that its run promotes: its results name it, and the one before."""
    found = _results(task_run)
    return "previous-image" in found and _DIGEST.fullmatch(found.get("image-digest", "")) is not None


def completed(lab: Lab, found: Evidence, context: CheckContext) -> Evidence:
    """Add the data of MLflow and Git. It waits for both, so call it in a thread. Raises ApiFailure."""
    problems: list[str] = []
    challenger, champion = found.challenger, found.champion
    about = next((one for one in served(context) if one.folder == found.folder), None)
    if about is None:
        problems.append(f"No deployment is of the use case {found.folder}, so its metrics are not known.")
    else:
        challenger = _with_metrics(challenger, context, about, problems)
        champion = _with_metrics(champion, context, about, problems) if champion else None
    commits: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    if champion and champion.commit != challenger.commit:
        if _COMMIT.fullmatch(champion.commit) and _COMMIT.fullmatch(challenger.commit):
            both = f"{champion.commit}..{challenger.commit}"
            commits = _git(lab, problems, "log", "--format=%h %s", both)
            files = _git(lab, problems, "diff", "--stat=100", both)
            settings = _git(lab, problems, "diff", "--unified=0", both, "--", f"{found.folder}/params.yaml")[4:]
        else:
            problems.append("The commit of one of the two is not known, so there is no difference to show.")
    return replace(
        found, challenger=challenger, champion=champion, about=about, commits=commits, files=files, settings=settings,
        problems=tuple(problems),
    )  # fmt: skip


def _folder(run: Object) -> str:
    """The folder of the use case that a promotion is about."""
    params = (run.get("spec") or {}).get("params") or []
    return next((str(one.get("value")) for one in params if one.get("name") == "usecase"), MAIN.folder)


def _release(lab: Lab, digest: str, version: str) -> Release:
    """A release with the newest good run in dev that has built its digest."""
    namespace = lab.participant.namespace("dev")
    built = [
        run
        for run in lab.store.objects(built_in("PipelineRun"), namespace)
        if _results(run).get("image-digest") == digest and "commit" in _results(run) and succeeded(run)
    ]
    if not built:
        return Release(digest, version)
    run = max(built, key=lambda one: str(status_of(one).get("startTime") or ""))
    return Release(digest, version, _results(run)["commit"], str(run["metadata"]["name"]), _gate(lab, run))


def _gate(lab: Lab, run: Object) -> str:
    for child in children(lab.store, run):
        labels = labels_of(child)
        pod = str(status_of(child).get("podName") or "")
        if labels.get("tekton.dev/pipelineTask") == GATE and pod:
            path = lab.paths.container_log(str(run["metadata"]["namespace"]), pod, f"step-{GATE}")
            try:
                return path.read_bytes()[-LOG_BYTES:].decode(errors="replace").strip()
            except OSError:
                return ""
    return ""


def _results(obj: Object) -> dict[str, str]:
    listed = status_of(obj).get("results") or []
    return {str(one.get("name")): str(one.get("value")) for one in listed if isinstance(one, dict)}


def _with_metrics(release: Release, context: CheckContext, about: Served, problems: list[str]) -> Release:
    try:
        run = context.mlflow.run_of_version(about.deployment, release.version)
    except NoAnswer as e:
        problems.append(str(e))
        return release
    return replace(release, metrics=run.metrics)


def _git(lab: Lab, problems: list[str], *words: str) -> tuple[str, ...]:
    command = ["git", "--no-pager", *words]
    try:
        done = subprocess.run(
            command, cwd=bare_folder(lab.paths), env=process_environment.base(lab.paths), capture_output=True,
            text=True, errors="replace", check=True, timeout=SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as e:
        problems.append(f"git {words[0]} failed: {getattr(e, 'stderr', '') or e}".strip())
        return ()
    lines = done.stdout.splitlines()
    more = [f"… and {len(lines) - LINES} lines more"] if len(lines) > LINES else []
    return tuple(lines[:LINES] + more)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
