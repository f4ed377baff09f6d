"""Official release archives on GitHub, with the SHA-256 of the catalog.

WORKSHOP_RELEASES_URL is the address of a mirror with the same paths, for a room without access to GitHub.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import platform
import shutil
import sys
import tarfile
import urllib.request
from pathlib import Path

from workshop.errors import SetupError
from workshop.programs.catalog import Package

GITHUB = "https://github.com"
SECONDS = 30
"""The timeout for an answer of the server, in seconds."""
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def fetch(package: Package, into: Path) -> None:
    """Unpack the programs and the licence of a release into `bin` and its parent folder. Raises SetupError."""
    here = this_platform()
    wanted = package.release.sha256.get(here) if package.release else None
    if package.release is None or wanted is None:
        raise SetupError(f"there is none for {here}")
    version = package.release.version
    base = os.environ.get("WORKSHOP_RELEASES_URL") or GITHUB
    name = f"{package.name}-{version}.{here}"
    url = f"{base.rstrip('/')}/prometheus/{package.name}/releases/download/v{version}/{name}.tar.gz"
    archive = into / "archive.tar.gz"
    digest = _download(url, archive)
    if digest != wanted:
        raise SetupError(f"{url} has SHA-256 {digest}, pinned is {wanted}")
    _unpack(archive, package, into)
    archive.unlink()


def this_platform() -> str:
    """The name of this machine in the names of releases: `linux-amd64`."""
    machine = platform.machine().lower()
    return f"{sys.platform}-{_MACHINES.get(machine, machine)}"


def _download(url: str, to: Path) -> str:
    """Write a URL's content to a file and return its SHA-256. Raises SetupError, and OSError when the disk is full."""
    digest = hashlib.sha256()
    broken = (OSError, http.client.HTTPException)
    try:
        answer = urllib.request.urlopen(url, timeout=SECONDS)  # noqa: S310 GitHub, or a mirror that the user names
    except (*broken, ValueError) as e:
        raise SetupError(f"{url}: {e}") from e
    with answer, to.open("wb") as file:
        while True:
            try:
                block = answer.read(1 << 20)
            except broken as e:
                raise SetupError(f"{url}: {e}") from e
            if not block:
                return digest.hexdigest()
            digest.update(block)
            file.write(block)


def _unpack(archive: Path, package: Package, into: Path) -> None:
    """The programs and the licence, by their names. Paths of the archive are not used."""
    wanted = {file for files in package.programs.values() for file in files}
    (into / "bin").mkdir()
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name).name
            target = into / "bin" / name if name in wanted else into / name
            if not member.isfile() or not (name in wanted or name in ("LICENSE", "NOTICE")):
                continue
            content = tar.extractfile(member)
            assert content is not None, "a regular file has content"
            with content, target.open("wb") as file:
                shutil.copyfileobj(content, file)
            target.chmod(0o755 if name in wanted else 0o644)
