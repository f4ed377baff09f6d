"""`workshop lab`: the main job, from data to a prediction from production; with --data, its first step alone.

Every step prints its command, and a participant can do it by hand. A step whose result already exists is skipped, so a
second run does only what changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delivery.asking import PROMOTE

from workshop import output
from workshop.cluster.client import ApiFailure, Client
from workshop.cluster.jsonhttp import NoAnswer, ask
from workshop.cluster.mlflow import Mlflow
from workshop.cluster.prometheus import Prometheus
from workshop.cluster.runs import Progress
from workshop.commands.up import start_lab
from workshop.errors import RunFailed
from workshop.lab.components import COMPONENTS
from workshop.lab.endpoints import SHOWN
from workshop.lab.participant import clone_folder
from workshop.lab.paths import KIT, LabPaths, lab_paths
from workshop.lab.report import Report, read
from workshop.lab.target import LabTarget
from workshop.manifests.load import load
from workshop.manifests.objects import annotations_of, results_of, status_of, succeeded
from workshop.operations.approvals import answer, identities
from workshop.operations.asking import asked
from workshop.operations.runs import failure_text, follow, logs_command, submit
from workshop.usecase import DEPLOYMENT, USE_CASE

FIRST_SCRAPE_SECONDS = 10.0
"""Prometheus scrapes a new server within 5 s."""
TRAFFIC = "--rate 60 --rows 10 --seconds 4 --feedback"
"""Some 2,400 rows: enough of each outcome for every score, and more than a comparison with training needs."""


@dataclass
class Job:
    """The lab that the job runs in, and its results so far."""

    where: LabPaths
    report: Report
    client: Client
    quiet: bool
    took: dict[str, float]

    @property
    def target(self) -> LabTarget:
        return LabTarget(self.where)

    @property
    def endpoints(self) -> dict[str, str | None]:
        return self.report.endpoints_of(self.where.participant)

    @property
    def clone(self) -> Path:
        return clone_folder(self.where)

    def step(self, title: str, do: Callable[[], str]) -> None:
        """Do one step, print what it did and how long it took."""
        if not self.quiet:
            output.err.print(f"[bold]---> {title}[/]")
        began = time.monotonic()
        what = do()
        self.took[title] = time.monotonic() - began
        if not self.quiet:
            output.note(f"     {what} ({self.took[title]:.1f} s)")


def lab(words: argparse.Namespace) -> int:
    """Do the main job and print the result."""
    began = time.monotonic()
    quiet = words.output == output.JSON
    where = lab_paths()
    report = start_lab(where, ports=words.ports, quiet=quiet)
    job = Job(where, report, Client.load(where.kubeconfig), quiet, {"up": time.monotonic() - began})
    job.step("data: the months of 2013, pushed to the DVC remote", lambda: _push_data(job))
    if words.data:
        if quiet:
            output.emit({"steps": {name: round(took, 1) for name, took in job.took.items()}})
        return 0
    job.step("pipelines: applied to " + job.target.namespace("dev"), lambda: _apply(job))
    if _production_is_current(job):
        job.step("production: already serves this commit", lambda: "nothing to train, build or deploy")
    else:
        job.step("train-and-stage: from the commit to staging", lambda: _pipeline(job, "train-and-stage"))
        job.step("promote: the digest that staging tested, to production", lambda: _promote(job))
    job.report = read(where) or job.report
    job.step("traffic: requests to production, and what was true", lambda: _traffic(job))
    summary = _summary(job, time.monotonic() - began)
    if quiet:
        output.emit(summary)
    else:
        _show(job, summary)
    return 0


def _push_data(job: Job) -> str:
    """Make the months, check them against the pointers in Git, push them. Fast if the remote has them."""
    model = job.clone / "model"
    pointers = sorted((model / "data").glob("*.dvc"))
    wanted = hashlib.sha256(b"".join(p.read_bytes() for p in pointers)).hexdigest()
    marker = job.where.own / "run" / "pushed"
    if marker.exists() and marker.read_text() == wanted:
        return "the remote has them"
    _shell(job, model, f"python -m {USE_CASE.package}.ensure")
    _shell(job, model, "dvc push data/*.dvc")
    marker.parent.mkdir(exist_ok=True)
    marker.write_text(wanted)
    return f"{len(pointers)} months"


def _apply(job: Job) -> str:
    text = _shell(job, job.clone, f"oc apply -n {job.target.namespace('dev')} -k tekton/base")
    return f"{len(text.splitlines())} objects"


def _pipeline(job: Job, name: str) -> str:
    """Run a pipeline and follow it. Raises RunFailed with the failing step's last lines."""
    file = job.clone / "tekton" / "runs" / f"{name}.yaml"
    if not job.quiet:
        output.note(f"     $ workshop run tekton/runs/{name}.yaml")
    return _ended(job, submit(job.client, load(file), job.target.namespace("dev"), timeout=3600, quiet=job.quiet)[0])


