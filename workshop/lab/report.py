"""The state of the running lab: a small file that the supervisor writes and commands read.

It is a file and not a request, so that `workshop status` also answers when the supervisor hangs or has ended. A lock
shows whether it runs; the kernel releases it when the process ends, for any reason.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from workshop.errors import SetupError
from workshop.lab.parts import Part
from workshop.lab.paths import LabPaths
from workshop.participants.names import USER_VARIABLE


@dataclass(frozen=True)
class Report:
    """The lab as a whole. `phase` is starting, ready, stopping, stopped or failed.

    `endpoints` are URLs or None: those of the first participant. `participants` has those of each by name.
    """

    phase: str
    pid: int
    started: float
    components: list[Part] = field(default_factory=list)
    endpoints: dict[str, str | None] = field(default_factory=dict)
    message: str = ""
    exit_code: int = 0
    participants: dict[str, dict[str, str | None]] = field(default_factory=dict)

    def endpoints_of(self, participant: str) -> dict[str, str | None]:
        """The endpoints of a participant. Raises SetupError when the lab does not have this one."""
        if not self.participants:
            return self.endpoints  # the lab has only begun to start
        if participant not in self.participants:
            raise no_participant(participant, self.participants)
        return self.participants[participant]


def no_participant(name: str, known: Iterable[str]) -> SetupError:
    """The error of a name that is not a participant's of this lab."""
    return SetupError(
        f"the lab has no participant {name!r}; it has {', '.join(known)}",
        hint=f"unset {USER_VARIABLE}, or workshop down and workshop up --users N",
    )


def write(state: LabPaths, report: Report) -> None:
    """Replace the file atomically."""
    partial = path(state).with_suffix(".new")
    partial.write_text(json.dumps(asdict(report)))
    partial.replace(path(state))


def read(state: LabPaths) -> Report | None:
    """The last report, or None if it cannot be read."""
    try:
        raw = json.loads(path(state).read_text())
        components = [Part(**c) for c in raw.pop("components")]
        return Report(components=components, **raw)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def path(state: LabPaths) -> Path:
    """The path of the report."""
    return state.run / "report.json"


class Lock:
    """The lab's lock: one supervisor for each state folder. The process holds it until its end."""

    def __init__(self, state: LabPaths) -> None:
        self._path = state.run / "lock"
        self._fd = -1

    def take(self) -> bool:
        """Take the lock; False when another supervisor has it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Not inherited: a child that outlives the supervisor must not hold its lock.
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            self._fd = -1
            return False
        os.ftruncate(self._fd, 0)
        os.write(self._fd, str(os.getpid()).encode())
        return True

    def release(self) -> None:
        """Release the lock."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def running_pid(state: LabPaths) -> int | None:
    """The pid of the supervisor that holds the lock, or None."""
    try:
        with (state.run / "lock").open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read().strip()
                return int(text) if text.isdecimal() else -1
            return None
    except OSError:
        return None
