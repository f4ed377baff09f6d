"""`workshop links`: the link with which each participant opens the lab, and the instructor's to the board.

The links have tokens. They are printed, and written to files that only the lab's owner may read.
"""

from __future__ import annotations

import argparse
import html
from pathlib import Path

from workshop import output
from workshop.errors import SetupError
from workshop.lab.lab import INSTRUCTOR
from workshop.lab.paths import LabPaths, lab_paths
from workshop.lab.private_files import write_private
from workshop.lab.report import read, running_pid
from workshop.lab.room import refuse_participants

_STYLE = """body{font:11pt/1.4 sans-serif}section{break-inside:avoid;border:1px solid #999;padding:1em;margin:1em}
h2{margin:0 0 .5em}code{word-break:break-all}@page{margin:1.5cm}"""


def links(words: argparse.Namespace) -> int:
    """Print the links of the running lab. Raises SetupError."""
    where = LabPaths(lab_paths().root)
    refuse_participants(where, "links")
    found = links_of(where)
    sheet = write_sheet(where, found)
    if words.output == output.JSON:
        for name, link in found.items():
            output.emit({"name": name, "link": link})
        return 0
    output.table(["NAME", "LINK"], [[name, link] for name, link in found.items()])
    output.say(f"\nto print, a page each: {sheet}")
    output.say("a participant's terminal on this machine: WORKSHOP_USER=NAME workshop shell")
    return 0


def links_of(where: LabPaths) -> dict[str, str]:
    """The links by name, the instructor's last. Raises SetupError when the lab does not run."""
    report = read(where) if running_pid(where) is not None else None
    if report is None or not report.participants:
        raise SetupError("the lab does not run", hint="workshop up --users 5 starts it for five participants")
    console = report.endpoints["console"]
    tokens = {name: where.of(name).token for name in report.participants} | {INSTRUCTOR: where.instructor}
    return {name: f"{console}/#token={file.read_text().strip()}" for name, file in tokens.items()}


def write_sheet(where: LabPaths, found: dict[str, str]) -> Path:
    """Write the page to print, without the instructor's link; returns its path. Raises OSError."""
    cards = (
        f"<section><h2>{html.escape(name)}</h2><p>Open in a browser: <code>{html.escape(link)}</code></p></section>"
        for name, link in found.items()
        if name != INSTRUCTOR
    )
    where.handout.mkdir(mode=0o700, exist_ok=True)
    page = where.handout / "participants.html"
    head = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Participants</title><style>{_STYLE}</style>'
    )
    write_private(page, f"{head}</head><body>{''.join(cards)}</body></html>\n".encode())
    return page