def _promote(job: Job) -> str:
    """Ask production for what staging runs, approve it and follow its run. Raises RunFailed, SetupError."""
    if not job.quiet:
        output.note("     $ workshop promote")
    meta = asked(job.client, job.target.namespace("dev"), PROMOTE)["metadata"]
    deadline, namespace = time.monotonic() + 3600, meta["namespace"]
    return _ended(job, follow(job.client, "PipelineRun", namespace, meta["name"], deadline=deadline, quiet=job.quiet,
                              look=lambda seen: _approve_for(job, seen)))  # fmt: skip


def _ended(job: Job, found: Progress) -> str:
    """What a run came to. Raises RunFailed with the failing step's last lines."""
    if not found.succeeded:
        raise RunFailed(failure_text(job.client, found), hint=logs_command(found))
    return found.message


def _traffic(job: Job) -> str:
    """Call production for a few seconds, so that the dashboards have data; once for each lab.

    Prometheus counts only what comes after its first scrape of a server, so the job waits for that scrape.
    """
    token = job.where.token.read_text(encoding="utf-8").strip()
    prometheus = Prometheus(job.endpoints.get("prometheus") or "", token=token)
    if not prometheus.url:
        return "left out: there is no Prometheus"

    here = f'namespace="{job.target.namespace("production")}"'
    if prometheus.value(f"sum(max_over_time(model_feedback_total{{{here}}}[7d]))"):
        return "production has been called before"
    deadline = time.monotonic() + FIRST_SCRAPE_SECONDS
    while prometheus.value(f"sum(model_predictions_total{{{here}}})") is None and time.monotonic() < deadline:
        time.sleep(0.2)
    url = shlex.quote(str(job.endpoints["production"]))
    line = f"python -m {USE_CASE.package}.traffic --url {url} {TRAFFIC}"
    return _shell(job, job.clone / "model", line).splitlines()[0]


def _approve_for(job: Job, seen: Progress) -> None:
    """Answer the approval that the run waits for: who starts the main job has approved it."""
    for task in seen.tasks:
        if task.custom == "ApprovalTask" and task.state == "running":
            waiting = job.client.find("ApprovalTask", seen.namespace, task.task_run)
            if waiting and status_of(waiting).get("state") == "pending":
                answer(
                    job.client,
                    waiting,
                    *identities(job.client),
                    wish="approve",
                    message="make lab",
                )
                if not job.quiet:
                    output.note(f"     $ workshop approve {task.task_run}")


def _production_is_current(job: Job) -> bool:
    """Whether production serves the result of main's newest commit: the last successful run built that commit."""
    runs = [
        r
        for r in job.client.list("PipelineRun", job.target.namespace("dev"))
        if r["metadata"]["name"].startswith("train-and-stage") and succeeded(r)
    ]
    if not runs:
        return False
    newest = max(runs, key=lambda r: str(r["metadata"]["creationTimestamp"]))
    results = results_of(newest)
    head = _shell(job, job.clone, "git rev-parse origin/main").strip()
    try:
        serving = job.client.get("SeldonDeployment", job.target.namespace("production"), DEPLOYMENT)
    except ApiFailure:
        return False
    return (
        results.get("commit") == head
        and str(results.get("image-digest", "?")) in json.dumps(serving["spec"])
        and status_of(serving).get("state") == "Available"
    )


