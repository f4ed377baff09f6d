"""`workshop cohort provision|status|helped|export|teardown`: the participants of a room on a cluster."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import msgspec

from workshop import output
from workshop.cluster.bulk import BulkClient
from workshop.cluster.client import Client
from workshop.cohort import gitops, repositories, sheet
from workshop.cohort import names as cohort_names
from workshop.cohort.gitserver import GitServer, git_server
from workshop.cohort.objects import CohortObjects
from workshop.cohort.provision import Provisioned, provision
from workshop.cohort.status import Row, rows, shared_parts
from workshop.cohort.survey import Namespace, namespaces
from workshop.cohort.teardown import Leftover, Proof, prove, remove
from workshop.commands.confirming import confirmed
from workshop.commands.on_cluster import run_on_cluster
from workshop.errors import SetupError, UsageError, WorkshopError
from workshop.guide.module import load_all, questions_of
from workshop.manifests.apiresource import ApiResource
from workshop.operations.firstmodels import first_models
from workshop.operations.participation import MODULES
from workshop.participants.names import Participant
from workshop.participants.progress import helped, remember
from workshop.participants.standing import Score, contest, open_most, scores
from workshop.usecase import KIT

REPORT_SECONDS = 1.0
"""The shortest time between two lines of progress."""
SCORES_SHOWN = 5
"""Participants with the most right answers to questions of the modules."""
OPEN_SHOWN = 3
"""The tasks that most participants have not done."""


def cohort(words: argparse.Namespace) -> int:
    """Run the action."""

    async def act(client: BulkClient) -> int:
        known = await asyncio.to_thread(lambda: Client(client.config).resources)
        return await _ACTIONS[words.action](_Room(words, client, known))

    return run_on_cluster(words, act)


class _Room:
    """The cluster and the cohort of one command."""

    def __init__(self, words: argparse.Namespace, client: BulkClient, known: Sequence[ApiResource]) -> None:
        self.words = words
        self.client = client
        self.known = known
        self.name: str = words.cohort
        self.as_json = words.output == output.JSON
        self._said = 0.0
        self._done = self._written = self._total = 0

    def objects(self) -> CohortObjects:
        """What the cohort's participants get. Raises SetupError."""
        return CohortObjects.load(KIT, self.name, self.known, getattr(self.words, "domain", None) or "")

    def git(self) -> AbstractAsyncContextManager[GitServer | None]:
        """The room's Git server; None on a cluster without one of the kit's. Entering it raises SetupError."""
        return git_server(self.client, self.known, self.words.git_server)

    def report(self, event: str, fields: dict[str, Any]) -> None:
        """Show progress: each event as JSON, or a line a second."""
        if self.as_json:
            output.emit({"event": event, **fields})
            return
        if event == "surveyed":
            self._total = fields["participants"]
            output.note(f"{fields['current']} of {fields['objects']} objects are as they should be")
        elif event == "waiting":
            output.note(f"waiting until {fields['namespaces']} namespaces are deleted")
        elif event == "participant":
            self._done += 1
            self._written += fields["written"]
            if self._written and (self._done == self._total or time.monotonic() - self._said > REPORT_SECONDS):
                self._said = time.monotonic()
                output.note(f"{self._done} of {self._total} participants, {self._written} objects written")
        elif event == "first-model":
            output.note(f"{fields['name']}: {fields['state']}")
        elif event == "repository" and fields["written"]:
            output.note(f"{fields['name']}: account and repository on the Git server")


async def _provision(room: _Room) -> int:
    words, objects = room.words, room.objects()
    there = await namespaces(room.client, objects.namespace, room.name)
    wanted = _names(words, there)
    began = time.monotonic()
    async with room.git() as git:
        if git is not None:
            await repositories.refuse_foreign(git, room.name, wanted)
        done = await provision(room.client, objects, wanted, room.report, force=words.force, seconds=words.timeout)
        changes = 0
        if git is not None:
            changes = await repositories.provision(git, KIT, room.name, wanted, done.secrets, room.report)
        pruned = await _prune(room, objects, done, git)
    if git is None:
        output.note("left out, because the cluster has not the kit's Git server: accounts, repositories, webhooks")
    for brought_by, kinds in objects.left_out.items():
        output.note(f"left out, because the cluster has not {brought_by}: {', '.join(kinds)}")
    pages = await sheet.addresses(room.client, room.known)
    own = await sheet.own_addresses(room.client, room.known, room.name)
    folder = Path(words.sheet or f"handout-{room.name}")
    paths = sheet.write(folder, room.name, sheet.cards(wanted, pages, own, done.secrets))
    result = {
        "participants": done.participants,
        "written": done.written,
        "unchanged": done.unchanged,
        "extra": [] if pruned else done.extra,
        "pruned": done.extra if pruned else [],
        "left_out": objects.left_out,
        "git": None if git is None else changes,
        "sheet": [str(path) for path in paths],
        "seconds": round(time.monotonic() - began, 1),
    }
    _provisioned(room, done, result)
    if words.first_model:
        client = Client(room.client.config)
        await first_models(client, KIT, wanted, room.report, at_once=words.at_once)
        if not room.as_json:
            output.say(f"{len(wanted)} participants have a first model in production")
    return 0


