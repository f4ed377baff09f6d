"""The hand-out sheet: each participant's projects, addresses and passwords, to print and to read by programs.

The files hold passwords, so only their owner may read them. The passwords come from the Secrets in the cluster: a sheet
that is lost is written again by the next `workshop cohort provision`.
"""

from __future__ import annotations

import base64
import csv
import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from workshop.cluster.bulk import BulkClient
from workshop.cluster.ingresses import INGRESS, ROUTE, has_routes, host
from workshop.cluster.resources import of_kind
from workshop.cluster.transport import ApiFailure
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import Object, labels_of, name_of
from workshop.participants.names import COHORT, CREDENTIALS, PARTICIPANT, Participant

SHARED = "mlops-workshop"
"""The namespace of the parts that all participants use."""
PASSWORDS = (
    ("git-login", "password", "Git password"),
    (CREDENTIALS, "MLFLOW_TRACKING_TOKEN", "MLflow password"),
)
"""What people type: the Secret, its key, and its name on the sheet."""
PAGES = {"jupyterhub": "JupyterHub", "git": "Git server", "grafana-route": "Grafana"}
"""Routes or Ingresses of the shared parts, and their names on the sheet, in its order."""
OWN_PAGES = {"mlflow": "MLflow", "el-github": "Webhook for branches", "el-production": "Webhook for tags"}
"""Routes or Ingresses of each participant's own parts."""
_STYLE = """body{font:11pt/1.4 sans-serif;margin:0}
section{break-inside:avoid;border:1px solid #999;padding:1em;margin:1em}
h2{margin:0 0 .5em}td{padding:.1em 1em .1em 0;vertical-align:top}td+td{font-family:monospace;word-break:break-all}
@page{margin:1.5cm}"""


@dataclass(frozen=True)
class Card:
    """One participant's part of the sheet: labels and values in order."""

    name: str
    lines: tuple[tuple[str, str], ...]


async def addresses(client: BulkClient, known: Sequence[ApiResource]) -> dict[str, str]:
    """The pages that participants open, by their names on the sheet; those that the cluster has. Raises ApiFailure."""
    found = {"API server": client.config.server}
    configmap = of_kind(known, "v1", "ConfigMap")
    if has_routes(known) and configmap is not None:
        try:
            public = await client.get(configmap.path("openshift-config-managed", "console-public"))
            found["Console"] = str((public.get("data") or {}).get("consoleURL", ""))
        except ApiFailure as e:
            if e.code not in (403, 404):
                raise
    kind = of_kind(known, *(ROUTE if has_routes(known) else INGRESS))
    hosts = {name_of(one): host(one) for one in await client.list(kind, SHARED)} if kind is not None else {}
    found |= {label: f"https://{hosts[name]}" for name, label in PAGES.items() if hosts.get(name)}
    return {label: url for label, url in found.items() if url}


async def own_addresses(client: BulkClient, known: Sequence[ApiResource], cohort: str) -> dict[str, dict[str, str]]:
    """Each participant's own pages, by their names on the sheet; those whose host is known. Raises ApiFailure."""
    found: dict[str, dict[str, str]] = {}
    kind = of_kind(known, *(ROUTE if has_routes(known) else INGRESS))
    if kind is not None:
        for one in await client.list(kind, labels=f"{COHORT}={cohort}"):
            if (label := OWN_PAGES.get(name_of(one))) and host(one):
                found.setdefault(labels_of(one).get(PARTICIPANT, ""), {})[label] = f"https://{host(one)}"
    return found


def cards(
    names: Sequence[str],
    pages: Mapping[str, str],
    own: Mapping[str, Mapping[str, str]],
    secrets: Mapping[str, Mapping[str, Object]],
) -> list[Card]:
    """The cards in the order of the names.

    `pages` are for all, `own` and `secrets` by participant. The secrets are objects by name, with their data.
    """
    made = []
    for name in names:
        lines = [("User name", name), ("Projects", ", ".join(Participant(name).namespaces)), *pages.items()]
        lines += sorted(own.get(name, {}).items())
        for secret, key, label in PASSWORDS:
            value = ((secrets.get(name) or {}).get(secret, {}).get("data") or {}).get(key)
            if value:
                lines.append((label, base64.b64decode(value).decode()))
        made.append(Card(name, tuple(lines)))
    return made


def write(folder: Path, cohort: str, made: Sequence[Card]) -> list[Path]:
    """Write participants.md, .csv and .html, readable by their owner only; returns the paths. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    texts = {"md": _markdown(cohort, made), "csv": _csv(made), "html": _html(cohort, made)}
    paths = []
    for suffix, text in texts.items():
        path = folder / f"participants.{suffix}"
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".participants.")  # mkstemp makes it 0600
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(temporary).replace(path)
        paths.append(path)
    return paths


def _markdown(cohort: str, made: Sequence[Card]) -> str:
    parts = [f"# Participants of {cohort}\n"]
    for card in made:
        rows = "".join(f"| {label} | `{value}` |\n" for label, value in card.lines)
        parts.append(f"## {card.name}\n\n| | |\n|---|---|\n{rows}")
    return "\n".join(parts)


def _csv(made: Sequence[Card]) -> str:
    columns = list(dict.fromkeys(label for card in made for label, _ in card.lines))
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, restval="")
    writer.writeheader()
    writer.writerows(dict(card.lines) for card in made)
    return file.getvalue()


def _html(cohort: str, made: Sequence[Card]) -> str:
    sections = []
    for card in made:
        rows = "".join(f"<tr><td>{escape(label)}</td><td>{escape(value)}</td></tr>" for label, value in card.lines)
        sections.append(f"<section><h2>{escape(card.name)}</h2><table>{rows}</table></section>")
    title = f"Participants of {escape(cohort)}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(sections)}</body></html>\n"
    )
