"""What each predictor did since a moment, from the counters that the model server and the model keep.

The names of the counters are in the repository's grafana/, where dashboards take them from too, so this runs in a
whole clone and not in a model's image.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flights.card import CLASSES
from flights.promotion.prometheus import Prometheus, Series, counted
from flights.promotion.rules import Seen

_CLONE = Path(__file__).resolve().parents[3]


def since(prometheus: Prometheus, namespace: str, deployment: str, *moments: float) -> list[dict[str, Seen]]:
    """For each moment (Unix seconds), what every predictor did since; the samples are fetched once."""
    queries = _queries()
    asked = [ask(namespace, deployment) for ask in (queries.requests, queries.latency_buckets, queries.deciles,
                                                    queries.outcomes)]  # fmt: skip
    fetched = [prometheus.range(selector, min(moments)) for selector in asked]
    return [_seen(*fetched, moment=moment) for moment in moments]


def _seen(
    requests: list[Series], buckets: list[Series], deciles: list[Series], outcomes: list[Series], *, moment: float
) -> dict[str, Seen]:
    found: dict[str, Seen] = defaultdict(Seen)

    def events(series: list[Series]) -> list[tuple[str, Mapping[str, str], int]]:
        return [(one.labels.get("predictor_name", ""), one.labels, counted(one.points, moment)) for one in series]

    for name, labels, count in events(requests):
        code, before = labels.get("code", ""), found[name]
        found[name] = replace(
            before,
            requests=before.requests + count,
            errors=before.errors + count * code.startswith("5"),
            refused=before.refused + count * code.startswith("4"),
        )
    for name, labels, count in events(buckets):
        bound = float(labels["le"])
        if math.isfinite(bound):
            slower = dict(found[name].slower)
            slower[bound] = slower.get(bound, 0) + count
            found[name] = replace(found[name], slower=slower)
    for name, seen in found.items():
        # Until here `slower` has those that were within the bound.
        within = {bound: seen.requests - min(count, seen.requests) for bound, count in seen.slower.items()}
        found[name] = replace(seen, slower=within)
    for name, labels, count in events(deciles):
        tenths = list(found[name].deciles)
        tenths[int(labels["decile"])] += count
        found[name] = replace(found[name], deciles=tuple(tenths))
    for name, labels, count in events(outcomes):
        key = (CLASSES.index(labels["predicted"]), CLASSES.index(labels["actual"]))
        known = dict(found[name].outcomes)
        known[key] = known.get(key, 0) + count
        found[name] = replace(found[name], outcomes=known)
    return found


def _queries() -> Any:
    if str(_CLONE) not in sys.path:
        sys.path.append(str(_CLONE))
    from grafana import promotion

    return promotion