def _provisioned(room: _Room, done: Provisioned, result: dict[str, Any]) -> None:
    """Print what was done."""
    if room.as_json:
        output.emit({"event": "provisioned", **result})
        return
    output.say(
        f"{done.participants} participants: {done.written} objects written, {done.unchanged} were as they should be; "
        f"{result['seconds']} s"
    )
    output.say(f"hand-out sheet with passwords: {', '.join(result['sheet'])}")
    if result["extra"]:
        output.say(f"not asked for and still there: {', '.join(result['extra'])}")
        output.say("  the same command with --prune removes them with all that is in their namespaces")


def _names(words: argparse.Namespace, there: dict[str, Namespace]) -> list[str]:
    """The participants of the command line; without one, those who are there. Raises UsageError."""
    if words.users is not None:
        return cohort_names.numbered(words.users, words.prefix)
    if words.from_file:
        return cohort_names.from_file(Path(words.from_file))
    found = sorted({one.participant for one in there.values()}, key=cohort_names.in_order)
    if not found:
        raise UsageError(
            f"the cohort {words.cohort} has no participants yet", hint="workshop cohort provision --users 30 makes them"
        )
    return found


async def _prune(room: _Room, objects: CohortObjects, done: Provisioned, git: GitServer | None) -> bool:
    """Remove the participants that were not asked for, if the command says so. Raises like `remove`."""
    if not done.extra or not room.words.prune:
        return False
    there = await namespaces(room.client, objects.namespace, room.name)
    gone = [one for one in there.values() if one.participant in done.extra]
    what = f"this deletes {len(gone)} namespaces of {', '.join(done.extra)} with everything in them"
    if not room.words.yes and not confirmed(what, "--prune --yes"):
        return False
    if git is not None:
        there_too = await repositories.accounts(git, room.name)
        await repositories.remove(git, [name for name in done.extra if name in there_too])
    await remove(room.client, objects.namespace, gone, room.report, seconds=room.words.timeout)
    return True


async def _export(room: _Room) -> int:
    words, objects = room.words, room.objects()
    wanted = _names(words, await namespaces(room.client, objects.namespace, room.name))
    folder = Path(words.to)
    repository = gitops.Repository(words.repository, words.revision, words.path)
    left_out = gitops.export(folder, objects, wanted, repository)
    if room.as_json:
        result = {"participants": len(wanted), "folder": str(folder), "secrets": left_out}
        output.emit({"event": "exported", **result})
        return 0
    output.say(f"{len(wanted)} participants: {folder / gitops.PARTICIPANTS}, {folder / gitops.APPLICATION_SET}")
    output.say(f"left out, because their values are random: the Secrets {', '.join(left_out)}")
    output.say("  commit the files, then apply the ApplicationSet in the namespace of Argo CD")
    output.say("  when Argo CD has synced them: workshop cohort provision makes the Secrets and the hand-out sheet")
    return 0


async def _status(room: _Room) -> int:
    modules = load_all(MODULES)
    numbers = [module.number for module in modules]
    found = await rows(room.client, room.known, room.objects(), room.name, numbers)
    predicted = scores(found, questions_of(modules))
    parts = await shared_parts(room.client, room.known)
    if room.as_json:
        for row in found:
            output.emit(_as_json(row) | _predicted(row, predicted))
        for part in parts:
            output.emit(asdict(part))
        return 0
    if not found:
        output.say(f"the cohort {room.name} has no participants\n  workshop cohort provision --users 30 makes them")
        return 0
    columns = ["NAME", "MODULE", "FOR", "DONE", "OBJECTS", "PODS", "QUOTA", "LAST RUN", "STATE"]
    output.table(columns, [_cells(row) for row in found])
    for line in _lines(found):
        output.say(line)
    if predicted:
        best = (f"{one.name} {one.right} of {one.given}" for one in predicted[:SCORES_SHOWN])
        output.say(f"predicted right: {', '.join(best)}")
    if entries := contest(found):
        past = (f"{one.name} {len(one.past)} ({', '.join(one.past)})" for one in entries[:SCORES_SHOWN])
        output.say(f"got a bad model past the gate: {', '.join(past)}")
    waiting = [f"{part.part} {part.ready}/{part.wanted}" for part in parts if part.ready < part.wanted]
    if parts:
        output.say(f"shared parts: {len(parts) - len(waiting)} ready" + "".join(f", {part}" for part in waiting))
    return 0


