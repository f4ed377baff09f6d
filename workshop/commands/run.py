"""`workshop run FILE...`: submit manifests, follow the runs that they create, exit by their result."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from workshop import output
from workshop.errors import RunFailed, UsageError
from workshop.manifests.load import Manifest, load
from workshop.operations.runs import RUN_KINDS, failure_text, logs_command, submit
from workshop.participants.target import CommandTarget


def run(words: argparse.Namespace, target: CommandTarget) -> int:
    """Submit and follow; the exit code is 0 if every run succeeded."""
    if words.engine == "container":
        raise UsageError("the container engine is not there yet", hint="leave --engine out: steps run as processes")
    client, namespace = target.client(), words.namespace or target.namespace()
    documents = [d for name in words.files for d in load(name)]
    set_params(documents, words.param)
    if not documents:
        raise UsageError("the files hold no manifest", hint="workshop run tekton/runs/train-and-stage.yaml")
    finished = submit(
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
            raise RunFailed(failure_text(client, found), hint=logs_command(found))
    return 0


def set_params(documents: Sequence[Manifest], params: Sequence[str]) -> None:
    """Set params of the runs, as `tkn pipeline start -p` does. Raises UsageError."""
    for word in params:
        name, found, value = word.partition("=")
        if not found:
            raise UsageError(f"-p {word}: a param is NAME=VALUE", hint="workshop run FILE -p revision=mine")
        for document in documents:
            if document.object.get("kind") in RUN_KINDS:
                given = document.object["spec"].setdefault("params", [])
                given[:] = [p for p in given if p.get("name") != name] + [{"name": name, "value": value}]
