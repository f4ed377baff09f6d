"""The error of a command that cannot be done."""

from __future__ import annotations

from workshop.errors import WorkshopError


class Refused(WorkshopError):
    """The command cannot be done; the message follows `error: `."""