def _cells(row: Row) -> list[str]:
    failed = f", {row.pods_failed} failed" if row.pods_failed else ""
    return [
        row.name,
        row.module or "all done",
        _for(row.since),
        f"{row.done}/{row.modules}",
        f"{row.objects - len(row.missing)}/{row.objects}" if row.objects else "",
        f"{row.pods}{failed}",
        f"{row.quota} %" if row.quota_of else "",
        row.run,
        row.run_state if row.run_state != "failed" else f"failed: {row.run_reason}",
    ]


def _lines(found: Sequence[Row]) -> Iterator[str]:
    """What the table does not show: who waits for help, what is red and why, what is missing."""
    for row in sorted(found, key=lambda row: row.help.asked if row.help else 0):
        if row.help and row.waits:
            about = f" with module {row.help.module}" if row.help.module else ""
            text = f": {row.help.text}" if row.help.text else ""
            yield f"  {row.name} asks for help{about}, for {_for(row.help.asked)}{text}"
    for task in open_most(found)[:OPEN_SHOWN]:
        names = ", ".join(task.participants)
        yield f"  module {task.module}, {task.task}: not done by {len(task.participants)}, {names}"
    for row in found:
        for red in row.red:
            where = f" in {red.task}" if red.task else ""
            yield f"  {red.namespace}/{red.name} failed{where}: {red.why}"
        if row.missing:
            more = f" and {len(row.missing) - 3} more" if len(row.missing) > 3 else ""
            yield f"  {row.name} lacks {', '.join(row.missing[:3])}{more}: workshop cohort provision repairs it"


def _for(since: float | None) -> str:
    """The time since then in minutes; empty for an unknown time."""
    return "" if since is None else f"{max(0, int(time.time() - since)) // 60} min"


def _as_json(row: Row) -> dict[str, Any]:
    """A row without the whole progress."""
    shown = {field.name: getattr(row, field.name) for field in fields(row) if field.name != "progress"}
    found: dict[str, Any] = msgspec.to_builtins(shown)
    return found


def _predicted(row: Row, predicted: Sequence[Score]) -> dict[str, int]:
    """How many questions of the modules they have answered, and how many first answers are right."""
    found = next((one for one in predicted if one.name == row.name), Score(row.name, 0, 0))
    return {"predicted": found.given, "predicted_right": found.right}


async def _helped(room: _Room) -> int:
    participant = Participant(room.words.name)
    client, namespace = Client(room.client.config), participant.namespace("dev")
    before = await asyncio.to_thread(remember, client, namespace, helped)
    if before.help is None or not before.help.waits:
        raise UsageError(f"{participant.name} does not wait for help", hint="workshop cohort status shows who does")
    if room.as_json:
        output.emit({"name": participant.name, "helped": True})
    else:
        output.say(f"{participant.name}: marked as helped")
    return 0


async def _teardown(room: _Room) -> int:
    namespace = room.objects().namespace
    there = await namespaces(room.client, namespace, room.name)
    people = {one.participant for one in there.values()}
    async with room.git() as git:
        accounts = [] if git is None else await repositories.accounts(git, room.name)
        if there or accounts:
            what = (
                f"this deletes the cohort {room.name}: {len(people)} participants, {len(there)} namespaces with "
                f"everything in them, {len(accounts)} accounts of the Git server with their repositories"
            )
            if not room.words.yes and not confirmed(what, "workshop cohort teardown --yes"):
                return UsageError.exit_code
        if git is not None:
            await repositories.remove(git, accounts)
            left = await repositories.accounts(git, room.name)
    if there:
        await remove(room.client, namespace, list(there.values()), room.report, seconds=room.words.timeout)
    proof = await prove(room.client, room.known, room.name, there)
    if git is not None:
        proof.left.extend(Leftover("account of the Git server", "", name) for name in left)
    return _proven(room, len(people), len(there), proof)


def _proven(room: _Room, people: int, count: int, proof: Proof) -> int:
    """Print what was removed and what is left; exit 1 if anything is, 3 if a part of the cluster was not searched."""
    if room.as_json:
        left = [asdict(one) for one in proof.left]
        output.emit(
            {"event": "removed", "participants": people, "namespaces": count, "left": left, "unseen": proof.unseen}
        )
    else:
        output.say(f"removed {people} participants with {count} namespaces")
        for one in proof.left:
            where = f" in {one.namespace}" if one.namespace else ""
            output.say(f"  left: {one.kind} {one.name}{where}" + (f" ({one.why})" if one.why else ""))
        for text in proof.unseen:
            output.say(f"  could not be searched: {text}")
        if proof.unseen:
            output.say("there may be objects of these kinds: the same command as cluster-admin searches again")
        elif not proof.left:
            output.say("nothing of the cohort is left")
    return WorkshopError.exit_code if proof.left else SetupError.exit_code if proof.unseen else 0


_ACTIONS: dict[str, Callable[[_Room], Awaitable[int]]] = {
    "export": _export,
    "provision": _provision,
    "helped": _helped,
    "status": _status,
    "teardown": _teardown,
}
