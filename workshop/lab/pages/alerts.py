"""Firing alerts from Prometheus, and the runbook."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from mdit_py_plugins.anchors import anchors_plugin

from workshop.cluster.jsonhttp import NoAnswer
from workshop.cluster.prometheus import Prometheus
from workshop.lab.lab import Lab

SECONDS = 1.0
"""The time limit. The console refreshes every two seconds, so it shows no alerts rather than wait."""
_MARKS = {"critical": "bad", "warning": "warn"}


@dataclass(frozen=True)
class Alert:
    """One firing alert; `heading` is its anchor in the runbook."""

    name: str
    severity: str
    mark: str
    summary: str
    heading: str


async def firing(lab: Lab) -> list[Alert]:
    """Firing alerts of the participant's namespaces, critical ones first.

    None while Prometheus is missing or does not answer.
    """
    prometheus = Prometheus(lab.component_url("prometheus") or "", token=lab.token, seconds=SECONDS)
    try:
        async with asyncio.timeout(SECONDS):
            found = [_alert(one) for one in await asyncio.to_thread(prometheus.firing) if _concerns(lab, one)]
    except (NoAnswer, TimeoutError, ValueError, KeyError, TypeError):
        return []
    return sorted(set(found), key=lambda alert: (alert.severity != "critical", alert.name, alert.summary))


def _concerns(lab: Lab, one: dict[str, Any]) -> bool:
    """Whether an alert is about a namespace of the participant, or about none."""
    namespace = one["labels"].get("namespace")
    return namespace is None or lab.sees(str(namespace))


def _alert(one: dict[str, Any]) -> Alert:
    labels, said = one["labels"], one.get("annotations") or {}
    severity = str(labels.get("severity", "warning"))
    name = str(labels["alertname"])
    heading = str(said.get("runbook_url", "")).rpartition("#")[2] or name.lower()
    return Alert(name, severity, _MARKS.get(severity, "run"), str(said.get("summary") or name), heading)


def runbook(lab: Lab) -> str:
    """The runbook as HTML. Raises OSError if the file does not exist."""
    markdown = MarkdownIt("commonmark", {"html": False}).use(anchors_plugin, max_level=3, permalink=False)
    text = (lab.kit / "grafana" / "runbook.md").read_text(encoding="utf-8")
    return str(markdown.render(text))
