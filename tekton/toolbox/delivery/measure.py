"""What each predictor did since a moment, from the counters that the model server and the model keep."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from delivery import counters
from delivery.prometheus import Prometheus, Series, increase
from delivery.quality import NOTHING_KNOWN
from delivery.rules import TrafficStats
from delivery.task import TASKS
from delivery.usecase import Config


def since(prometheus: Prometheus, namespace: str, config: Config, *moments: float) -> list[dict[str, TrafficStats]]:
    """For each moment (Unix seconds), what every predictor did since; the samples are fetched once."""
    name = config.deployment
    selectors = (
        counters.requests(namespace, name),
        counters.latency_buckets(namespace, name),
        counters.deciles(namespace, name),
        counters.truth(TASKS[config.task].counter, namespace, name),
    )
    fetched = [prometheus.range(selector, min(moments)) for selector in selectors]
    return [_stats(config, fetched, moment) for moment in moments]


def _stats(config: Config, fetched: Sequence[Sequence[Series]], moment: float) -> dict[str, TrafficStats]:
    requests, buckets, deciles, truth = fetched
    found: dict[str, TrafficStats] = defaultdict(lambda: TrafficStats(quality=NOTHING_KNOWN[config.task]))
    for name, labels, amount in _events(requests, moment):
        code, count, before = labels.get("code", ""), round(amount), found[name]
        found[name] = replace(
            before,
            requests=before.requests + count,
            errors=before.errors + count * code.startswith("5"),
            refused=before.refused + count * code.startswith("4"),
        )
    within: dict[str, dict[float, int]] = defaultdict(lambda: defaultdict(int))
    for name, labels, amount in _events(buckets, moment):
        if math.isfinite(bound := float(labels["le"])):
            within[name][bound] += round(amount)
    for name, counts in within.items():
        seen = found[name]
        slower = {bound: seen.requests - min(count, seen.requests) for bound, count in counts.items()}
        found[name] = replace(seen, slower=slower)
    for name, labels, amount in _events(deciles, moment):
        tenths = list(found[name].deciles)
        tenths[int(labels["decile"])] += round(amount)
        found[name] = replace(found[name], deciles=tuple(tenths))
    for name, labels, amount in _events(truth, moment):
        found[name] = replace(found[name], quality=found[name].quality.plus(labels, amount, config.classes))
    return found


def _events(series: Sequence[Series], moment: float) -> list[tuple[str, dict[str, str], float]]:
    """Predictor, labels and growth since the moment of each series."""
    return [(one.labels.get("predictor_name", ""), dict(one.labels), increase(one.points, moment)) for one in series]
