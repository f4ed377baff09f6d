"""podman for tests: a storage of their own, with images made from programs of this machine.

Nothing is pulled. An image has bash, coreutils and a few others with their libraries. What differs between the images
is the program behind `sh`: dash as in Debian, or bash, which like busybox knows `[[ ]]`.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAMS = (
    "awk", "base64", "bash", "basename", "cat", "chmod", "cp", "cut", "dash", "date", "dirname", "echo", "env", "expr",
    "false", "find", "grep", "head", "hostname", "id", "jq", "ls", "mkdir", "mktemp", "mv", "printenv", "printf", "pwd",
    "rm", "rmdir", "sed", "seq", "sleep", "sort", "stat", "tail", "tar", "tee", "test", "touch", "tr", "true", "uname",
    "uniq", "wc", "whoami", "xargs",
)  # fmt: skip
HUB = "docker.io/library"
IMAGES = {
    f"{HUB}/debian": "dash", f"{HUB}/ubuntu": "dash", "mirror.gcr.io/ubuntu": "dash",
    f"{HUB}/alpine": "bash", f"{HUB}/busybox": "bash",
    f"{HUB}/bash": "docker-entrypoint.sh", "mirror.gcr.io/bash": "docker-entrypoint.sh",
}  # fmt: skip
"""The images, with what they start: a `sh`, or the entrypoint of the image bash with bash as `sh`."""
ENTRYPOINT = """#!/bin/bash
if [ "${1#-}" != "$1" ] || ! command -v "$1" > /dev/null; then set -- bash "$@"; fi
exec "$@"
"""
CONF = '[storage]\ndriver = "{driver}"\ngraphroot = "{root}/root"\nrunroot = "{root}/run"\n'


def why_not() -> str:
    """Why these tests cannot run here, or nothing."""
    if os.geteuid() != 0:
        return "the tests' containers need root here"
    return "" if shutil.which("podman") else "not installed: podman; on Debian: apt-get install podman"


def needs_podman(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that runs containers of podman."""
    reason = why_not()
    where_it_is = pytest.mark.skipif(bool(reason), reason=reason or "podman is here")
    marked: Callable[..., None] = where_it_is(pytest.mark.container(test))
    return marked


@contextmanager
def storage(folder: Path) -> Iterator[Path]:
    """podman on a storage in a folder, with the images; it is the one of every podman in this process."""
    kept = os.environ.get("CONTAINERS_STORAGE_CONF")
    conf = folder / "storage.conf"
    conf.write_text(CONF.format(driver="overlay", root=folder))
    os.environ["CONTAINERS_STORAGE_CONF"] = str(conf)
    try:
        for started in dict.fromkeys(IMAGES.values()):
            make(folder / f"{started}.tar", started)
        yield folder
    finally:
        podman("rm", "--all", "--force", "--time=0")
        subprocess.run(["umount", "-q", "-l", str(folder / "root" / "overlay")], check=False)
        os.environ.pop("CONTAINERS_STORAGE_CONF")
        if kept is not None:
            os.environ["CONTAINERS_STORAGE_CONF"] = kept


def podman(*words: str) -> str:
    """Run podman; what it prints."""
    done = subprocess.run(["podman", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"podman {words}: {done.stderr}"
    return done.stdout.strip()


def make(tar: Path, started: str) -> None:
    """The images of IMAGES that start a program."""
    sh = "dash" if started == "dash" else "bash"
    with tarfile.open(tar, "w") as packed:
        files = {f"/bin/{name}": path for name in PROGRAMS if (path := shutil.which(name))}
        for path in list(files.values()):
            files |= {library: library for library in _libraries(path)}
        for target, source in sorted(files.items()):
            packed.add(Path(source).resolve(), arcname=target)
        for link, to in {"bin/sh": sh, "usr/bin/env": "/bin/env", "usr/bin/bash": "/bin/bash"}.items():
            info = tarfile.TarInfo(link)
            info.type, info.linkname = tarfile.SYMTYPE, to
            packed.addfile(info)
        for name, mode in (("tmp", 0o1777), ("root", 0o700)):
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, mode
            packed.addfile(info)
        info = tarfile.TarInfo("bin/docker-entrypoint.sh")
        info.mode, info.size = 0o755, len(ENTRYPOINT)
        packed.addfile(info, io.BytesIO(ENTRYPOINT.encode()))
    changes = ["ENV PATH=/usr/local/bin:/usr/bin:/bin", f'CMD ["{sh}"]']
    changes += [f'ENTRYPOINT ["{started}"]'] if started != sh else []
    first, *more = [name for name, program in IMAGES.items() if program == started]
    podman("import", "-q", *(f"--change={change}" for change in changes), str(tar), first)
    for name in more:
        podman("tag", first, name)


def _libraries(program: str) -> set[str]:
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    words = (word for line in listed.splitlines() for word in line.split())
    return {word for word in words if word.startswith("/") and Path(word).exists()}
