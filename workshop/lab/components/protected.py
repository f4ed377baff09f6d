"""What Prometheus and Alertmanager have in common: how a program of this family is started behind the lab's gate.

These programs can check a password, but no bearer token and no Host header. So each listens on a port that the kernel
chooses and asks for a random password, and the lab forwards to it what the token gate admits.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import bcrypt
import yaml

from workshop.lab import process_environment
from workshop.lab.components.process import ProcessRunner, ProcessSpec
from workshop.lab.private_files import write_private
from workshop.lab.runtimes.base import Mount
from workshop.programs import find

if TYPE_CHECKING:
    from workshop.lab.lab import Lab
    from workshop.lab.parts import Runner

USER = "lab"
_ROUNDS = 5
"""The password has 256 bits, so a slow hash is of no use; the programs check it at each new connection."""
Process = Callable[[Path, Path, Mapping[str, str], str], ProcessSpec]
"""Makes the command from the program's file, its folder, its environment and its address in links."""


def protect(file: Path) -> dict[str, str]:
    """Write the file for `--web.config.file` with a new password. Returns the headers of requests to the program."""
    password = secrets.token_urlsafe(32)
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_ROUNDS)).decode()
    write_private(file, yaml.safe_dump({"basic_auth_users": {USER: hashed}}).encode())
    return {"Authorization": f"Basic {base64.b64encode(f'{USER}:{password}'.encode()).decode()}"}


def served(
    name: str, binary: Path, folder: Path, env: Mapping[str, str], external_url: str, port: int, *options: str
) -> ProcessSpec:
    """The command of a program of this family with its own options; writes a new password.

    `external_url` is its address in links. Port 0 is any free port.
    """
    web = folder / "web.yml"
    return ProcessSpec(
        argv=[
            str(binary),
            *options,
            f"--web.config.file={web}",
            f"--web.external-url={external_url}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ],
        env=dict(env),
        cwd=folder,
        ready_url=f"http://127.0.0.1:{port}/-/ready",
        log=folder / f"{name}.log",
        headers=protect(web),
    )


def _link(link: Path, target: Path) -> None:
    """Make a link, or change one that leads elsewhere. Raises OSError."""
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink() or link.readlink() != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def runner(lab: Lab, name: str, missing: str, process: Process) -> Runner:
    """The runner of a component of this family. `missing` is its message where the program is not installed."""
    # A late import: the command line reads the component descriptions and must not wait for a server.
    from workshop.lab.components.gated import GatedRunner

    program = find(name)
    if program is None:
        return ProcessRunner(lab, name, missing=missing)

    def spec() -> ProcessSpec:
        env = process_environment.base(lab.paths) | program.env
        folder = lab.paths.component(name)
        made = process(program.path, folder, env, str(lab.url(name)))
        for link, target in program.links.items():
            _link(folder / link, target)
        # A distribution's program reads the files of its pages from /usr/share.
        mounts = (Mount(source, expected, read_only=True) for expected, source in sorted(program.shared.items()))
        return replace(made, mounts=tuple(mounts))

    return GatedRunner(lab, name, spec)
