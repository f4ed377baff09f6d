"""`workshop status`: what runs, its address and its memory."""

from __future__ import annotations

import argparse
import shlex
import ssl
import urllib.request
from typing import Any

import psutil

from workshop import output
from workshop.errors import SetupError
from workshop.lab.components import COMPONENTS
from workshop.lab.endpoints import SHOWN, endpoint_names
from workshop.lab.paths import LabPaths, lab_paths
from workshop.lab.report import read, running_pid

ANSWER_SECONDS = 3.0
SILENT = (
    "the lab runs and its API does not answer; workshop logs shows what it does, "
    "workshop down and workshop up start it again"
)


def status(words: argparse.Namespace) -> int:
    """Print the components and the endpoints; exit 3 if the lab does not run or does not answer."""
    where = lab_paths()
    found = status_of(where)
    if words.output == output.JSON:
        output.emit(found)
    else:
        _show(where, found)
    return 0 if found["running"] and found["phase"] != "failed" else SetupError.exit_code


def status_of(where: LabPaths) -> dict[str, Any]:
    """The report with memory; every part is `stopped` if the supervisor has ended.

    The report is what the supervisor wrote last; a request to its API shows whether it answers. Memory is the
    proportional set size (PSS) of a component's processes in bytes, which counts shared pages once.
    """
    report = read(where)
    running = running_pid(where) is not None
    phase = report.phase if report and running else "stopped"
    silent = phase == "ready" and report is not None and not _answers(where, report.endpoints.get("api"))
    components = []
    for part in report.components if report else []:
        alive = running and part.pid is not None
        shown, message = part.state if running or part.state == "missing" else "stopped", part.message
        if silent and part.name == "lab":
            shown, message = "failed", SILENT
        components.append(
            {
                "name": part.name,
                "state": shown,
                "url": part.url if alive else None,
                "pid": part.pid if alive else None,
                "rss_bytes": memory(part.pid, own=part.name in ("lab", "launcher")) if alive and part.pid else None,
                **({"message": message} if message else {}),
            }
        )
    known = report.endpoints_of(where.participant) if report and running else {}
    endpoints = known or dict.fromkeys(endpoint_names(COMPONENTS))
    return {
        "running": running,
        "phase": "failed" if silent else phase,
        "components": components,
        "endpoints": endpoints,
        "participants": list(report.participants) if report and running else [],
    }


def _answers(where: LabPaths, api: str | None) -> bool:
    """Whether the API answers within ANSWER_SECONDS."""
    try:
        trusted = ssl.create_default_context(cafile=where.tls / "ca.crt")
        with urllib.request.urlopen(f"{api}/livez", timeout=ANSWER_SECONDS, context=trusted) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False


def memory(pid: int, *, own: bool = False) -> int | None:
    """Bytes of a process and its children; with `own`, without its children, which are components themselves."""
    try:
        process = psutil.Process(pid)
        family = [process] if own else [process, *process.children(recursive=True)]
        return sum(_pss(p) for p in family)
    except psutil.Error:
        return None


def _pss(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    except psutil.Error:
        return 0


def _show(where: LabPaths, found: dict[str, Any]) -> None:
    if not found["components"]:
        output.say(f"no lab on {where.root}")
        output.say("  workshop up starts it; make lab takes the model to production")
        return
    rows = []
    total = 0
    for part in found["components"]:
        total += part["rss_bytes"] or 0
        size = f"{part['rss_bytes'] / 2**20:.0f} MiB" if part["rss_bytes"] else ""
        rows.append([part["name"], part["state"], part["url"] or "", part["pid"] or "", size])
    output.table(["NAME", "STATE", "URL", "PID", "MEMORY"], rows)
    for part in found["components"]:
        if part.get("message"):
            output.say(f"  {part['name']}: {part['message']}")
    if not found["running"]:
        output.say("\nthe lab does not run\n  workshop up starts it")
        return
    if len(found["participants"]) > 1:
        output.say(f"\n{len(found['participants'])} participants: workshop links prints the link of each")
    output.say()
    for name in SHOWN:
        if found["endpoints"].get(name):
            output.say(f"{name:<11} {found['endpoints'][name]}")
    try:
        token = where.token.read_text().strip()
        output.say(f"\nopen in a browser: {found['endpoints']['console']}/#token={token}")
        output.say(f"in a terminal:     export KUBECONFIG={shlex.quote(str(where.kubeconfig))}   or: workshop shell")
        output.say(f"as administrator:  export KUBECONFIG={shlex.quote(str(where.administrator))}")
    except OSError:
        pass
