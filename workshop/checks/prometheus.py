"""Prometheus as the checks read it: one number at a time."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request

from workshop.checks.finding import HTTP_SECONDS, CheckContext


class NoPrometheus(Exception):
    """Prometheus does not answer; the text says what it said."""


def value(context: CheckContext, query: str) -> float:
    """The value of a query that gives one number; 0 when it gives nothing. Raises NoPrometheus."""
    base = context.values.get("PROMETHEUS_URL")
    if not base:
        raise NoPrometheus("Prometheus does not run")
    address = f"{base}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        with urllib.request.urlopen(address, timeout=HTTP_SECONDS) as answer:  # noqa: S310 the lab's address
            found = json.load(answer)["data"]["result"]
            return float(found[0]["value"][1]) if found else 0.0
    except (OSError, ValueError, KeyError) as e:
        raise NoPrometheus(f"Prometheus at {base} does not answer: {e}") from e
