"""Submits manifests and follows the runs that they create."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from rich.live import Live
from rich.table import Table

from workshop import output
from workshop.cluster.client import ApiFailure, Client
from workshop.cluster.runs import Progress, Reader, first_failure, progress
from workshop.errors import ManifestError, TimedOut
from workshop.manifests.load import Manifest
from workshop.manifests.objects import is_done

POLL_SECONDS = 0.2
RUN_KINDS = ("PipelineRun", "TaskRun")
_CANCELLED = {"PipelineRun": "Cancelled", "TaskRun": "TaskRunCancelled"}
_MARKS = {
    "succeeded": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "running": "[cyan]●[/]",
    "skipped": "[dim]-[/]",
    "ignored": "[yellow]![/]",
    "waiting": "[dim]·[/]",
}


def submit(
    client: Client,
    documents: Sequence[Manifest],
    namespace: str,
    *,
    timeout: float,
    quiet: bool,
    look: Callable[[Progress], None] = lambda _: None,
    is_stale: Callable[[], bool] = lambda: False,
) -> list[Progress]:
    """Submit every document and follow the runs; `look` sees every state on the way.

    When `is_stale` returns true, the runs that go on are cancelled. Raises ManifestError, TimedOut.
    """
    started: list[tuple[str, str, str]] = []
    for document in documents:
        obj = document.object
        meta = obj.get("metadata") or {}
        if not meta.get("name") and not meta.get("generateName"):
            raise ManifestError(
                f"{document.where}: metadata has no name",
                hint="give it metadata.name, or metadata.generateName for a new name each time",
            )
        is_run = obj.get("kind") in RUN_KINDS
        if is_run:
            meta.setdefault("namespace", namespace)
        try:
            if is_run or not meta.get("name"):
                made = client.create(obj, namespace)
                meta = made["metadata"]
                if is_run:
                    started.append((made["kind"], meta["namespace"], meta["name"]))
                where = meta.get("namespace")
                _log(quiet, f"{made['kind'].lower()} {meta['name']} created{f' in {where}' if where else ''}")
            else:
                made = client.apply(obj, namespace)
                _log(quiet, f"{made['kind'].lower()} {made['metadata']['name']} applied")
        except ApiFailure as e:
            raise ManifestError(
                f"{document.where}: {e.message}",
                hint=f"oc explain {obj.get('kind', 'KIND')} says what "
                "is allowed; mend the file and run the command again",
            ) from e
    deadline = time.monotonic() + timeout
    cancelled = False

    def look_on(found: Progress) -> None:
        nonlocal cancelled
        look(found)
        if not cancelled and is_stale():
            cancelled = True
            for kind, where, name in started:
                _cancel(client, kind, where, name)

    return [follow(client, *which, deadline=deadline, quiet=quiet, look=look_on) for which in started]


def _cancel(client: Client, kind: str, namespace: str, name: str) -> None:
    """Cancel a run that has not ended."""
    run = client.get(kind, namespace, name)
    if not is_done(run) and not run["spec"].get("status"):
        client.patch(kind, namespace, name, {"spec": {"status": _CANCELLED[kind]}})


def follow(
    client: Client,
    kind: str,
    namespace: str,
    name: str,
    *,
    deadline: float,
    quiet: bool,
    look: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Show a run until it is done. Raises TimedOut."""
    live = Live(console=output.err, refresh_per_second=8) if output.interactive() and not quiet else None
    shown: dict[str, str] = {}
    if live:
        live.start()
    try:
        while True:
            found = progress(client, kind, namespace, name)
            look(found)
            if live:
                live.update(_table(found))
            elif not quiet:
                for line in changes(found, shown):
                    output.note(line)
            if found.done:
                return found
            if time.monotonic() > deadline:
                raise TimedOut(
                    f"{name} is still running", hint=f"it continues: oc get {kind.lower()} {name} -n {namespace}"
                )
            time.sleep(POLL_SECONDS)
    finally:
        if live:
            live.stop()


def changes(found: Progress, shown: dict[str, str]) -> Iterator[str]:
    """A line for each task whose state is new; `shown` has the states that were shown, and gets the new ones."""
    for task in found.tasks:
        key = task.task_run or task.name
        if task.state not in ("waiting", shown.get(key)):
            took = f" in {task.seconds:.0f} s" if task.state in ("succeeded", "failed") else ""
            why = f": {task.reason}" if task.state == "skipped" else ""
            if task.custom == "ApprovalTask" and task.state == "running":
                why = ", waits for people: workshop approve"
            shown[key] = task.state
            yield f"  {task.name}: {task.state}{took}{why}"


def _table(found: Progress) -> Table:
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


def failure_text(client: Reader, found: Progress) -> str:
    """Why a run failed, with the last lines of the failing step."""
    failure = first_failure(client, found)
    lines = [f"{found.name} failed: {found.message}"]
    if failure:
        lines.append(f"  {failure.task_run}: {failure.reason}")
        lines += [f"  | {line}" for line in failure.log]
    return "\n".join(lines)


def logs_command(found: Progress) -> str:
    """The command that prints all logs of a run."""
    label = "tekton.dev/taskRun" if found.kind == "TaskRun" else "tekton.dev/pipelineRun"
    return f"whole logs: oc logs -n {found.namespace} -l {label}={found.name} --all-containers"


def _log(quiet: bool, text: str) -> None:
    if not quiet:
        output.note(text)
