"""Prometheus as the checks read it: one number at a time."""

from __future__ import annotations

import json
import ssl
import urllib.parse
import urllib.request

from workshop.checks.finding import HTTP_SECONDS, CheckContext


class NoPrometheus(Exception):
    """Prometheus does not answer; the text says what it said."""


def value(context: CheckContext, query: str) -> float:
    """The value of a query that gives one number; 0 when it gives nothing. Raises NoPrometheus.

    With https it is OpenShift's port for one project: that wants the namespace beside the query, and a token.
    """
    base = context.values.get("PROMETHEUS_URL")
    if not base:
        raise NoPrometheus("Prometheus does not run")
    asked, headers, trust = {"query": query}, {}, None
    if base.startswith("https:"):
        asked["namespace"] = context.namespace("production")
        headers["Authorization"] = f"Bearer {context.env.get('PROMETHEUS_TOKEN', '')}"
        trust = ssl.create_default_context(cafile=context.env.get("PROMETHEUS_CA_FILE") or None)
    request = urllib.request.Request(f"{base}/api/v1/query?{urllib.parse.urlencode(asked)}", headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=HTTP_SECONDS, context=trust) as answer:  # noqa: S310 as provisioned
            found = json.load(answer)["data"]["result"]
            return float(found[0]["value"][1]) if found else 0.0
    except (OSError, ValueError, KeyError) as e:
        raise NoPrometheus(f"Prometheus at {base} does not answer: {e}") from e
