"""Firing alerts from Prometheus, and the runbook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp
from markdown_it import MarkdownIt
from mdit_py_plugins.anchors import anchors_plugin

from workshop.lab.lab import Lab

TIMEOUT = aiohttp.ClientTimeout(total=1)
"""Time limit in seconds. The console refreshes every two seconds, so it shows no alerts rather than wait."""
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
    """Firing alerts, critical ones first; none while Prometheus is missing or does not answer."""
    if lab.component_url("prometheus") is None:
        return []
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as session,
            session.get(f"{lab.component_url('prometheus')}/api/v1/alerts") as answer,
        ):
            body = await answer.json(content_type=None)
            found = [_alert(one) for one in body["data"]["alerts"] if one["state"] == "firing"]
    except (OSError, TimeoutError, aiohttp.ClientError, ValueError, KeyError, TypeError):
        return []
    return sorted(set(found), key=lambda alert: (alert.severity != "critical", alert.name, alert.summary))


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
