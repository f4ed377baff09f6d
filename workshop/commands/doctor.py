"""`workshop doctor`: whether this machine has what the lab needs, and what to do where it has not."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
from dataclasses import asdict, dataclass

from workshop import output
from workshop.cluster.kubectl import kubectl
from workshop.errors import EnvironmentFault
from workshop.lab.paths import LabPaths, lab_paths
from workshop.lab.ports import PREFERRED, is_free
from workshop.lab.report import running_pid
from workshop.lab.supervisor import MIN_FREE_BYTES


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `needed` findings that are not ok make the command fail."""

    name: str
    ok: bool
    found: str
    needed: bool = True
    fix: str = ""


def doctor(words: argparse.Namespace) -> int:
    """Print the findings; exit 3 when something that is needed is not there."""
    findings = _doctor(lab_paths())
    if words.output == output.JSON:
        output.emit({"findings": [asdict(f) for f in findings]})
    else:
        output.table(
            ["", "WHAT", "FOUND"],
            [["ok" if f.ok else "failed" if f.needed else "missing", f.name, f.found] for f in findings],
        )
        for finding in findings:
            if not finding.ok:
                output.say(f"  {finding.name}: {finding.fix}")
    return 0 if all(f.ok or not f.needed for f in findings) else EnvironmentFault.exit_code


def _doctor(where: LabPaths) -> list[Finding]:
    """Everything the lab depends on, in the order in which one would fix it."""
    version = ".".join(str(n) for n in sys.version_info[:3])
    findings = [
        Finding("python", (3, 11) <= sys.version_info < (3, 14), version, fix="install Python 3.11, 3.12 or 3.13"),
        Finding("packages", _packages(), "installed" if _packages() else "incomplete", fix="make setup"),
        _tool("git", needed=True, fix="install git, for instance sudo apt-get install git"),
        _tool("bash", needed=True, fix="install bash"),
    ]
    findings.append(_kubectl())
    root = where.root if where.root.exists() else where.root.parent
    free = shutil.disk_usage(root).free
    findings.append(
        Finding(
            "disk",
            free >= MIN_FREE_BYTES,
            f"{free // 2**30} GiB free at {root}",
            fix="free some space or set WORKSHOP_STATE to a folder on another disk",
        )
    )
    findings.append(
        Finding(
            "state folder",
            os.access(root, os.W_OK),
            str(where.root),
            fix="set WORKSHOP_STATE to a folder that you may write to",
        )
    )
    running = running_pid(where) is not None
    busy = [f"{name} {port}" for name, port in PREFERRED.items() if not running and not is_free(port)]
    findings.append(
        Finding(
            "ports",
            not busy,
            "in use: " + ", ".join(busy) if busy else "the lab has them" if running else "free",
            needed=False,
            fix="nothing to do: the lab takes other ports",
        )
    )
    for name, fix in (
        ("prometheus", "sudo apt-get install prometheus; without it dashboards stay empty"),
        ("grafana", "nothing to do: the lab draws the dashboards itself"),
        ("oc", "nothing to do: the lab brings kubectl with the verbs of oc"),
        ("chromium", "sudo apt-get install chromium; without it the browser tests are skipped"),
        ("podman", "nothing to do: steps run as processes"),
    ):
        findings.append(_tool(name, needed=False, fix=fix))
    return findings


def _tool(name: str, *, needed: bool, fix: str) -> Finding:
    path = shutil.which(name)
    return Finding(name, path is not None, path or "not on PATH", needed=needed, fix=fix)


def _kubectl() -> Finding:
    try:
        return Finding("kubectl", True, kubectl())
    except EnvironmentFault as e:
        return Finding("kubectl", False, "missing", fix=e.hint)


def _packages() -> bool:
    return all(importlib.util.find_spec(name) for name in ("mlflow", "dvc", "jupyterhub", "onnxruntime", "uvicorn"))
