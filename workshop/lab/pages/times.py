"""Times on pages: a clock, a duration, and the start of a running span.

The text is as of rendering. For a span without an end, the page's script counts up from the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Span:
    """From a start to an end; either may be unknown. An end without a start is ignored."""

    start: datetime | None = None
    end: datetime | None = None

    @classmethod
    def of(cls, start: object, end: object) -> Span:
        """A span of two times in Kubernetes' format."""
        return cls(parsed(start), parsed(end))

    @property
    def clock(self) -> str:
        """The start on this machine's clock; empty if it has not started."""
        return self.start.astimezone().strftime("%H:%M:%S") if self.start else ""

    @property
    def day(self) -> str:
        """The day of the start, as `2026-01-05`."""
        return self.start.astimezone().strftime("%Y-%m-%d") if self.start else ""

    @property
    def seconds(self) -> int:
        """The duration in whole seconds; until now if it has not ended."""
        if self.start is None:
            return 0
        return max(0, int(((self.end or datetime.now(UTC)) - self.start).total_seconds()))

    @property
    def took(self) -> str:
        """`42 s` or `3 min 05 s`; empty if it has not started."""
        return duration(self.seconds) if self.start else ""

    @property
    def since(self) -> int | None:
        """The start in seconds since 1970 while it runs, for the page's script; else None."""
        return int(self.start.timestamp()) if self.start and not self.end else None


NEVER = Span()
"""The span of something that has not started."""


def duration(seconds: int) -> str:
    """Seconds as `42 s`, `3 min 05 s` or `2 h 03 min`."""
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"


def parsed(text: object) -> datetime | None:
    """A time of the API; None if there is none."""
    try:
        found = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
