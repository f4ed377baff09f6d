"""`workshop doctor`: whether this machine has what the lab needs, and what to do if it does not."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from workshop import output
from workshop.cluster.kubectl import kubectl
from workshop.commands.up import NOT_LINUX
from workshop.errors import EnvironmentFault
from workshop.isolation import EXCEPTIONS, LOOPBACK, PROXIES, ignored
from workshop.lab.paths import KIT, LabPaths, lab_paths
from workshop.lab.ports import PREFERRED, is_free
from workshop.lab.report import running_pid
from workshop.lab.supervisor import MIN_FREE_BYTES
from workshop.programs import NEEDED, PACKAGES, find

OPTIONAL = {
    "grafana": "the lab draws the dashboards itself",
    "oc": "the lab brings kubectl with the verbs of oc",
    "chromium": "only browser tests need it",
    "podman": "steps run as processes",
}
"""Programs that the lab uses when they are there, and what holds when they are not."""


@dataclass(frozen=True)
class Finding:
    """One thing that was checked. A finding that is `needed` and not ok makes the command fail; `fix` says what to do.

    What is not needed and not there is no fault.
    """

    name: str
    ok: bool
    found: str
    needed: bool = True
    fix: str = ""

    @property
    def state(self) -> str:
        """`ok`, `failed` or `optional`."""
        return "ok" if self.ok else "failed" if self.needed else "optional"


def doctor(words: argparse.Namespace) -> int:
    """Print the findings; exit 3 when something that is needed is not there."""
    findings = _doctor(lab_paths())
    if words.output == output.JSON:
        output.emit({"findings": [asdict(f) for f in findings]})
    else:
        output.table(["", "WHAT", "FOUND"], [[f.state, f.name, f.found] for f in findings])
        for finding in findings:
            if finding.state == "failed":
                output.say(f"  {finding.name}: {finding.fix}")
    return 0 if all(f.ok or not f.needed for f in findings) else EnvironmentFault.exit_code


def _doctor(where: LabPaths) -> list[Finding]:
    """Everything the lab depends on, in the order in which one would fix it."""
    return [
        *_machine(),
        *(_program(name) for package in NEEDED for name in PACKAGES[package].programs),
        *_folders(where),
        *_terminal(os.environ, ignored),
        _ports(where),
        *(_tool(name, needed=False, otherwise=otherwise) for name, otherwise in OPTIONAL.items()),
    ]


def _machine() -> list[Finding]:
    version = ".".join(str(n) for n in sys.version_info[:3])
    complete = all(importlib.util.find_spec(name) for name in ("mlflow", "dvc", "jupyterhub", "onnxruntime", "uvicorn"))
    return [
        Finding("system", sys.platform == "linux", sys.platform, fix=NOT_LINUX),
        Finding("python", (3, 11) <= sys.version_info < (3, 14), version, fix="install Python 3.11, 3.12 or 3.13"),
        Finding("packages", complete, "installed" if complete else "incomplete", fix="make setup"),
        _tool("git", fix="install git, for instance sudo apt-get install git"),
        _tool("bash", fix="install bash"),
        _kubectl(),
    ]


def _program(name: str) -> Finding:
    """A program of the catalog: which one is used, and where it came from."""
    found = find(name)
    if found is None:
        return Finding(name, False, "not there", fix="make setup")
    return Finding(name, True, f"{found.version} from {found.origin}: {found.path}")


def _folders(where: LabPaths) -> list[Finding]:
    root = where.root if where.root.exists() else where.root.parent
    free = shutil.disk_usage(root).free
    elsewhere = "set WORKSHOP_STATE to a folder"
    return [
        Finding(
            "disk",
            free >= MIN_FREE_BYTES,
            f"{free // 2**30} GiB free at {root}",
            fix=f"free some space or {elsewhere} on another disk",
        ),
        Finding("state folder", os.access(root, os.W_OK), str(where.root), fix=f"{elsewhere} that you may write to"),
        *(_readable(name, path) for name, path in (("path of the kit", KIT), ("path of the state", where.root))),
    ]


def _readable(name: str, path: Path) -> Finding:
    """Whether a path is text. Programs store paths in files, as UTF-8; other bytes do not get there."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return Finding(name, False, ascii(str(path)), fix="rename the folder: its name is not UTF-8")
    return Finding(name, True, "any letters, spaces and quotes will do")


def _terminal(env: Mapping[str, str], foreign: Sequence[str]) -> list[Finding]:
    """What the terminal sets and the lab corrects for its own processes."""
    proxies = sorted({name.upper() for name in PROXIES if env.get(name)})
    past = all(set(LOOPBACK) <= set(env.get(name, "").split(",")) for name in EXCEPTIONS)
    return [
        Finding(
            "proxy",
            not proxies or past,
            f"{', '.join(proxies)}; not for the lab's own addresses" if proxies else "none",
            fix=f"export NO_PROXY={','.join(LOOPBACK)}",
        ),
        Finding("PYTHONPATH", True, f"{os.pathsep.join(foreign)}, which the lab ignores" if foreign else "not set"),
    ]


def _ports(where: LabPaths) -> Finding:
    """Ports that others use are no fault: the lab takes other ones."""
    if running_pid(where) is not None:
        return Finding("ports", True, "the lab has them")
    busy = [f"{name} {port}" for name, port in PREFERRED.items() if not is_free(port)]
    return Finding("ports", True, f"in use: {', '.join(busy)}; the lab takes others" if busy else "free")


def _kubectl() -> Finding:
    try:
        return Finding("kubectl", True, kubectl())
    except EnvironmentFault as e:
        return Finding("kubectl", False, "not there", fix=e.hint)


def _tool(name: str, *, needed: bool = True, fix: str = "", otherwise: str = "") -> Finding:
    path = shutil.which(name)
    return Finding(name, path is not None, path or f"not there; {otherwise}", needed=needed, fix=fix)
