"""`workshop run FILE...`: submit manifests, follow the runs that they create, exit by their result."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from workshop import output
from workshop.cluster.client import Client
from workshop.cluster.runs import Progress, Reader
from workshop.errors import RunFailed, UsageError, WorkshopError
from workshop.manifests.load import Manifest, files, load
from workshop.operations.junit import write_report
from workshop.operations.runs import RUN_KINDS, failure_text, logs_command, submit
from workshop.operations.watching import Watched
from workshop.participants.target import CommandTarget

WAITING = "waiting for a change of the files; Ctrl-C ends"


def run(words: argparse.Namespace, target: CommandTarget) -> int:
    """Submit and follow; the exit code is 0 if every run succeeded."""
    client, namespace = target.client(), words.namespace or target.namespace()
    while words.watch:
        files = watched(words.files)
        try:
            _once(words, client, namespace, files.changed)
        except WorkshopError as e:
            output.fail(str(e))
        if not files.changed():
            output.note(WAITING)
            asyncio.run(files.until_changed())
    return _once(words, client, namespace)


def watched(names: Iterable[str]) -> Watched:
    """The files that `--watch` looks at, also one that an editor is replacing. Raises UsageError."""
    if "-" in names:
        raise UsageError("--watch needs files, and - is standard input", hint="workshop run --watch FILE")
    paths = map(Path, names)
    return Watched(file for path in paths for file in (files(path) if path.is_dir() else [path]))


def _once(
    words: argparse.Namespace, client: Client, namespace: str, is_stale: Callable[[], bool] = lambda: False
) -> int:
    """Submit and follow until the runs are done, or stale: then they are cancelled."""
    quiet = words.output == output.JSON
    finished = submit(client, load_all(words), namespace, timeout=words.timeout, quiet=quiet, is_stale=is_stale)
    if words.report:
        write_report(Path(words.report), finished, client)
    if words.output == output.JSON:
        for found in finished:
            output.emit(found.object)
    report_failures(client, finished, logs_command)
    return 0


def load_all(words: argparse.Namespace) -> list[Manifest]:
    """The objects of the files, with the params of the command line. Raises ManifestError, UsageError."""
    documents = [d for name in words.files for d in load(name)]
    set_params(documents, words.param)
    if not documents:
        raise UsageError("the files have no manifest", hint="workshop run tekton/runs/train-and-stage.yaml")
    return documents


def report_failures(reader: Reader, finished: Iterable[Progress], hint: Callable[[Progress], str]) -> None:
    """Raise RunFailed for the first run that failed, with the end of its log."""
    for found in finished:
        if not found.succeeded:
            raise RunFailed(failure_text(reader, found), hint=hint(found))


def set_params(documents: Sequence[Manifest], params: Sequence[str]) -> None:
    """Set params of the runs, as `tkn pipeline start -p` does. Raises UsageError."""
    for word in params:
        name, found, value = word.partition("=")
        if not found:
            raise UsageError(f"-p {word}: a param is NAME=VALUE", hint="workshop run FILE -p revision=mine")
        for document in documents:
            spec = document.object.get("spec")
            if document.object.get("kind") in RUN_KINDS and isinstance(spec, dict):
                given = spec.get("params")
                kept = [p for p in given if p.get("name") != name] if isinstance(given, list) else []
                spec["params"] = [*kept, {"name": name, "value": value}]
