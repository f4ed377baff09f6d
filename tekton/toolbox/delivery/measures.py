"""The four measures of software delivery, from the history of production.

They are those of Forsgren, Humble and Kim, Accelerate, 2018. DORA defines them: dora.dev/guides/dora-metrics-four-keys.
A change is a release that reached callers: a promotion, or a canary that was sent back. What is no change:

- a rollback, which restores what was there, and ends the change before it;
- an A/B test and a shadow, which compare and are meant to end;
- what production ran before the history began, because its deployment was not recorded.

A change failed when a rollback ended it, or when it was a canary that production did not keep: refused by its analysis,
ended by hand, or restored after its run failed.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from delivery.history import BEFORE, CANARY_REFUSED, KEPT, PROMOTED, ROLLED_BACK, Entry

DAY = 86_400.0
SOURCE = "https://dora.dev/guides/dora-metrics-four-keys/"
DEFINITIONS = {
    "lead_time": "The median time from the commit of a release to its promotion, each commit once.",
    "frequency": "Promotions a day, from the first to now.",
    "failure_rate": "The share of the changes that failed: promotions that a rollback ended, and canaries that "
    "production did not keep.",
    "restore_time": "The median time from the promotion of a release that failed to the end of its rollback.",
}
"""What each number is."""
EXCLUDED = "Not counted as changes: rollbacks, A/B tests, shadows, and what ran before the history began."


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures and what they were made of. Times are in seconds, and None where nothing was counted.

    `since` is the time of the oldest entry, empty without one. `unknown_lead_times` are promotions whose commit's time
    is not known, and `unknown_restore_times` refused canaries, whose start is not recorded. `truncated` says that older
    entries may have been removed.
    """

    since: str
    until: str
    lead_time: float | None
    lead_times: int
    unknown_lead_times: int
    promotions: int
    frequency: float | None
    changes: int
    failures: int
    failure_rate: float | None
    restore_time: float | None
    restore_times: int
    unknown_restore_times: int
    truncated: bool


def measured(entries: Sequence[Entry], now: str) -> Measures:
    """The measures of a history, oldest entry first, at a time (UTC, as in the entries).

    An entry whose times cannot be read is counted, but not timed.
    """
    promoted = [one for one in entries if one.cause == PROMOTED and one.since and one.came != BEFORE]
    refused = [one for one in entries if one.cause == CANARY_REFUSED]
    restores = [_between(bad.since, back.since) for bad, back in _rolled_back(entries)]
    leads = [_between(one.committed_at, one.since) for one in _first_of_each_commit(promoted)]
    known, restored = _known(leads), _known(restores)
    moments = [time for one in entries if one.came != BEFORE for time in (one.since or one.until,) if _time(time)]
    since = min(moments, key=lambda text: _time(text) or 0.0, default="")
    days = (_between(since, now) or 0.0) / DAY
    changes, failures = len(promoted) + len(refused), len(restores) + len(refused)
    return Measures(
        since=since, until=now,
        lead_time=statistics.median(known) if known else None,
        lead_times=len(known), unknown_lead_times=len(leads) - len(known),
        promotions=len(promoted),
        # Of less than a day, a rate would promise what has not been seen.
        frequency=len(promoted) / days if promoted and days >= 1 else None,
        changes=changes, failures=failures,
        failure_rate=failures / changes if changes else None,
        restore_time=statistics.median(restored) if restored else None,
        restore_times=len(restored), unknown_restore_times=len(refused) + len(restores) - len(restored),
        truncated=len(entries) >= KEPT,
    )  # fmt: skip


def _rolled_back(entries: Sequence[Entry]) -> list[tuple[Entry, Entry]]:
    """Each promotion that a rollback ended, with the rollback."""
    was = [one for one in entries if one.since]
    return [(one, back) for one, back in pairwise(was) if back.cause == ROLLED_BACK and one.cause == PROMOTED
            and one.came != BEFORE]  # fmt: skip


def _first_of_each_commit(promoted: Sequence[Entry]) -> list[Entry]:
    """A commit that was promoted again, for example with other data, reached production with the first."""
    seen: set[str] = set()
    found = []
    for one in promoted:
        if not one.git_commit or one.git_commit not in seen:
            found.append(one)
        seen.add(one.git_commit)
    return found


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _between(first: str, last: str) -> float | None:
    """Seconds from one time to another; None when one is missing or they are in the wrong order (clock skew)."""
    start, end = _time(first), _time(last)
    return end - start if start is not None and end is not None and end >= start else None


def _time(text: str) -> float | None:
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def duration(seconds: float | None) -> str:
    """A time in its two largest units: `3 d 4 h`; `unknown` for None."""
    if seconds is None:
        return "unknown"
    whole = round(seconds)
    parts = ((whole // 86_400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s"))
    start = next((at for at, (amount, _) in enumerate(parts) if amount), 3)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[start : start + 2] if amount) or "0 s"


def lines(found: Measures) -> list[tuple[str, str, str, str]]:
    """Title, value, what it was counted of, and definition of each measure."""
    rate = f"{found.frequency:.2g} a day" if found.frequency is not None else f"{found.promotions} in less than a day"
    share = f"{found.failure_rate:.0%}" if found.failure_rate is not None else "unknown"
    return [
        ("Lead time for changes", duration(found.lead_time),
         _of(found.lead_times, "promotion", found.unknown_lead_times, "of a commit whose time is not known"),
         DEFINITIONS["lead_time"]),
        ("Deployment frequency", rate if found.promotions else "none yet",
         f"{found.promotions} promotion{_s(found.promotions)}", DEFINITIONS["frequency"]),
        ("Change failure rate", share,
         f"{found.failures} of {found.changes} change{_s(found.changes)}", DEFINITIONS["failure_rate"]),
        ("Time to restore service",
         duration(found.restore_time) if found.restore_times or found.unknown_restore_times else "no failure yet",
         _of(found.restore_times, "rollback", found.unknown_restore_times, "of a failure whose start is not recorded"),
         DEFINITIONS["restore_time"]),
    ]  # fmt: skip


def _of(counted: int, what: str, unknown: int, why: str) -> str:
    more = f", and {unknown} not counted, {why}" if unknown else ""
    return f"{counted} {what}{_s(counted)}{more}"


def _s(number: int) -> str:
    return "" if number == 1 else "s"
