"""What a fault did to the lab: figures, verdict and table. Pure, so that tests need no lab."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

MEBIBYTE = 2**20


@dataclass
class Tally:
    """The requests of one kind of load since the last look: served, failed, and the messages of the failures."""

    served: int = 0
    failed: int = 0
    messages: Counter[str] = field(default_factory=Counter)


Tallies = Mapping[str, Tally]
"""By the name of the load."""


@dataclass(frozen=True)
class Outcome:
    """One fault.

    `served` and `failed` count the requests of all loads, from before the fault until after it. `objects` is the number
    of objects that the lab had acknowledged before and after. `healthy_seconds` is the time from the end of the fault
    until every part was ready and served; None if that did not happen. `growth` is in bytes. `problems` are the
    reasons why the fault was not survived. `skipped` is the reason why it was not tried. `load` is the machine's load
    average of the last minute, with the soak's own.
    """

    fault: str
    served: int = 0
    failed: int = 0
    objects_before: int = 0
    objects_after: int = 0
    healthy_seconds: float | None = None
    growth: int = 0
    problems: tuple[str, ...] = ()
    skipped: str = ""
    load: float = 0.0

    @property
    def verdict(self) -> str:
        """`survived`, `skipped` or `FAILED`."""
        return "skipped" if self.skipped else "FAILED" if self.problems else "survived"


def unexpected(when: str, tallies: Tallies, may_fail: Iterable[str] = ()) -> list[str]:
    """A line for each load that had failures and may not; with the most frequent message."""
    allowed = set(may_fail)
    found = []
    for name, tally in tallies.items():
        if tally.failed and name not in allowed:
            message, times = tally.messages.most_common(1)[0]
            found.append(f"{when}: {tally.failed} of {tally.served + tally.failed} {name} failed; {times} x {message}")
    return found


def total(tallies: Sequence[Tallies]) -> tuple[int, int]:
    """The requests served and failed of all loads at all times."""
    every = [tally for one in tallies for tally in one.values()]
    return sum(tally.served for tally in every), sum(tally.failed for tally in every)


HEAD = (
    "| fault | requests served | failed meanwhile | objects before | after | healthy again | memory | load | |",
    "|---|---:|---:|---:|---:|---:|---:|---:|---|",
)


def table(outcomes: Sequence[Outcome]) -> str:
    """Markdown, one line a fault."""
    return "\n".join([*HEAD, *map(row, outcomes)]) + "\n"


def row(one: Outcome) -> str:
    """The line of one fault."""
    if one.skipped:
        return f"| {one.fault} | | | | | | | | skipped: {one.skipped} |"
    healthy = "never" if one.healthy_seconds is None else f"{one.healthy_seconds:.1f} s"
    return (
        f"| {one.fault} | {one.served:,} | {one.failed:,} | {one.objects_before:,} | {one.objects_after:,} | "
        f"{healthy} | {one.growth / MEBIBYTE:+.0f} MiB | {one.load:.1f} | {one.verdict} |"
    )


def merged(text: str, outcomes: Sequence[Outcome], names: Sequence[str]) -> str:
    """The table of a page with the lines of these outcomes in it; the lines are in the order of `names`."""
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("| ")}
    lines |= {one.fault: row(one) for one in outcomes}
    return "\n".join([*HEAD, *(lines[name] for name in names if name in lines)]) + "\n"


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 if every fault that was tried was survived and at least one was tried."""
    tried = [one for one in outcomes if not one.skipped]
    return int(not tried or any(one.problems for one in tried))
