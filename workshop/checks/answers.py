"""The participant's answers in the folder `answers` of the clone: lines for questions in `NN.yaml`, and JSON files.

An answer is compared with what the check computes from the same data; no file contains the right answer. A JSON file,
such as a request or a dashboard, may have any name.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from workshop.checks.finding import CheckContext, Finding
from workshop.languages.catalog import Sentence

FOLDER = "answers"
LARGEST, MOST = 1_000_000, 50
"""Bytes of a JSON file, and files that are read."""


def answers(context: CheckContext, number: str) -> dict[str, str]:
    """The answers of a module; empty if there is no file or it is not a list of `name: value` lines."""
    try:
        read = yaml.safe_load((context.clone / FOLDER / f"{number}.yaml").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return {}
    return {str(name): str(value) for name, value in read.items()} if isinstance(read, dict) else {}


def documents(clone: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The JSON files in the answers of a clone that have an object. Larger and other files are left out."""
    for file in sorted((clone / FOLDER).glob("*.json"))[:MOST]:
        try:
            content = json.loads(file.read_bytes()) if file.stat().st_size <= LARGEST else None
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(content, dict):
            yield file, content


def missing(number: str, name: str, task: str) -> Finding:
    """The finding for a question without an answer."""
    return Finding(
        task,
        False,
        Sentence("answers/{number}.yaml in your clone has no line `{name}: ...`", number=number, name=name),
        f"mkdir -p answers && echo '{name}: ...' >> answers/{number}.yaml",
    )


def put_aside(context: CheckContext, number: str) -> list[str]:
    """Move the answers of a module to `answers/kept/NN-<count>.yaml`, so that the module starts without them."""
    file = context.clone / FOLDER / f"{number}.yaml"
    return [_kept(context, file)] if file.exists() else []


def put_documents_aside(context: CheckContext, files: Iterable[Path]) -> list[str]:
    """Move JSON files of the answers to `answers/kept/<name>-<count>.json`."""
    return [_kept(context, file) for file in files]


def _kept(context: CheckContext, file: Path) -> str:
    kept = file.parent / "kept"
    kept.mkdir(exist_ok=True)
    counts = (one.stem.removeprefix(f"{file.stem}-") for one in kept.glob(f"{glob.escape(file.stem)}-*{file.suffix}"))
    count = 1 + max((int(count) for count in counts if count.isdecimal()), default=0)
    moved = kept / f"{file.stem}-{count}{file.suffix}"
    file.rename(moved)
    return f"put your answers aside: {moved.relative_to(context.clone)}"
