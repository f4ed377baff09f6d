"""The model's own metrics, as Seldon counts and labels them, but exact and in valid exposition.

``metrics()`` returns ``{"type", "key", "value", "tags"}`` entries: COUNTER adds, GAUGE sets, TIMER observes
milliseconds and is exposed in seconds. A family appears once however many label sets it has. An entry that
would spoil the exposition (a bad name, a counter that falls, one name for two types, too many label sets) is
refused with an error and the rest of /metrics stays readable.
"""

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import NamedTuple

from prometheus_client.core import Metric
from prometheus_client.utils import floatToGoString

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*\Z")
TYPES = ("COUNTER", "GAUGE", "TIMER")
MAX_SERIES = 1000
RESERVED = ("seldon_api_", "process_", "python_")

# Seldon's timer buckets: 50 bounds, evenly spaced in the logarithm from 1 ms to 30 s, then infinity.
TIMER_BOUNDS = [10 ** (-3 + (math.log10(30) + 3) * step / 49) for step in range(50)]

Labels = tuple[tuple[str, str], ...]


class MetricError(ValueError):
    """An entry of ``metrics()`` that cannot be counted; the text says which and why."""


@dataclass(slots=True)
class _Family:
    kind: str
    series: dict[Labels, list[float]] = field(default_factory=dict)


class Sample(NamedTuple):
    """One checked entry of ``metrics()``, ready to be counted."""

    kind: str
    name: str
    value: float
    tags: Labels


def parse_metrics(entries: object) -> list[Sample]:
    """Check what ``metrics()`` returned; ``MetricError`` names the entry and what is allowed."""
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise MetricError(f"metrics() returned {type(entries).__name__}; it must return a list")
    return [_sample(position, entry) for position, entry in enumerate(entries)]


def _sample(position: int, entry: object) -> Sample:
    where = f"metrics()[{position}]"
    if not isinstance(entry, dict):
        raise MetricError(f"{where} must be an object with type, key and value")
    tags = entry.get("tags")
    kind, name, value = entry.get("type", "COUNTER"), entry.get("key"), entry.get("value")
    if tags and not isinstance(tags, dict):
        raise MetricError(f"{where}: tags of {name} must be an object")
    try:
        labels = _checked(kind, name, tuple(tags.items()) if tags else ())
    except TypeError:
        raise MetricError(f"{where}: {name} has tags that are no text") from None
    except MetricError as error:
        raise MetricError(f"{where}: {error}") from None
    try:
        number = float(value)  # type: ignore[arg-type]  # numpy's scalars are welcome too
    except (TypeError, ValueError):
        raise MetricError(f"{where}: {name} has value {value!r}; it must be a number") from None
    if not math.isfinite(number) or (kind != "GAUGE" and number < 0):
        raise MetricError(f"{where}: {kind} {name} cannot take {value!r}")
    return Sample(kind, str(name), number, labels)


@lru_cache(4096)
def _checked(kind: object, name: object, tags: tuple[tuple[object, object], ...]) -> Labels:
    """The tags as labels, sorted. Remembered: a model says the same names with every prediction."""
    if not isinstance(name, str) or not NAME.match(name):
        raise MetricError(f"key is {name!r}; allowed: letters, digits, _ and :, no digit first")
    if name.startswith(RESERVED):
        raise MetricError(f"{name} begins with a reserved prefix ({', '.join(RESERVED)})")
    if kind not in TYPES:
        raise MetricError(f"{name} has type {kind!r}; allowed are {', '.join(TYPES)}")
    for label, _ in tags:
        if not isinstance(label, str) or not LABEL.match(label) or label == "le":
            raise MetricError(f"{name} has the tag {label!r}, which is no label name")
    return tuple(sorted((str(label), str(text)) for label, text in tags))


class ModelMetrics:
    """A registry's collector. ``labels`` stand on every series and override the model's tags."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = dict(labels)
        self._families: dict[str, _Family] = {}
        self._known: dict[tuple[str, str, Labels, str], list[float]] = {}
        self._taken: dict[str, str] = {}
        self._lock = Lock()

    def update(self, samples: Sequence[Sample], method: str) -> None:
        """Count the samples of one call of ``method`` (predict, feedback); all of them or none."""
        with self._lock:
            found = [self._series(sample, method) for sample in samples]
            for sample, series in zip(samples, found, strict=True):
                if sample.kind == "COUNTER":
                    series[0] += sample.value
                elif sample.kind == "GAUGE":
                    series[0] = sample.value
                else:
                    seconds = sample.value / 1000
                    series[bisect_left(TIMER_BOUNDS, seconds)] += 1
                    series[-1] += seconds

    def _series(self, sample: Sample, method: str) -> list[float]:
        """The numbers of one label set: one, or a timer's buckets, overflow and sum."""
        shortcut = (sample.kind, sample.name, sample.tags, method)
        series = self._known.get(shortcut)
        if series is None:
            family = self._family(sample)
            key = tuple(sorted({**dict(sample.tags), "method": method}.items()))
            series = family.series.get(key)
            if series is None:
                if len(family.series) >= MAX_SERIES:
                    raise MetricError(f"{sample.name} has {MAX_SERIES} label sets: a tag varies too much")
                size = len(TIMER_BOUNDS) + 2 if sample.kind == "TIMER" else 1
                series = family.series[key] = [0.0] * size
            self._known[shortcut] = series
        return series

    def _family(self, sample: Sample) -> _Family:
        """The family of that name; refuses a name whose series another family already writes."""
        name = sample.name.removesuffix("_total") if sample.kind == "COUNTER" else sample.name
        family = self._families.get(name)
        if family is not None and family.kind == sample.kind:
            return family
        suffixes = {"COUNTER": ("_total",), "GAUGE": ("",), "TIMER": ("_bucket", "_count", "_sum")}[sample.kind]
        for written in [name, *(name + suffix for suffix in suffixes)]:
            owner = self._taken.get(written)
            if owner is not None:
                raise MetricError(f"{sample.kind} {sample.name} would write {written}, which is {owner}'s")
        for written in [name, *(name + suffix for suffix in suffixes)]:
            self._taken[written] = f"{sample.kind} {name}"
        family = self._families[name] = _Family(sample.kind)
        return family

    def collect(self) -> Iterator[Metric]:
        """One family at a time, each with all its label sets."""
        with self._lock:
            families = [
                (name, family.kind, [(key, list(values)) for key, values in family.series.items()])
                for name, family in self._families.items()
            ]
        for name, kind, series in families:
            metric = Metric(name, f"the model's own {kind.lower()}", _PROMETHEUS_TYPE[kind])
            for key, values in series:
                labels = {**dict(key), **self._labels}
                if kind == "COUNTER":
                    metric.add_sample(name + "_total", labels, values[0])
                elif kind == "GAUGE":
                    metric.add_sample(name, labels, values[0])
                else:
                    _add_timer(metric, name, labels, values)
            yield metric


_PROMETHEUS_TYPE = {"COUNTER": "counter", "GAUGE": "gauge", "TIMER": "histogram"}


def _add_timer(metric: Metric, name: str, labels: dict[str, str], values: list[float]) -> None:
    total = 0.0
    for bound, count in zip([*TIMER_BOUNDS, math.inf], values[:-1], strict=True):
        total += count
        metric.add_sample(name + "_bucket", {**labels, "le": _le(bound)}, total)
    metric.add_sample(name + "_count", labels, total)
    metric.add_sample(name + "_sum", labels, values[-1])


def _le(bound: float) -> str:
    text: str = floatToGoString(bound)  # type: ignore[no-untyped-call]
    return text
