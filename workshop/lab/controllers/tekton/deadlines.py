"""The three timeouts of a PipelineRun: pipeline, tasks, finally.

A run's own times are whole seconds. So this supervisor measures the runs that it started by its own clock, and uses the
stored times only after a restart.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from workshop.manifests.objects import Object
from workshop.manifests.tekton import Timeouts, parse_duration


@dataclass(frozen=True)
class Limits:
    """Seconds; None means no limit."""

    pipeline: float | None
    tasks: float | None
    final: float | None


def limits(timeouts: Timeouts | None) -> Limits:
    """The limits of a run.

    If only one of tasks and finally is given, the other gets the rest of the pipeline's limit.
    """
    given = timeouts or Timeouts()
    pipeline = parse_duration(given.pipeline) if given.pipeline is not None else 3600.0
    tasks = parse_duration(given.tasks) if given.tasks is not None else None
    final = parse_duration(given.final) if given.final is not None else None
    if tasks is None and final and pipeline:
        tasks = pipeline - final
    elif final is None and tasks and pipeline:
        final = pipeline - tasks
    return Limits(pipeline or None, tasks or None, final or None)


class Clocks:
    """Monotonic clocks of runs."""

    def __init__(self) -> None:
        self._started: dict[str, float] = {}

    def start(self, key: str) -> None:
        """Start the clock. A second call changes nothing."""
        self._started.setdefault(key, time.monotonic())

    def forget(self, uid: str) -> None:
        """Remove the clocks of a run."""
        for key in (uid, f"{uid}/finally"):
            self._started.pop(key, None)

    def seconds(self, key: str, stored: str | None) -> float:
        """Seconds since the start, by this clock or by the stored time; 0 before the start."""
        if key in self._started:
            return time.monotonic() - self._started[key]
        if not stored:
            return 0.0
        return (datetime.now(UTC) - datetime.fromisoformat(stored)).total_seconds()


@dataclass(frozen=True)
class Deadlines:
    """Which limits are reached, and the seconds until the next one."""

    pipeline: bool = False
    tasks: bool = False
    tasks_over: bool = False
    """Whether the limit of the tasks has passed, also after `finally` has begun."""
    final: bool = False
    next: float | None = None


def deadlines(run: Object, timeouts: Timeouts | None, clocks: Clocks) -> Deadlines:
    """Compare the running time with the limits."""
    limit, status, uid = limits(timeouts), run["status"], run["metadata"]["uid"]
    ran = clocks.seconds(uid, status.get("startTime"))
    final_started = status.get("finallyStartTime")
    final_ran = clocks.seconds(f"{uid}/finally", final_started)
    left = []
    if limit.pipeline is not None:
        left.append(limit.pipeline - ran)
    if limit.tasks is not None and not final_started:
        left.append(limit.tasks - ran)
    if limit.final is not None and final_started:
        left.append(limit.final - final_ran)
    coming = [seconds for seconds in left if seconds > 0]
    return Deadlines(
        pipeline=limit.pipeline is not None and ran >= limit.pipeline,
        tasks=limit.tasks is not None and not final_started and ran >= limit.tasks,
        tasks_over=limit.tasks is not None and ran >= limit.tasks,
        final=limit.final is not None and bool(final_started) and final_ran >= limit.final,
        next=min(coming) if coming else None,
    )