def _summary(job: Job, seconds: float) -> dict[str, Any]:
    """The summary at the end: URLs, a live prediction with its request, the model, the digest, the times."""
    request = job.clone / "seldon" / "requests" / "flight.json"
    url = str(job.endpoints["production"])
    serving = job.client.get("SeldonDeployment", job.target.namespace("production"), DEPLOYMENT)
    image = serving["spec"]["predictors"][0]["componentSpecs"][0]["spec"]["containers"][0]["image"]
    answer = _predict(job, url, request)
    # A terminal without curl has it in the lab's shell.
    shell = [] if shutil.which("curl") else [str(KIT / ".venv" / "bin" / "workshop"), "shell", "--"]
    curl = shlex.join([*shell, "curl", "-s", "-H", "Content-Type: application/json", "-d", f"@{request}", url])
    return {
        "seconds": round(seconds, 1),
        "steps": {name: round(took, 1) for name, took in job.took.items()},
        "endpoints": job.endpoints,
        "image_digest": image.split("@")[-1],
        "model_version": annotations_of(serving).get("mlops-workshop/model-version"),
        "metrics": _metrics(job),
        "request": curl,
        "prediction": answer,
    }


def _metrics(job: Job) -> dict[str, Any]:
    """The champion's metrics on the test month, from MLflow's REST API."""
    token = job.where.token.read_text().strip()
    return Mlflow(str(job.endpoints["mlflow"]), token).run_of_alias(DEPLOYMENT, "champion").metrics


def _predict(job: Job, url: str, request: Path) -> dict[str, Any]:
    describe = f"oc describe sdep {DEPLOYMENT} -n {job.target.namespace('production')}"
    try:
        answer = ask(url, request.read_bytes())
    except OSError as e:
        raise NoAnswer(f"production at {url} does not answer: {e}", hint=describe) from e
    if answer.status != 200 or not isinstance(answer.json, dict):
        raise NoAnswer(f"production answers {answer.status}: {answer.text}", hint=describe)
    return answer.json


def _shell(job: Job, folder: Path, line: str) -> str:
    """Run a command as the participant. Raises RunFailed with its output."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line],
        cwd=folder,
        env=job.target.env(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        printed = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise RunFailed(
            f"`{line}` failed in {folder}\n" + "\n".join(f"  | {text}" for text in printed[-15:]),
            hint="workshop shell opens a terminal there",
        )
    return done.stdout


def _show(job: Job, summary: dict[str, Any]) -> None:
    metrics = summary["metrics"]
    names, values_ = (summary["prediction"]["data"][key] for key in ("names", "ndarray"))
    output.say()
    output.rich("[bold green]production answers[/]")
    output.say(f"  $ {summary['request']}")
    output.say("  " + ", ".join(f"{name} {value:.3f}" for name, value in zip(names, values_[0], strict=True)))
    output.say()
    shown = ", ".join(
        f"{key} {metrics[key]:.3f}" for key in ("auc", "accuracy", "precision", "recall", "f1") if key in metrics
    )
    output.say(f"  model    {DEPLOYMENT} version {summary['model_version']}: {shown}")
    output.say(f"  image    {summary['image_digest']}")
    output.say(f"  time     {summary['seconds']:.0f} s")
    output.say()
    for name in (*SHOWN, *COMPONENTS):
        if summary["endpoints"].get(name):
            output.say(f"  {name:<11} {summary['endpoints'][name]}")
    token = job.where.token.read_text().strip()
    output.say()
    output.say(f"  open in a browser: {summary['endpoints']['console']}/#token={token}")
    output.say("  next: workshop shell, then the first module of the guide")
