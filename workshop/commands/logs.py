"""`workshop logs`: the log of the lab or of one of its parts."""

from __future__ import annotations

import argparse
import time
from collections import deque
from pathlib import Path

from workshop import output
from workshop.errors import UsageError
from workshop.lab.parts import personal_name
from workshop.lab.paths import LabPaths, lab_paths
from workshop.lab.room import participants


def logs(words: argparse.Namespace) -> int:
    """Print the last lines, and with --follow what comes after them."""
    files = _files(lab_paths())
    if words.component not in files:
        raise UsageError(
            f"no part of the lab is called {words.component!r}",
            hint=f"these have logs: {', '.join(sorted(files))}; steps: oc logs POD -c step-NAME",
        )
    file = files[words.component]
    if not file.exists():
        output.note(f"{words.component} has not written anything yet")
        return 0
    with file.open(errors="replace") as text:
        for line in deque(text, maxlen=words.lines):
            _print(words, line)
        while words.follow:
            line = text.readline()
            if line:
                _print(words, line)
            else:
                time.sleep(0.2)
    return 0


def _files(where: LabPaths) -> dict[str, Path]:
    """Every part that writes a log."""
    found = {"lab": where.log}
    for one in participants(where):
        for log in where.of(one.name).components.glob("*/*.log"):
            found[log.stem if log.stem not in found else personal_name(log.stem, one)] = log
    return found


def _print(words: argparse.Namespace, line: str) -> None:
    if words.output == output.JSON:
        output.emit({"component": words.component, "line": line.rstrip("\n")})
    else:
        output.say(line.rstrip("\n"))
