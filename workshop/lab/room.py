"""Who works in a lab: `user1`, and with `workshop up --users N` also `user2` to `userN`.

The names are in a file of the lab's folder, so that the next `workshop up` starts the same participants.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass

from workshop.errors import UsageError
from workshop.lab.paths import LabPaths
from workshop.participants.names import LAB_PARTICIPANT, USER_VARIABLE, Participant

MOST = 40
"""Participants of one lab. Each needs about 0.5 GiB of memory at rest."""
VARIABLE = "WORKSHOP_USERS"
"""The variable with which `workshop up` passes the number to the lab's process."""


@dataclass(frozen=True)
class Room:
    """The participants, the first one first, and the names of those who had access at the last start and lose it."""

    participants: tuple[Participant, ...]
    gone: tuple[str, ...] = ()


ALONE = Room((LAB_PARTICIPANT,))


def participants(paths: LabPaths) -> tuple[Participant, ...]:
    """The participants of the lab's last start."""
    with suppress(OSError, ValueError, TypeError):
        names = json.loads(paths.participants.read_text())
        if names and all(isinstance(name, str) for name in names):
            return tuple(map(Participant, names))
    return ALONE.participants


def choose(paths: LabPaths) -> Room:
    """The participants of this start: as many as WORKSHOP_USERS says, else those of the last one.

    Files and objects of participants who are left out stay. Raises UsageError, OSError.
    """
    before = participants(paths)
    wanted = os.environ.get(VARIABLE)
    now = numbered(int(wanted)) if wanted and wanted.isdecimal() else before
    paths.participants.write_text(json.dumps([one.name for one in now]))
    return Room(now, tuple(one.name for one in before if one not in now))


def refuse_participants(paths: LabPaths, verb: str) -> None:
    """Raise UsageError in the terminal of one of several participants: the verb is about the whole lab.

    It prevents mistakes only: all terminals of a lab run as the same user of the machine.
    """
    if os.environ.get(USER_VARIABLE) and len(participants(paths)) > 1:
        raise UsageError(
            f"workshop {verb} is about the lab of all participants, and this terminal is {os.environ[USER_VARIABLE]}'s",
            hint=f"in another terminal, or with: unset {USER_VARIABLE}",
        )


def numbered(count: int) -> tuple[Participant, ...]:
    """`user1` to `user<count>`. Raises UsageError."""
    if not 1 <= count <= MOST:
        raise UsageError(f"--users {count}: a lab has 1 to {MOST} participants", hint="workshop up --users 5")
    return tuple(Participant(f"{LAB_PARTICIPANT.name.rstrip('1')}{number}") for number in range(1, count + 1))
