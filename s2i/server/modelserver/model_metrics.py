"""The model's own metrics: what ``metrics()`` returned, checked and counted, so that /metrics always stays readable.

``{"type", "key", "value", "tags"}`` entries: COUNTER adds, GAUGE sets, TIMER observes milliseconds and is
exposed in seconds. A bad name, a counter that falls, one name for two types or a tag that is no label is
refused with an error and the rest of /metrics stays readable.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from modelserver.families import BOUNDS, MetricError, Writer, observe, set_gauge
from modelserver.shared import Labels

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*\Z")
TYPES = ("COUNTER", "GAUGE", "TIMER")
RESERVED = ("seldon_api_", "model_server_", "process_", "python_")
MAX_REMEMBERED = 10_000

Tags = tuple[tuple[object, object], ...]
_TIMER_BOUNDS = BOUNDS["TIMER"]


@dataclass(frozen=True, slots=True)
class _Series:
    """Where an entry's value goes, and the entry as an answer shows it, without the value."""

    kind: str
    numbers: memoryview
    shown: Mapping[str, object]


class ModelMetrics:
    """Counts a model's entries with one writer. All methods may be called from any thread."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._lock = Lock()
        # A model says the same names with every prediction.
        self._known: dict[tuple[object, object, str, Tags], _Series] = {}

    def count(self, entries: object, method: str) -> list[dict[str, object]]:
        """Count the entries of one call of ``method`` (predict, feedback), all or none, and return them.

        Raises ``MetricError``, which names the entry and what is allowed.
        """
        found = self._read(entries, method)
        with self._lock:
            for series, value in found:
                if series.kind == "COUNTER":
                    series.numbers[0] += value
                elif series.kind == "GAUGE":
                    set_gauge(series.numbers, value)
                else:
                    observe(series.numbers, _TIMER_BOUNDS, value / 1000)
        return [{**series.shown, "value": value} for series, value in found]

    def name(self, entries: object, method: str) -> None:
        """Show the counters among the entries, as 0 if they are new, and set the gauges. Raises ``MetricError``."""
        with self._lock:
            for series, value in self._read(entries, method):
                if series.kind == "GAUGE":
                    set_gauge(series.numbers, value)

    def _read(self, entries: object, method: str) -> list[tuple[_Series, float]]:
        if not isinstance(entries, Sequence) or isinstance(entries, str):
            raise MetricError(f"metrics() returned {type(entries).__name__}; it must return a list")
        found = []
        for position, entry in enumerate(entries):
            try:
                found.append(self._entry(entry, method))
            except MetricError as error:
                raise MetricError(f"metrics()[{position}]: {error}") from None
        return found

    def _entry(self, entry: object, method: str) -> tuple[_Series, float]:
        if not isinstance(entry, dict):
            raise MetricError("it must be an object with type, key and value")
        tags = entry.get("tags")
        kind, name, value = entry.get("type", "COUNTER"), entry.get("key"), entry.get("value")
        if tags and not isinstance(tags, dict):
            raise MetricError(f"tags of {name} must be an object")
        key = (kind, name, method, tuple(tags.items()) if tags else ())
        try:
            series = self._known.get(key)
        except TypeError:
            raise MetricError(f"{name} has tags that are no text") from None
        try:
            number = float(value)  # type: ignore[arg-type]  # numpy's scalars are welcome too
        except (TypeError, ValueError):
            raise MetricError(f"{name} has value {value!r}; it must be a number") from None
        if not math.isfinite(number) or (number < 0 and kind != "GAUGE"):
            raise MetricError(f"{kind} {name} cannot take {value!r}")
        return self._series(*key) if series is None else series, number

    def _series(self, kind: object, name: object, method: str, tags: Tags) -> _Series:
        if not isinstance(name, str) or not NAME.match(name):
            raise MetricError(f"key is {name!r}; allowed: letters, digits, _ and :, no digit first")
        if name.startswith(RESERVED):
            raise MetricError(f"{name} begins with a reserved prefix ({', '.join(RESERVED)})")
        if not isinstance(kind, str) or kind not in TYPES:
            raise MetricError(f"{name} has type {kind!r}; allowed are {', '.join(TYPES)}")
        for label, _ in tags:
            if not isinstance(label, str) or not LABEL.match(label) or label == "le":
                raise MetricError(f"{name} has the tag {label!r}, which is no label name")
        shown: dict[str, object] = {"key": name, "type": kind}
        texts = {str(label): str(text) for label, text in tags}
        if texts:
            shown["tags"] = texts
        labels: Labels = tuple(sorted({**texts, "method": method}.items()))
        series = _Series(kind, self._writer.series(name, kind, labels), shown)
        if len(self._known) < MAX_REMEMBERED:
            self._known[kind, name, method, tags] = series
        return series
