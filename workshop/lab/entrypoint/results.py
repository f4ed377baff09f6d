"""Results and termination messages: what a container leaves for the controller.

As in Tekton's entrypoint: when a step ends, its result files are written verbatim, as a JSON list, into the container's
termination message. The kubelet cuts that message at 4096 bytes, so a longer one fails the step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict

import orjson

LIMIT = 4096
TASK_RESULT, INTERNAL, STEP_RESULT = 1, 3, 4
TOO_LARGE = "Termination message is above max allowed size 4096, caused by large task result."


class Entry(TypedDict):
    """One entry of a termination message."""

    key: str
    value: str
    type: int


class TooLarge(Exception):
    """The results of a step are larger than the limit."""


def read(folder: Path, names: Iterable[str], kind: int) -> list[Entry]:
    """The results that have been written, in the order in which they are declared."""
    found: list[Entry] = []
    for name in names:
        try:
            text = (folder / name).read_bytes().decode("utf-8", "replace")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            continue
        found.append({"key": name, "value": text, "type": kind})
    return found


def message(entries: list[Entry], internal: Mapping[str, str]) -> str:
    """The termination message. Raises TooLarge."""
    more: list[Entry] = [{"key": key, "value": value, "type": INTERNAL} for key, value in internal.items()]
    text = orjson.dumps([*entries, *more])
    if len(text) > LIMIT:
        raise TooLarge(TOO_LARGE)
    return text.decode()


def parse(text: str) -> list[Entry]:
    """The entries of a termination message; none when it holds something else."""
    try:
        entries = orjson.loads(text) if text else []
    except orjson.JSONDecodeError:
        return []
    if not isinstance(entries, list):
        return []
    return [
        {"key": str(one["key"]), "value": str(one["value"]), "type": int(one.get("type", TASK_RESULT))}
        for one in entries
        if isinstance(one, dict) and "key" in one and "value" in one
    ]


def split(text: str) -> tuple[str, dict[str, str]]:
    """A message without its internal entries, sorted by key as the controller shows it, and those."""
    entries = parse(text)
    shown = sorted((one for one in entries if one["type"] != INTERNAL), key=lambda one: one["key"])
    internal = {one["key"]: one["value"] for one in entries if one["type"] == INTERNAL}
    return (orjson.dumps(shown).decode() if shown else ""), internal
