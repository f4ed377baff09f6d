"""The files for clients of the lab: the commands on PATH of its shells and steps, and the kubeconfig."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
from pathlib import Path

from workshop.cluster import config as configs
from workshop.errors import ManifestError, SetupError
from workshop.isolation import interpreter
from workshop.lab import process_environment
from workshop.lab.api.auth import Certificate
from workshop.lab.identity.kubeconfig import write_kubeconfig
from workshop.lab.identity.users import ADMINISTRATOR
from workshop.lab.paths import LabPaths
from workshop.oc.cli import tool as oc_tool
from workshop.participants.names import Participant
from workshop.programs import fetched


def write_tools(where: LabPaths) -> None:
    """Write the commands of the lab's shells and steps for programs that are not installed."""
    folder = process_environment.tools_folder(where)
    folder.mkdir(parents=True, exist_ok=True)
    python = interpreter(sys.executable)
    modules = {
        "buildah": "workshop.lab.images.buildah",
        "git-init": "workshop.lab.images.gitinit",
        "s2i": "workshop.lab.images.s2i",
    }
    for name, module in modules.items():
        _executable(folder / name, f'exec {python} -m {module} "$@"')
    _executable(folder / "workshop", f'exec {python} -m workshop "$@"')
    # A real oc has more verbs than kubectl. When the lab is started from its own shell, this folder is on PATH already.
    elsewhere = (part for part in os.environ.get("PATH", "").split(os.pathsep) if part and Path(part) != folder)
    _program(folder / "oc", oc_tool(sys.executable, shutil.which("oc", path=os.pathsep.join(elsewhere))))
    for program in fetched():
        settings = "".join(f"{name}={shlex.quote(value)} " for name, value in program.env.items())
        _executable(folder / program.name, f'{settings}exec {shlex.quote(str(program.path))} "$@"')


def point_clients(paths: LabPaths, server: str, trusted: Certificate, token: str, participant: Participant) -> None:
    """Write the kubeconfig. A valid context `lab` is kept: the participant may have changed the project in it."""
    with contextlib.suppress(SetupError, ManifestError):
        found = configs.find(paths.kubeconfig, context="lab")
        if (found.server, found.token) == (server, token):
            return
    write_kubeconfig(
        paths.kubeconfig,
        server=server,
        authority=trusted.authority,
        token=token,
        user=participant.name,
        namespace=participant.namespace("dev"),
    )


def point_administrator(paths: LabPaths, server: str, trusted: Certificate, token: str) -> None:
    """Write the kubeconfig of `system:admin`. Raises OSError."""
    write_kubeconfig(
        paths.administrator,
        server=server,
        authority=trusted.authority,
        token=token,
        user=ADMINISTRATOR,
        namespace="default",
    )


def _executable(path: Path, line: str) -> None:
    _program(path, f"#!/bin/sh\n{line}\n")


def _program(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.new")
    partial.write_text(text)
    partial.chmod(0o755)
    partial.replace(path)
