"""Play past periods through a deployment as they happened, a number of times faster.

Each row is asked about when its caller asked, and its truth is sent when it became known. So busy hours are busy, a
month has its rows in their order, and quality is known later than drift. Standard library only.
"""

from __future__ import annotations

import heapq
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from threading import Condition, Thread
from typing import Any

from delivery.errors import DeliveryError
from delivery.prometheus import Series
from delivery.traffic import Asked, Caller
from delivery.usecase import LabelledRow, LabelledRows

GAP = 60.0
"""Seconds without a sample of a firing alert after which it has ended."""


@dataclass(slots=True)
class Month:
    """The rows of one calendar month: how many were answered, and the sums of predictions, truths and errors.

    Of a classification these are rows: predicted positive, positive, and wrong. `known` rows have had their truth sent.
    """

    rows: int = 0
    predicted: float = 0.0
    actual: float = 0.0
    error: float = 0.0
    known: int = 0
    began: float = 0.0
    """Unix seconds of this machine at which its first row was due."""


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that fired: when it began on this machine's clock, for how long, and what it is about.

    `earlier` says that it fired already when the replay began.
    """

    alert: str
    about: str
    began: float
    seconds: float
    earlier: bool = False


@dataclass(order=True, slots=True)
class _Truth:
    due: float
    number: int
    asked: Asked = field(compare=False)
    month: str = field(compare=False)


class Replay:
    """Plays rows, oldest first, from threads of its own; `speed` is how many times faster than it happened.

    `share` of the rows are played, chosen by `seed`. Raises DeliveryError for rows without times.
    """

    def __init__(
        self, caller: Caller, periods: Iterable[LabelledRows], speed: float, *,
        share: float = 1.0, seed: int = 1, connections: int = 8,
    ) -> None:  # fmt: skip
        self._caller, self._speed = caller, speed
        self._rows = _chosen(periods, share, random.Random(seed))  # noqa: S311 a sample, no secret
        self._next = next(self._rows, None)
        if self._next is None:
            raise DeliveryError("the period has no rows to replay")
        self._changed = Condition()
        self._truths: list[_Truth] = []
        self._numbers = count()
        self._asking, self._halted = 0, False
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(connections)]
        self._first, self._began = self._next.asked_at, 0.0
        self.months: dict[str, Month] = defaultdict(Month)
        """By calendar month, 2013-09; a month that has begun is there."""

    def start(self) -> None:
        """Begin; returns at once."""
        self._began = time.time()
        for thread in self._threads:
            thread.start()

    def halt(self) -> None:
        """Send no more."""
        with self._changed:
            self._halted = True
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until all is sent, at most so many seconds; whether it is."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def moment(self, at: float) -> datetime:
        """The moment of the past that was played at this machine's Unix seconds."""
        return datetime.fromtimestamp(self._first + (at - self._began) * self._speed, UTC)

    def _due(self, past: float) -> float:
        return self._began + (past - self._first) / self._speed

    def _work(self) -> None:
        connection = self._caller.connect()
        while (taken := self._take()) is not None:
            due, item = taken
            if time.time() - due > 1.0:
                self._caller.count_late()
            if isinstance(item, _Truth):
                self._caller.send_truth(connection, item.asked)
                with self._changed:
                    self.months[item.month].known += 1
            else:
                self._answered(item, self._caller.ask(connection, [item]))
        connection.close()

    def _take(self) -> tuple[float, LabelledRow | _Truth] | None:
        """Wait for what is due next: a row, or the truth of one that was answered. None at the end."""
        with self._changed:
            while not self._halted:
                row = self._next
                due = self._due(row.asked_at) if row else float("inf")
                if self._truths and self._truths[0].due <= due:
                    due = self._truths[0].due
                    row = None
                elif row is None and not self._asking:
                    return None
                ahead = due - time.time()
                if ahead > 0:
                    self._changed.wait(min(ahead, 60.0))
                    continue
                if row is None:
                    return due, heapq.heappop(self._truths)
                self._next, self._asking = next(self._rows, None), self._asking + 1
                month = self.months[_month(row)]
                month.began = month.began or due
                return due, row
            return None

    def _answered(self, row: LabelledRow, asked: Asked | None) -> None:
        with self._changed:
            self._asking -= 1
            if asked is not None:
                predicted, month = self._caller.value(asked.answers[0]), self.months[_month(row)]
                month.rows += 1
                month.predicted += predicted
                month.actual += row.truth
                month.error += abs(predicted - row.truth)
                due = self._due(row.known_at)
                heapq.heappush(self._truths, _Truth(due, next(self._numbers), asked, _month(row)))
            self._changed.notify_all()


def _chosen(periods: Iterable[LabelledRows], share: float, chance: random.Random) -> Iterator[LabelledRow]:
    """The rows of all periods in their order; a period is read when it begins."""
    for period in periods:
        for row in sorted(period.rows, key=lambda row: row.asked_at):
            if not row.asked_at:
                raise DeliveryError("labelled_rows() has no times: asked_at is 0, so its rows cannot be replayed")
            if chance.random() < share:
                yield row


def _month(row: LabelledRow) -> str:
    return datetime.fromtimestamp(row.asked_at, UTC).strftime("%Y-%m")


def fired(alerts: Sequence[Series], since: float) -> list[Fired]:
    """Each time that an alert fired at `since` or later, by its samples of `ALERTS{alertstate="firing"}`, oldest first.

    One that fired already at `since` is marked: what was sent before has caused it.
    """
    found = []
    for series in alerts:
        about = _about(series.labels)
        times = [at for at, _ in series.points]
        begins = [at for at, before in zip(times, [-GAP, *times], strict=False) if at - before > GAP]
        for at, following in zip(begins, [*begins[1:], float("inf")], strict=True):
            last = max(time_ for time_ in times if at <= time_ < following)
            if last >= since:
                found.append(Fired(series.labels["alertname"], about, at, last - at, earlier=at < since))
    return sorted(found, key=lambda one: (one.began, one.alert, one.about))


def _about(labels: Mapping[str, str]) -> str:
    return labels.get("feature") or labels.get("predictor_name", "")


def tables(replay: Replay, alerts: Sequence[Fired]) -> dict[str, Any]:
    """The months with their figures, and which alert fired when: by the past's clock and in seconds since its month."""
    months = sorted(replay.months.items())
    listed = []
    for one in alerts:
        begun = [(name, month) for name, month in months if month.began <= one.began]
        name, month = begun[-1] if begun else months[0]
        listed.append(
            {
                "alert": one.alert,
                "about": one.about,
                "month": name,
                "at": replay.moment(one.began).strftime("%Y-%m-%d %H:%M"),
                "seconds_into_month": round(one.began - month.began),
                "fired_seconds": round(one.seconds),
                "earlier": one.earlier,
            }
        )
    return {
        "months": [
            {
                "month": name,
                "rows": month.rows,
                "known": month.known,
                "predicted": _mean(month.predicted, month.rows),
                "actual": _mean(month.actual, month.rows),
                "error": _mean(month.error, month.rows),
                "alerts": sorted({one["alert"] for one in listed if one["month"] == name and not one["earlier"]}),
            }
            for name, month in months
        ],
        "alerts": listed,
    }


def _mean(total: float, rows: int) -> float | None:
    return round(total / rows, 4) if rows else None
