"""Reads the part of the Dockerfile language that s2i writes: instructions with their lines, words unquoted.

Any other instruction is refused by name, because skipping it would make a different image than on a cluster. Parser
directives, heredocs and variables in instructions are not supported, except in FROM.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from workshop.errors import ManifestError

KNOWN = ("FROM", "LABEL", "ENV", "COPY", "USER", "RUN", "CMD")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_PAIR = re.compile(r'("(?:[^"\\]|\\.)*"|[^\s="]+)=("(?:[^"\\]|\\.)*"|\S*)\s*', re.DOTALL)


@dataclass(frozen=True)
class Instruction:
    """One instruction: its name in capitals, the rest of its line as written, and its line number."""

    name: str
    text: str
    line: int


def parse(text: str, path: str, known: Sequence[str] = KNOWN) -> list[Instruction]:
    """All instructions in order. Raises ManifestError, with file and line, for an instruction not in `known`."""
    found = read(text)
    for one in found:
        if one.name not in known:
            raise ManifestError(
                f"{path}:{one.line}: the lab's buildah does not support the instruction {one.name}",
                hint=f"allowed are {', '.join(known)}, as s2i build --as-dockerfile writes them",
            )
    return found


def base_images(instructions: Sequence[Instruction]) -> list[tuple[int, str]]:
    """The line and the image of each FROM that is no earlier stage, with the defaults of the ARGs before it."""
    values: dict[str, str] = {}
    stages: set[str] = set()
    found = []
    for one in instructions:
        if one.name == "ARG":
            name, _, value = one.text.partition("=")
            values[name] = _unquote(value)
        elif one.name == "FROM":
            parts = [
                _VARIABLE.sub(lambda match: values.get(match[1] or match[2], ""), part) for part in words(one.text)
            ]
            parts = [part for part in parts if not part.startswith("--")]
            if parts and parts[0] not in stages:
                found.append((one.line, parts[0]))
            if len(parts) == 3:
                stages.add(parts[2])
    return found


def read(text: str) -> list[Instruction]:
    """All instructions in order, whatever their names."""
    found: list[Instruction] = []
    pending, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if not pending and (not line.strip() or line.lstrip().startswith("#")):
            continue
        start = start if pending else number
        if line.rstrip().endswith("\\"):
            pending += line.rstrip()[:-1] + " "
            continue
        word, _, rest = (pending + line).strip().partition(" ")
        pending = ""
        found.append(Instruction(word.upper(), rest.strip(), start))
    return found


def pairs(text: str, where: str) -> dict[str, str]:
    """The `key="value"` pairs of LABEL and ENV."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _PAIR.match(text, at)
        if match is None:
            raise ManifestError(f'{where}: {text[at : at + 60]!r} is not KEY="value"')
        found[_unquote(match[1])] = _unquote(match[2])
        at = match.end()
    return found


def words(text: str) -> list[str]:
    """The words of a COPY, FROM or CMD in shell form."""
    return shlex.split(text)


def _unquote(text: str) -> str:
    if not text.startswith('"'):
        return text
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text[1:-1], flags=re.DOTALL)
