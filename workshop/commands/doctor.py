"""`workshop doctor`: whether this machine has what the lab needs, and how to fix what is missing."""

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
from workshop.errors import SetupError
from workshop.isolation import EXCEPTIONS, LOOPBACK, PROXIES, ignored
from workshop.lab.components import COMPONENTS
from workshop.lab.parts import Components, Tool
from workshop.lab.paths import KIT, MIN_FREE_BYTES, LabPaths, lab_paths
from workshop.lab.ports import is_free, preferred
from workshop.lab.report import running_pid
from workshop.lab.runtimes.choice import PODMAN, chosen
from workshop.lab.runtimes.podman import program as podman
from workshop.programs import NEEDED, PACKAGES, find

PYTHON_PACKAGES = ("dvc", "onnxruntime", "uvicorn")
"""What the lock has for the lab itself; components name their own."""
OPTIONAL = (
    Tool("oc", otherwise="the lab brings kubectl with the verbs of oc"),
    Tool("chromium", otherwise="only browser tests need it"),
)
"""Optional programs, and what works without them."""


@dataclass(frozen=True)
class Finding:
    """The result of one check. A finding that is `needed` and not ok makes the command fail; `fix` says what to do.

    A missing optional program is not a fault.
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
    """Print the findings; exit 3 if something needed is missing."""
    found = findings(lab_paths(), COMPONENTS)
    if words.output == output.JSON:
        output.emit({"findings": [asdict(f) for f in found]})
    else:
        output.table(["", "WHAT", "FOUND"], [[f.state, f.name, f.found] for f in found])
        for finding in found:
            if finding.state == "failed":
                output.say(f"  {finding.name}: {finding.fix}")
    return 0 if all(f.ok or not f.needed for f in found) else SetupError.exit_code


def findings(where: LabPaths, components: Components) -> list[Finding]:
    """Everything the lab depends on, in the order in which to fix it."""
    return [
        *_machine(components),
        *(_program(name) for package in NEEDED for name in PACKAGES[package].programs),
        *_folders(where),
        *_terminal(os.environ, ignored),
        _ports(where, components),
        *(_tool(tool) for tool in (*_tools(components), *OPTIONAL)),
        _podman(where),
    ]


def _machine(components: Components) -> list[Finding]:
    version = ".".join(str(n) for n in sys.version_info[:3])
    names = (*PYTHON_PACKAGES, *(spec.package for spec in components.values() if spec.package))
    absent = sorted(name for name in names if importlib.util.find_spec(name) is None)
    return [
        Finding("system", sys.platform == "linux", sys.platform, fix=NOT_LINUX),
        Finding("python", (3, 11) <= sys.version_info < (3, 14), version, fix="install Python 3.11, 3.12 or 3.13"),
        Finding("packages", not absent, f"missing: {', '.join(absent)}" if absent else "installed", fix="make setup"),
        _tool(Tool("git", fix="install git, for instance sudo apt-get install git", needed=True)),
        _tool(Tool("bash", fix="install bash", needed=True)),
        _kubectl(),
    ]


def _program(name: str) -> Finding:
    """A program of the catalog: the one that is used, and its origin."""
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
    """Whether a path is text. Programs store paths in files as UTF-8, so other bytes cannot be stored."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return Finding(name, False, ascii(str(path)), fix="rename the folder: its name is not UTF-8")
    return Finding(name, True, "any letters, spaces and quotes will do")


def _terminal(env: Mapping[str, str], foreign: Sequence[str]) -> list[Finding]:
    """Settings of the terminal that the lab corrects for its own processes."""
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


def _ports(where: LabPaths, components: Components) -> Finding:
    """A port in use is not a fault: the lab takes another one."""
    if running_pid(where) is not None:
        return Finding("ports", True, "the lab has them")
    busy = [f"{name} {port}" for name, port in preferred(components).items() if not is_free(port)]
    return Finding("ports", True, f"in use: {', '.join(busy)}; the lab takes others" if busy else "free")


def _podman(where: LabPaths) -> Finding:
    """podman, and what containers get from this machine; needed if the lab's runtime is podman."""
    needed = chosen(where) == PODMAN
    try:
        found = podman.find()
    except SetupError as e:
        return Finding("podman", False, f"not there; steps run as processes: {e.message}", needed=needed, fix=e.hint)
    use = "steps run in it" if needed else "workshop up --runtime podman runs steps in it"
    return Finding("podman", True, f"{found}; {use}, with {' '.join(found.flags)}", needed=needed)


def _kubectl() -> Finding:
    try:
        return Finding("kubectl", True, kubectl())
    except SetupError as e:
        return Finding("kubectl", False, "not there", fix=e.hint)


def _tools(components: Components) -> list[Tool]:
    return [spec.tool for _, spec in sorted(components.items()) if spec.tool is not None]


def _tool(tool: Tool) -> Finding:
    path = tool.find(tool.name)
    absent = f"not there; {tool.otherwise}" if tool.otherwise else "not there"
    return Finding(tool.name, path is not None, path or absent, needed=tool.needed, fix=tool.fix)
