"""The errors that a user may see, and the exit code that each one ends with.

    WorkshopError            1   something unexpected
    ├── UsageError           2   the command line cannot be understood
    ├── SetupError           3   a port, a tool, the disk or the lab is not as the command needs it
    ├── ManifestError        4   a manifest was rejected, or uses what is not supported
    ├── RunFailed            5   a run that the command followed has failed
    └── TimedOut             6   what the command waited for did not happen in time

The codes are a contract that scripts rely on. Ctrl-C ends with 130.
A message says what failed, where, what was allowed, and the command that comes next.
"""

from __future__ import annotations

import errno

OK = 0
INTERRUPTED = 130


class WorkshopError(Exception):
    """Base of every error that ends a command with a message instead of a traceback."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UsageError(WorkshopError):
    """The command line cannot be understood."""

    exit_code = 2


class SetupError(WorkshopError):
    """The machine or the lab is not in the state that the command needs."""

    exit_code = 3


class ManifestError(WorkshopError):
    """A manifest was rejected, or asks for something that is not supported."""

    exit_code = 4


class RunFailed(WorkshopError):
    """A run that the command followed has failed."""

    exit_code = 5


class TimedOut(WorkshopError):
    """What the command waited for did not happen in time."""

    exit_code = 6


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The system's error numbers for a disk, a quota or a file that is full."""
NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)


def disk_error(error: OSError) -> SetupError | None:
    """An error of the disk as one that says what to do; None for errors of another kind."""
    where = f" at {error.filename}" if error.filename else ""
    if error.errno in NO_ROOM:
        return SetupError(
            f"no room left on the disk{where}: {error.strerror}",
            hint="free some space, df -h shows which disk is full; then run the command again",
        )
    if error.errno in NOT_WRITABLE and error.filename:
        return SetupError(
            f"cannot write{where}: {error.strerror}",
            hint="make it writable, or set WORKSHOP_STATE to a folder that you may write to",
        )
    return None
