"""`workshop run FILE...`: submit manifests, follow the runs they create, exit by their result."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

from rich.live import Live
from rich.table import Table

from workshop import output
from workshop.cluster.client import ApiFailure, Client
from workshop.cluster.runs import Progress, first_failure, progress
from workshop.commands.place import api
from workshop.errors import ManifestError, RunFailed, TimedOut, UsageError
from workshop.lab.paths import lab_paths
from workshop.manifests.load import Manifest, load

POLL_SECONDS = 0.2
RUN_KINDS = ("PipelineRun", "TaskRun")
_MARKS = {
    "succeeded": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "running": "[cyan]●[/]",
    "skipped": "[dim]-[/]",
    "ignored": "[yellow]![/]",
    "waiting": "[dim]·[/]",
}


def run(words: argparse.Namespace) -> int:
    """Submit and follow; the exit code is 0 when every run succeeded."""
    if words.engine == "container":
        raise UsageError("the container engine is not there yet", hint="leave --engine out: steps run as processes")
    client, namespace = api(lab_paths(), words.namespace)
    documents = [d for name in words.files for d in load(name)]
    _give(documents, words.param)
    if not documents:
        raise UsageError("the files hold no manifest", hint="workshop run tekton/runs/train-and-stage.yaml")
    finished = _run(
        client,
        documents,
        namespace,
        timeout=words.timeout,
        quiet=words.output == output.JSON,
    )
    if words.output == output.JSON:
        for found in finished:
            output.emit(found.object)
    for found in finished:
        if not found.succeeded:
            raise RunFailed(_why(client, found), hint=_next(found))
    return 0


def _give(documents: Sequence[Manifest], params: Sequence[str]) -> None:
    """Set params of the runs, as `tkn pipeline start -p` does. Raises UsageError."""
    for word in params:
        name, found, value = word.partition("=")
        if not found:
            raise UsageError(f"-p {word}: a param is NAME=VALUE", hint="workshop run FILE -p revision=mine")
        for document in documents:
            if document.object.get("kind") in RUN_KINDS:
                given = document.object["spec"].setdefault("params", [])
                given[:] = [p for p in given if p.get("name") != name] + [{"name": name, "value": value}]


def _run(
    client: Client,
    documents: Sequence[Manifest],
    namespace: str,
    *,
    timeout: float,
    quiet: bool,
    look: Callable[[Progress], None] = lambda _: None,
) -> list[Progress]:
    """Submit every document and follow the runs; `look` sees every state on the way. Raises ManifestError, TimedOut."""
    started: list[tuple[str, str, str]] = []
    for document in documents:
        obj = document.object
        if obj.get("kind") in RUN_KINDS:
            obj.setdefault("metadata", {}).setdefault("namespace", namespace)
        try:
            if obj.get("kind") in RUN_KINDS:
                made = client.create(obj, namespace)
                meta = made["metadata"]
                started.append((made["kind"], meta["namespace"], meta["name"]))
                _said(quiet, f"{made['kind'].lower()} {meta['name']} created in {meta['namespace']}")
            else:
                made = client.apply(obj, namespace)
                _said(quiet, f"{made['kind'].lower()} {made['metadata']['name']} applied")
        except ApiFailure as e:
            raise ManifestError(
                f"{document.where}: {e.message}",
                hint=f"oc explain {obj.get('kind', 'KIND')} says what "
                "is allowed; mend the file and run the command again",
            ) from e
    deadline = time.monotonic() + timeout
    return [_follow(client, *which, deadline=deadline, quiet=quiet, look=look) for which in started]


def _follow(
    client: Client,
    kind: str,
    namespace: str,
    name: str,
    *,
    deadline: float,
    quiet: bool,
    look: Callable[[Progress], None],
) -> Progress:
    """Show a run until it is done. Raises TimedOut."""
    live = Live(console=output.err, refresh_per_second=8) if output.interactive() and not quiet else None
    told: dict[str, str] = {}
    if live:
        live.start()
    try:
        while True:
            found = progress(client, kind, namespace, name)
            look(found)
            if live:
                live.update(_picture(found))
            elif not quiet:
                for task in found.tasks:
                    key = task.task_run or task.name
                    if task.state not in ("waiting", told.get(key)):
                        took = f" in {task.seconds:.0f} s" if task.state in ("succeeded", "failed") else ""
                        why = f": {task.reason}" if task.state == "skipped" else ""
                        if task.custom == "ApprovalTask" and task.state == "running":
                            why = ", waits for people: workshop approve"
                        output.note(f"  {task.name}: {task.state}{took}{why}")
                        told[key] = task.state
            if found.done:
                return found
            if time.monotonic() > deadline:
                raise TimedOut(
                    f"{name} is still running", hint=f"it goes on: oc get {kind.lower()} {name} -n {namespace}"
                )
            time.sleep(POLL_SECONDS)
    finally:
        if live:
            live.stop()


def _picture(found: Progress) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(4):
        table.add_column()
    for task in found.tasks:
        took = f"{task.seconds:5.1f} s" if task.seconds or task.state == "succeeded" else ""
        why = task.reason if task.state in ("failed", "skipped") else ""
        if task.custom == "ApprovalTask" and task.state == "running":
            why = "waits for people: workshop approve"
        table.add_row(_MARKS[task.state], task.name, took, why)
    return table


def _why(client: Client, found: Progress) -> str:
    failure = first_failure(client, found)
    lines = [f"{found.name} failed: {found.message}"]
    if failure:
        lines.append(f"  {failure.task_run}: {failure.reason}")
        lines += [f"  | {line}" for line in failure.log]
    return "\n".join(lines)


def _next(found: Progress) -> str:
    return f"whole logs: oc logs -n {found.namespace} -l tekton.dev/pipelineRun={found.name} --all-containers"


def _said(quiet: bool, text: str) -> None:
    if not quiet:
        output.note(text)
