"""`workshop component new|test|docs`: Tasks that stand alone, each in a folder with a README and a test."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from workshop import output
from workshop.commands.run import report_failures
from workshop.commands.standalone import running_here
from workshop.components import component as components
from workshop.components.create import create
from workshop.components.docs import pages
from workshop.errors import INTERRUPTED, OK, ManifestError
from workshop.operations.junit import write_report
from workshop.standalone.components import test_all


def component(words: argparse.Namespace) -> int:
    """Do the action. Raises UsageError, ManifestError, RunFailed."""
    return {"new": _new, "test": _test, "docs": _docs}[words.action](words)


def _new(words: argparse.Namespace) -> int:
    made = create(words.name, Path(words.folder))
    if words.output == output.JSON:
        output.emit({"folder": str(made.folder), "version": made.version})
        return OK
    output.say(f"{made.folder}: a Task, its README and a test")
    output.say("next:")
    for line in (
        f"workshop component test {made.folder}",
        f"edit {made.file} and {made.folder / components.RUN}",
        f"workshop component docs {made.folder}",
    ):
        output.say(f"  {line}")
    return OK


def _docs(words: argparse.Namespace) -> int:
    found = [page for one in components.find(words.folders) for page in pages(one)]
    stale = [page for page in found if page.stale]
    if words.check and stale:
        raise ManifestError(
            "stale: " + ", ".join(str(page.path) for page in stale),
            hint=f"workshop component docs {' '.join(words.folders)}",
        )
    for page in stale:
        page.path.write_text(page.text, encoding="utf-8")
        output.say(f"{page.path}: written")
    return OK


def _test(words: argparse.Namespace) -> int:
    return asyncio.run(_tested(words))


async def _tested(words: argparse.Namespace) -> int:
    found = components.find(words.folders)
    quiet = words.output == output.JSON
    with running_here(words.keep) as (here, stop, reader):
        finished, problem = await test_all(here, found, [stop], timeout=words.timeout, quiet=quiet)
        if words.report:
            write_report(Path(words.report), finished, reader)
        for one in finished:
            if quiet:
                output.emit(one.object)
        if stop.is_set():
            return INTERRUPTED
        if problem:
            raise problem
        if not quiet:
            passed = sum(one.succeeded for one in finished)
            output.say(f"{passed} of {len(finished)} components passed")
        report_failures(
            reader, finished, lambda one: f"workshop component test --keep FOLDER keeps the logs of {one.namespace}"
        )
    return OK
