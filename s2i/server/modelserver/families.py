"""Families of metrics in shared memory: each process writes its own, any process reads all of them together.

A family has one kind. Counters and histograms of all processes are added. Of a gauge, the value that was set last
is used, whichever process set it, because a single process would show the same.
"""

import math
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock

from prometheus_client.core import Metric
from prometheus_client.utils import floatToGoString

from modelserver.shared import Block, FullError, Labels, Series

MAX_SERIES = 1000

BOUNDS: Mapping[str, tuple[float, ...]] = {
    # In seconds: the executor's buckets from 5 ms on, and below them what this server needs for one row.
    "REQUEST": (
        *(0.0001, 0.0002, 0.0003, 0.0005, 0.00075, 0.001, 0.0015, 0.0025),
        *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
    ),
    # Seldon's buckets for a model's timers: evenly spaced in the logarithm from 1 ms to 30 s.
    "TIMER": tuple(10 ** (-3 + (math.log10(30) + 3) * step / 49) for step in range(50)),
}
# As Prometheus prints them.
_LES = {kind: [floatToGoString(bound) for bound in (*bounds, math.inf)] for kind, bounds in BOUNDS.items()}  # type: ignore[no-untyped-call]
# A histogram's numbers are the counts of its buckets, not cumulated, the overflow and the sum; a gauge has the time it
# was set.
SIZES = {"COUNTER": 1, "GAUGE": 2, **{kind: len(bounds) + 2 for kind, bounds in BOUNDS.items()}}
SUFFIXES = {"COUNTER": ("_total",), "GAUGE": ("",), "TIMER": ("_bucket", "_count", "_sum")}
SUFFIXES["REQUEST"] = SUFFIXES["TIMER"]
PROMETHEUS_TYPES = {"COUNTER": "counter", "GAUGE": "gauge", "TIMER": "histogram", "REQUEST": "histogram"}


class MetricError(ValueError):
    """A metric that cannot be counted; the text has the metric and the reason."""


class Names:
    """The family of each exposed name. Two families with the same name would make an exposition invalid."""

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}
        self._owners: dict[str, str] = {}

    def claim(self, name: str, kind: str) -> None:
        """Reserve the names of a family. Raises ``MetricError`` when another family has one of them."""
        if self._kinds.get(name) == kind:
            return
        written = {name, *(name + suffix for suffix in SUFFIXES[kind])}
        for one in sorted(written):
            owner = self._owners.get(one)
            if owner is not None:
                raise MetricError(f"{kind} {name} would write {one}, which is {owner}'s")
        self._kinds[name] = kind
        self._owners.update(dict.fromkeys(written, f"{kind} {name}"))


class Writer:
    """The counts of one process. A caller looks up a series once and keeps it."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._names = Names()
        self._sizes: dict[str, int] = {}
        self._lock = Lock()
        for series in block.series():
            self._names.claim(series.name, series.kind)
            self._sizes[series.name] = self._sizes.get(series.name, 0) + 1

    def series(self, name: str, kind: str, labels: Labels) -> memoryview:
        """The numbers of a series, which is created if it does not exist. Raises ``MetricError``."""
        name = name.removesuffix("_total") if kind == "COUNTER" else name
        series = Series(name, kind, labels)
        with self._lock:
            known = self._block.series().get(series)
            if known is not None:
                return known
            if self._sizes.get(name, 0) >= MAX_SERIES:
                raise MetricError(f"{name} has {MAX_SERIES} label sets: a tag varies too much")
            self._names.claim(name, kind)
            try:
                numbers = self._block.add(series, SIZES[kind])
            except FullError:
                raise MetricError(f"no room for {name}: there are too many series") from None
            self._sizes[name] = self._sizes.get(name, 0) + 1
            return numbers

    def counters(self, name: str, several: Sequence[Labels]) -> memoryview:
        """The numbers of several series of one new counter, one after the other. Raises ``MetricError``."""
        with self._lock:
            self._names.claim(name, "COUNTER")
            try:
                numbers = self._block.add_together([Series(name, "COUNTER", labels) for labels in several])
            except FullError:
                raise MetricError(f"no room for {name}: there are too many series") from None
            self._sizes[name] = len(several)
            return numbers


def observe(numbers: memoryview, bounds: tuple[float, ...], seconds: float) -> None:
    """Count one time in a histogram's numbers."""
    numbers[bisect_left(bounds, seconds)] += 1
    numbers[-1] += seconds


def set_gauge(numbers: memoryview, value: float) -> None:
    """Set a gauge; the clock is one for all processes of the machine."""
    numbers[0] = value
    numbers[1] = time.monotonic()


def merged(blocks: list[Block]) -> dict[tuple[str, str], dict[Labels, list[float]]]:
    """All processes' families by name and kind. A family whose name conflicts with an earlier one is left out."""
    names = Names()
    families: dict[tuple[str, str], dict[Labels, list[float]]] = {}
    for block in blocks:
        # A copy: another thread may be adding a series.
        for (name, kind, labels), numbers in list(block.series().items()):
            try:
                names.claim(name, kind)
            except MetricError:
                continue
            family = families.setdefault((name, kind), {})
            values = family.get(labels)
            if values is None:
                family[labels] = numbers.tolist()
            elif kind != "GAUGE":
                family[labels] = [one + other for one, other in zip(values, numbers, strict=True)]
            elif numbers[1] > values[1]:
                family[labels] = numbers.tolist()
    return families


def exposed(
    name: str, kind: str, help_text: str, family: Mapping[Labels, list[float]], common: Mapping[str, str]
) -> Metric:
    """One family for Prometheus. Every series has the ``common`` labels, which win over its own."""
    metric = Metric(name, help_text, PROMETHEUS_TYPES[kind])
    for own, values in family.items():
        labels = {**dict(own), **common}
        if kind in BOUNDS:
            for suffix, extra, value in _histogram(_LES[kind], values):
                metric.add_sample(name + suffix, {**labels, **extra}, value)
        else:
            metric.add_sample(name + SUFFIXES[kind][0], labels, values[0])
    return metric


def _histogram(bounds: list[str], values: list[float]) -> Iterator[tuple[str, dict[str, str], float]]:
    total = 0.0
    for bound, count in zip(bounds, values[:-1], strict=True):
        total += count
        yield "_bucket", {"le": bound}, total
    yield "_count", {}, total
    yield "_sum", {}, values[-1]
