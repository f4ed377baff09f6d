"""Packages of Debian and Ubuntu without root: apt downloads them with their dependencies, dpkg-deb unpacks them.

The system's package lists are used if they are current. Otherwise apt makes its own lists in a temporary folder;
nothing of the system is changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from workshop.errors import SetupError
from workshop.programs.catalog import Package
from workshop.programs.find import relocated

SECONDS = 300
"""The timeout of one call of apt, in seconds."""


def fetch(package: Package, into: Path) -> None:
    """Unpack a package, and those of its dependencies that the system lacks. Raises SetupError."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise SetupError("this is not Debian or Ubuntu")
    with tempfile.TemporaryDirectory(prefix=".partial-apt-", dir=into.parent) as work:
        for archive in _download(package.debian, Path(work)):
            _run(["dpkg-deb", "--extract", str(archive), str(into)])
    if package.fixed:
        for program in (into / "usr" / "bin").iterdir():
            _relocate(program, package.fixed)


def _relocate(program: Path, fixed: str) -> None:
    """Let a program read a folder of its package below its working directory instead of `/usr`, which needs root.

    The new path has as many bytes as the old one, because a binary has the lengths of its texts.
    """
    content = program.read_bytes()
    old, new = fixed.encode(), relocated(fixed).encode()
    if len(new) != len(old):
        raise SetupError(f"{program.name}: {relocated(fixed)} is not as long as {fixed}")
    if old in content:
        program.write_bytes(content.replace(old, new))


def _download(name: str, work: Path) -> list[Path]:
    """The archives of a package and of those dependencies that the system lacks."""
    for folder in ("cache/archives/partial", "state/lists/partial"):
        (work / folder).mkdir(parents=True)
    own_cache = _options({"Debug::NoLocking": "true", "Dir::Cache": work / "cache", "APT::Sandbox::User": "root"})
    own_lists = _options(
        {
            "Dir::State": work / "state",
            "Dir::State::status": "/var/lib/dpkg/status",
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
        }
    )
    # --reinstall also downloads a package that is installed, in case its program is not on PATH.
    install = ["apt-get", "--yes", "--no-install-recommends", "--download-only", "--reinstall", "install", name]
    try:
        return _archives([*install, *own_cache], work)
    except SetupError:
        update = ["apt-get", "update", *own_cache, *own_lists]
        # The exit code also depends on the machine's hooks. Whether the lists are usable shows in the next call.
        subprocess.run(update, env=_environment(), capture_output=True, timeout=SECONDS, check=False)
        return _archives([*install, *own_cache, *own_lists], work)


def _archives(download: Sequence[str], work: Path) -> list[Path]:
    _run(download)
    found = sorted((work / "cache" / "archives").glob("*.deb"))
    if not found:
        # apt succeeds for a package that is installed and in no list.
        raise SetupError("apt-get has downloaded nothing")
    return found


def _options(values: dict[str, str | Path]) -> list[str]:
    return [word for key, value in values.items() for word in ("-o", f"{key}={value}")]


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            command, env=_environment(), capture_output=True, text=True, timeout=SECONDS, errors="replace", check=False
        )
    except subprocess.TimeoutExpired as e:
        raise SetupError(f"{command[0]} has not ended after {SECONDS} s") from e
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith(("E:", "dpkg-deb: error"))]
        raise SetupError("; ".join(errors[:2]) or f"{command[0]} ended with {done.returncode}")
