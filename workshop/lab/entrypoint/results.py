"""Results and termination messages: what a container leaves for the controller.

As in Tekton's entrypoint: when a step ends, its result files are written verbatim, as a JSON list, into the container's
termination message. The kubelet cuts that message at 4096 bytes, so a longer one fails the step. With
`enable-termination-message-compression` the limit is for the compressed list. With `results-from: sidecar-logs`
results are lines in the log of the container `LOG`, with a limit for each line.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict

import orjson

LIMIT = 4096
TASK_RESULT, INTERNAL, STEP_RESULT, STEP_ARTIFACTS, TASK_ARTIFACTS = 1, 3, 4, 5, 6
_IN_LOG = {TASK_RESULT: "task", STEP_RESULT: "step", STEP_ARTIFACTS: "stepArtifact", TASK_ARTIFACTS: "taskArtifact"}
"""The types of entries in a log."""
LOG = "sidecar-tekton-log-results"
"""The container whose log has the results with `results-from: sidecar-logs`."""
_MARK = "tknz:"
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


def read_artifacts(file: Path, shown: str, kind: int) -> list[Entry]:
    """The artifacts in a file, if it exists; `shown` is its path in the container."""
    try:
        return [{"key": shown, "value": file.read_text(errors="replace"), "type": kind}]
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return []


def message(entries: list[Entry], internal: Mapping[str, str], *, compressed: bool = False) -> str:
    """The termination message. Raises TooLarge."""
    more: list[Entry] = [{"key": key, "value": value, "type": INTERNAL} for key, value in internal.items()]
    text = orjson.dumps([*entries, *more])
    size = min(len(text), _packed_size(text)) if compressed else len(text)
    if size > LIMIT:
        raise TooLarge(TOO_LARGE)
    return text.decode()


def _packed_size(text: bytes) -> int:
    """Bytes of a compressed message: a mark, then base64 without padding. Source: pkg/termination/write.go."""
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = base64.b64encode(packing.compress(text) + packing.flush())
    return len(_MARK) + len(packed.rstrip(b"="))


def write_log(entries: Iterable[tuple[str, Entry]], log: Path) -> None:
    """Write results as lines of a log, as Tekton's results sidecar does. Raises OSError."""
    lines = []
    for step, entry in entries:
        name = {STEP_RESULT: f"{step}.{entry['key']}", STEP_ARTIFACTS: step}.get(entry["type"], entry["key"])
        lines.append(orjson.dumps({"name": name, "value": entry["value"], "type": _IN_LOG[entry["type"]]}))
    if lines:
        log.write_bytes(b"".join(line + b"\n" for line in lines))


def read_log(log: Path, largest: int) -> list[tuple[str, Entry]]:
    """The results in a log, each with the container of a step's result. Raises TooLarge."""
    try:
        lines = log.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found: list[tuple[str, Entry]] = []
    for line in lines:
        if len(line) > largest:
            raise TooLarge(f"{len(line)} bytes results size exceeds configured limit of {largest} bytes")
        one = orjson.loads(line)
        kind = next(kind for kind, word in _IN_LOG.items() if word == one["type"])
        step, _, name = one["name"].partition(".") if kind == STEP_RESULT else (one["name"], "", one["name"])
        found.append((step, {"key": name, "value": one["value"], "type": kind}))
    return found


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
