"""Find a program: on PATH when it is new enough, else in the cache."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop.errors import SetupError
from workshop.programs.catalog import PACKAGES, Package

WORKING_DIRECTORY = "/proc/self/cwd"
MANIFEST = "installed.json"
"""The description of a folder of the cache. It is written last, so a folder without it is not used."""
ON_PATH = "PATH"
_SYSTEM = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Folders of servers that are not on the PATH of an ordinary user."""


@dataclass(frozen=True)
class Program:
    """One program: its file, its version, and its origin as text for a participant.

    `root` is the folder with the unpacked package of a distribution, else None. Such a program expects its other files
    below `/usr`. `libraries` are the folders of its shared libraries. `fixed` is the folder of its package that it
    reads below its working directory.
    """

    name: str
    path: Path
    version: str
    origin: str
    root: Path | None = None
    libraries: tuple[Path, ...] = ()
    fixed: str = ""

    @property
    def links(self) -> dict[str, Path]:
        """What must be in its working directory: the relative path and the folder that it is a link to."""
        if self.root is None or not self.fixed:
            return {}
        return {relocated(self.fixed).removeprefix(f"{WORKING_DIRECTORY}/"): self.root / self.fixed.lstrip("/")}

    @property
    def shared(self) -> dict[str, Path]:
        """Files that it expects below `/usr/share` and this machine lacks: the expected path and the real one."""
        found: dict[str, Path] = {}
        base = self.root / "usr" / "share" if self.root else None
        for folder in base.iterdir() if base and base.is_dir() else ():
            expected = Path("/usr/share") / folder.name
            if not expected.exists():
                found[str(expected)] = folder
            elif folder.is_dir():
                missing = (each for each in folder.iterdir() if not (expected / each.name).exists())
                found |= {str(expected / each.name): each for each in missing}
        return found

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that it needs."""
        return {"LD_LIBRARY_PATH": os.pathsep.join(map(str, self.libraries))} if self.libraries else {}


def relocated(fixed: str) -> str:
    """Where a relocated program reads a folder: `shared/NAME` of its working directory, as proc(5) names it."""
    return f"{WORKING_DIRECTORY}/shared/{Path(fixed).name}"


def cache_folder() -> Path:
    """The user's cache for this kit. It may not exist.

    A relative XDG_CACHE_HOME is ignored, as its standard requires.
    """
    if named := os.environ.get("WORKSHOP_CACHE"):
        return Path(named).absolute()
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "openshift-mlops-workshop"


def find(name: str) -> Program | None:
    """The program, or None when it is neither on PATH and new enough nor in the cache. Raises KeyError."""
    package = next(package for package in PACKAGES.values() if name in package.programs)
    return find_all(package).get(name)


def require(name: str) -> Program:
    """The program. Raises SetupError."""
    found = find(name)
    if found is None:
        package = next(package for package in PACKAGES.values() if name in package.programs)
        raise SetupError(f"there is no {name} {package.oldest} or newer on this machine", hint="make setup")
    return found


def fetched() -> list[Program]:
    """The programs that are used from the cache. They are not on the PATH of a terminal."""
    found = [program for package in PACKAGES.values() for program in find_all(package).values()]
    return [program for program in found if program.origin != ON_PATH]


def find_all(package: Package) -> dict[str, Program]:
    """The programs of a package, all from one place; empty if they are not found."""
    return _on_path(package, os.environ.get("PATH", "")) or in_cache(package, cache_folder())


def in_cache(package: Package, cache: Path) -> dict[str, Program]:
    """The programs of the newest version in the cache that is new enough; empty if there is none."""
    best: tuple[tuple[int, ...], Path, dict[str, Any]] | None = None
    for manifest in (cache / "programs").glob(f"{package.name}-*/{MANIFEST}"):
        try:
            held = json.loads(manifest.read_text())
            version = parse(held["version"])
        except (OSError, ValueError, KeyError):
            continue
        if held.get("tree") and held.get("fixed", "") != package.fixed:
            continue  # Fetched by an older kit, which did not relocate it.
        if held.get("package") == package.name and version >= package.minimum and (best is None or version > best[0]):
            best = (version, manifest.parent, held)
    if best is None:
        return {}
    _, folder, held = best
    root = folder if held["tree"] else None
    libraries = tuple(folder / each for each in held.get("libraries", ()))
    return {
        name: Program(name, folder / file, held["version"], held["origin"], root, libraries, package.fixed)
        for name, file in held["programs"].items()
    }


def version_of(path: Path, package: Package, libraries: Sequence[Path] = ()) -> str:
    """The version that a program prints. Raises SetupError when it cannot be run or prints none."""
    env = dict(os.environ) | Program("", path, "", "", libraries=tuple(libraries)).env
    command = [str(path), package.version]
    try:
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, errors="replace", timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        raise SetupError(f"{path} cannot be run: {e}") from e
    found = re.search(r"(\d+(?:\.\d+)+)", done.stdout + done.stderr)
    if done.returncode != 0 or found is None:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[:1]
        raise SetupError(f"{path} {package.version} ended with {done.returncode}: {''.join(said)}")
    return found.group(1)


def parse(version: str) -> tuple[int, ...]:
    """`2.42.0` as numbers, to compare. Raises ValueError."""
    return tuple(int(part) for part in version.split("."))


def files_in(folders: str, package: Package) -> Mapping[str, Path]:
    """The programs of a package in a list of folders like PATH; empty unless all of them are there."""
    found = {
        name: next((Path(p) for file in files if (p := shutil.which(file, path=folders))), None)
        for name, files in package.programs.items()
    }
    return {name: path for name, path in found.items() if path} if all(found.values()) else {}


@functools.lru_cache(maxsize=32)
def _on_path(package: Package, path: str) -> dict[str, Program]:
    files = files_in(os.pathsep.join([path, *_SYSTEM]), package)
    if not files:
        return {}
    try:
        version = version_of(next(iter(files.values())), package)
    except SetupError:
        return {}
    if parse(version) < package.minimum:
        return {}
    return {name: Program(name, file, version, ON_PATH) for name, file in files.items()}
