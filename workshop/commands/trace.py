"""`workshop trace WHAT`: from a prediction to its data, and from data or a commit to what serves it."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import yaml
from delivery import lineage
from delivery.errors import DeliveryError
from delivery.lineage import Known, Trace

from workshop import output
from workshop.checks.lineage import known
from workshop.errors import UsageError
from workshop.operations.choosing import use_case
from workshop.operations.participation import participation
from workshop.participants.target import CommandTarget

LARGEST_ANSWER = 16 * 1024 * 1024


def trace(words: argparse.Namespace, target: CommandTarget) -> int:
    """Print every way that WHAT names. Raises UsageError when nothing is known by that name, SetupError."""
    if bool(words.what) == bool(words.at):
        raise UsageError(
            "name what to trace, or a time with --at", hint="workshop trace --help lists what may be named"
        )
    moment = _moment(words.at) if words.at else None
    about = use_case(target, words.usecase)
    wanted = _wanted(words.what, target.clone() / about.folder) if words.what else None
    facts = known(participation(target).context, about)
    try:
        if moment is not None:
            found = lineage.at(moment, facts)
        else:
            assert wanted is not None
            found = wanted(facts)
    except DeliveryError as e:
        raise UsageError(e.message, hint=e.next) from e
    if words.output == output.JSON:
        output.emit(asdict(found))
        return 0
    for line in lines(found):
        output.say(line)
    return 0


def _moment(text: str) -> datetime:
    """A time; UTC where it names no zone. Raises UsageError."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as e:
        raise UsageError(f"--at: got {text!r}", hint="allowed: a time such as 2026-11-29T14:05Z") from e


def _wanted(text: str, folder: Path) -> Callable[[Known], Trace]:
    """How WHAT is traced: a file by its content, another text as it is. Raises UsageError for any other file.

    A file is also looked for in the folder of the use case.
    """
    if text == "-":
        return _answer(sys.stdin.read(LARGEST_ANSWER))
    path = Path(text)
    for each in (path, folder / path):
        pointer = each if each.suffix == ".dvc" else Path(f"{each}.dvc")
        if _is_file(pointer):
            name = pointer.name.removesuffix(".dvc")
            content = each if each.suffix != ".dvc" and each.is_file() else None
            md5 = _md5(content) if content else _pointed(pointer)
            return lambda facts: lineage.of_file(name, md5, facts)
    if _is_file(path):
        with path.open(encoding="utf-8", errors="replace") as file:
            return _answer(file.read(LARGEST_ANSWER))
    return lambda facts: lineage.traced(text, facts)


def _is_file(path: Path) -> bool:
    """Whether there is such a file; false for a text that is too long for a name."""
    try:
        return path.is_file()
    except OSError:
        return False


def _answer(text: str) -> Callable[[Known], Trace]:
    try:
        named = lineage.of_answer(text)
    except DeliveryError as e:
        raise UsageError(e.message, hint=e.next) from e
    return lambda facts: lineage.traced(named, facts)


def _md5(path: Path) -> str:
    """The name of a content in DVC, which is no matter of security."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _pointed(pointer: Path) -> str:
    """The MD5 in a .dvc file. Raises UsageError."""
    try:
        return str(yaml.safe_load(pointer.read_text(encoding="utf-8"))["outs"][0]["md5"])
    except (OSError, yaml.YAMLError, KeyError, IndexError, TypeError) as e:
        raise UsageError(f"{pointer} is no pointer of DVC: {e}", hint=f"git diff {pointer}") from e


def lines(found: Trace) -> list[str]:
    """The trace as text: a line a fact."""
    text = [f"{found.asked}: {found.what}"]
    for number, way in enumerate(found.ways):
        text += ([""] if number else []) + [f"  {one.name:<9} {one.text}" for one in lineage.facts(way)]
    return text + [f"  missing   {one}" for one in found.notes]
