"""The statuses of a commit, as a Git server shows them beside it: one file of the repository for each commit."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from workshop.lab.forge.records import moment, read, write

FOLDER = "lab-statuses"
MAX_STATUSES, MAX_TEXT = 50, 1000
STATES = ("pending", "success", "failure", "error", "warning")
"""The states of Gitea's API."""
_SHA = re.compile(r"[0-9a-f]{40}")


class Status(msgspec.Struct, frozen=True, omit_defaults=True):
    """The latest state of one context, such as the PipelineRun of a file."""

    context: str
    state: str
    description: str = ""
    target_url: str = ""
    updated: str = ""


def statuses(repository: Path, sha: str) -> list[Status]:
    """The statuses of a commit, one for each context, in the order of their first report."""
    return read(repository / FOLDER / f"{sha}.json", list[Status]) or []


def report(repository: Path, sha: str, status: Status) -> None:
    """Set the status of a context. Raises ValueError for what is no commit or no state, OSError."""
    if not _SHA.fullmatch(sha) or status.state not in STATES:
        raise ValueError(f"a status has a commit of 40 hex digits and a state of {', '.join(STATES)}")
    known = {one.context: one for one in statuses(repository, sha)}
    if status.context not in known and len(known) >= MAX_STATUSES:
        raise ValueError(f"a commit has at most {MAX_STATUSES} statuses")
    known[status.context] = msgspec.structs.replace(
        status, description=status.description[:MAX_TEXT], updated=status.updated or moment()
    )
    write(repository / FOLDER / f"{sha}.json", list(known.values()))


def combined(found: list[Status]) -> str:
    """One state for a commit: the worst, and pending before success; empty without a status."""
    states = {one.state for one in found}
    order = ("error", "failure", "pending", "warning", "success")
    return next((state for state in order if state in states), "")
