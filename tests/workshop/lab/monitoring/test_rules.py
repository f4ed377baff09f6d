"""A PrometheusRule as a file of Prometheus."""

from __future__ import annotations

import pytest

from workshop.lab.monitoring.rules import in_namespace


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("up", 'up{namespace="a"}'),
        ("up{}", 'up{namespace="a"}'),
        ('up{namespace=~".+"}', 'up{namespace="a",namespace=~".+"}'),
        ('{__name__="up"} offset 5m', '{__name__="up",namespace="a"} offset 5m'),
        ('rate(x{b="}{"}[5m])', 'rate(x{b="}{",namespace="a"}[5m])'),
        ("count_over_time((sum(x) > 1)[1h:1m])", 'count_over_time((sum(x{namespace="a"}) > 1)[1h:1m])'),
        ("x / on () y unless z", 'x{namespace="a"} / on () y{namespace="a"} unless z{namespace="a"}'),
    ],
)
def test_the_namespace_goes_into_every_selector(query: str, wanted: str) -> None:
    assert " ".join(in_namespace(query, "a").split()) == wanted
