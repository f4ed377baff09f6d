"""`workshop run` in this process, without a lab and without a cluster: `--standalone` and the options for debugging."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from workshop import output
from workshop.cluster.runs import Progress
from workshop.commands.run import WAITING, load_all, report_failures, watched
from workshop.errors import INTERRUPTED, OK, ManifestError, UsageError, WorkshopError
from workshop.lab.controllers.tekton.errors import RunError
from workshop.manifests.objects import Object
from workshop.operations.junit import write_report
from workshop.standalone.builder import make_builder
from workshop.standalone.debugging import Breakpoint
from workshop.standalone.engine import Engine, engine
from workshop.standalone.following import Follower
from workshop.standalone.objects import admit_all, bind_folders, start, unknown_accounts
from workshop.standalone.planning import missing_images, plan, with_images
from workshop.standalone.reader import StoreReader
from workshop.standalone.rewinding import rewind
from workshop.standalone.showing import as_json, show

NAMESPACE = "default"


def standalone(words: argparse.Namespace) -> int:
    """Run and follow; the exit code is 0 if every run succeeded, 130 after Ctrl-C."""
    if words.from_task and not words.keep:
        hint = "workshop run FILE --keep FOLDER --from TASK"
        raise UsageError("--from needs the folder of the earlier run", hint=hint)
    return asyncio.run(_watched(words) if words.watch else _run(words))


async def _run(words: argparse.Namespace) -> int:
    return await _once(words, _stopping())


async def _watched(words: argparse.Namespace) -> int:
    """Run again after each change of a file; a change also cancels a run that has not ended."""
    stop = _stopping()
    while not stop.is_set():
        changed = asyncio.create_task(watched(words.files).until_changed())
        again = asyncio.Event()
        changed.add_done_callback(partial(_set, again))
        try:
            await _once(words, stop, again)
        except WorkshopError as e:
            output.fail(str(e))
        if not stop.is_set():
            output.note(WAITING)
            await asyncio.wait([changed, asyncio.ensure_future(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
        changed.cancel()
    return INTERRUPTED


async def _once(words: argparse.Namespace, stop: asyncio.Event, again: asyncio.Event | None = None) -> int:
    documents = load_all(words)
    with _folder(words.keep) as folder, _closing(engine(folder, words.runtime)) as here:
        admitted = admit_all(here, documents, words.namespace or NAMESPACE)
        if admitted.left_out:
            output.note(f"left out, because they have no effect on a run here: {', '.join(admitted.left_out)}")
        if accounts := unknown_accounts(here, admitted.runs):
            output.note(f"not checked, because no file has them: the ServiceAccounts {', '.join(accounts)}")
        bind_folders(here, admitted.runs, words.workspace)
        await here.runtime.open()
        if words.dry_run:
            return await _plan(words, here, admitted.runs)
        await asyncio.to_thread(make_builder, here)
        quiet = words.output == output.JSON
        for text in await missing_images(here, admitted.runs):
            output.note(text)
        runs = [await _begin(words, here, run) for run in admitted.runs]
        follower = Follower(here, [one for one in (stop, again) if one], quiet=quiet)
        async with here.running(Breakpoint(here) if words.break_on else None):
            finished, problem = await follower.follow(runs, timeout=words.timeout)
        _report(words, here, finished)
        if stop.is_set():
            output.note("interrupted: the runs were cancelled, and nothing is left running")
            return INTERRUPTED
        if problem:
            raise problem
        hint = "--keep FOLDER keeps logs and volumes; --break-on failure opens a shell"
        hint = f"whole logs: {here.paths.root / 'pods'}" if words.keep else hint
        report_failures(StoreReader(here), finished, lambda _: hint)
        return OK


async def _begin(words: argparse.Namespace, here: Engine, run: Object) -> Object:
    if not words.from_task:
        return start(here, run)
    found, kept = await here.when_resolved(partial(rewind, here, run, words.from_task))
    output.note(f"{found['metadata']['name']} starts again at {words.from_task}; kept: {', '.join(kept) or 'nothing'}")
    return found


async def _plan(words: argparse.Namespace, here: Engine, runs: Sequence[Object]) -> int:
    for run in runs:
        made = start(here, run)
        try:
            tasks = await with_images(here, await here.when_resolved(partial(plan, here, made)))
        except RunError as e:
            raise ManifestError(f"{made['metadata']['name']} would not start: {e.reason}: {e.message}") from e
        if words.output == output.JSON:
            output.emit(as_json(made, tasks))
        else:
            show(made, tasks)
    return OK


def _report(words: argparse.Namespace, here: Engine, finished: Sequence[Progress]) -> None:
    """Write the JUnit report and print the objects, if they are asked for."""
    if words.report:
        write_report(Path(words.report), finished, StoreReader(here))
    if words.output == output.JSON:
        for found in finished:
            output.emit(found.object)


@contextmanager
def running_here(kept: str) -> Iterator[tuple[Engine, asyncio.Event, StoreReader]]:
    """An engine in the folder `kept` or in a temporary one, an event that Ctrl-C sets, and a reader of the objects."""
    with _folder(kept) as folder, _closing(engine(folder)) as here:
        yield here, _stopping(), StoreReader(here)


def _stopping() -> asyncio.Event:
    """An event that Ctrl-C and SIGTERM set."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _set(event: asyncio.Event, _: object) -> None:
    event.set()


@contextmanager
def _closing(here: Engine) -> Iterator[Engine]:
    try:
        yield here
    finally:
        here.store.close()


@contextmanager
def _folder(kept: str) -> Iterator[Path]:
    """The folder of `--keep`, or a temporary one that is removed at the end."""
    if kept:
        yield Path(kept)
        return
    folder = Path(tempfile.mkdtemp(prefix="workshop-run-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
