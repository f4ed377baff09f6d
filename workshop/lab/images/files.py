"""File trees of images: copying, sharing, deleting, and lock files."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workshop.errors import NO_ROOM, SetupError

_FICLONE = 0x40049409
"""Linux: let two files share their blocks (ioctl_ficlone(2))."""
_NO_SHARED_BLOCKS: set[int] = set()
"""Devices whose file system cannot share blocks."""


@contextlib.contextmanager
def disk_full_as_error(what: str) -> Iterator[None]:
    """Turn the error of a full disk into one that says what was lost and how to continue."""
    try:
        yield
    except OSError as e:
        if e.errno not in NO_ROOM:
            raise
        raise SetupError(
            f"no room left while writing {what}: {e.strerror}; nothing of it was kept",
            hint="free some space and build again; df -h shows which disk is full",
        ) from e


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a lock file and delete it at the end. With `wait`, create it if it is missing.

    Without `wait`, raises BlockingIOError when another process holds it and FileNotFoundError when it does not exist.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if wait else 0), 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            # The previous holder may have deleted the file; then this lock protects nothing.
            if _is_file(descriptor, path):
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return
        finally:
            os.close(descriptor)
        if not wait:
            raise FileNotFoundError(path)


def _is_file(descriptor: int, path: Path) -> bool:
    """Whether the path is still the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def copy_tree(source: Path, target: Path, copy: Callable[[Path, Path], object] = shutil.copy2) -> None:
    """Copy a folder into another one; links stay links. Stops at the first error and raises it unchanged.

    (`shutil.copytree` continues and reports texts, which do not identify a full disk.)
    """
    for at, folders, names in os.walk(source):
        here = target / Path(at).relative_to(source)
        here.mkdir(parents=True, exist_ok=True)
        for name in [*folders, *names]:
            path = Path(at) / name
            if path.is_symlink():
                (here / name).symlink_to(path.readlink())
            elif not path.is_dir():
                copy(path, here / name)


def remove(folder: Path) -> None:
    """Delete a folder with its read-only parts. A missing folder is not an error."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for at, _, _ in os.walk(folder):
            with contextlib.suppress(OSError):
                Path(at).chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file with its mode and times. Where the file system can, the copy shares its blocks until one changes."""
    device = target.parent.stat().st_dev
    if sys.platform == "linux" and device not in _NO_SHARED_BLOCKS:
        try:
            with source.open("rb") as old, target.open("wb") as new:
                fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError as e:
            if e.errno in NO_ROOM:
                raise
            _NO_SHARED_BLOCKS.add(device)
    if device in _NO_SHARED_BLOCKS or sys.platform != "linux":
        shutil.copyfile(source, target)
    info = source.stat()
    os.utime(target, ns=(info.st_atime_ns, info.st_mtime_ns))
    target.chmod(stat.S_IMODE(info.st_mode))


@dataclass(frozen=True)
class Copied:
    """The files of a fresh copy of an image: by inode the file that each is a copy of, and a time after all of them."""

    origins: Mapping[int, Path]
    since: int

    @classmethod
    def of(cls, root: Path, base: Path) -> Copied:
        """The copies of `base` in `root`, directly after `copy_tree`."""
        origins = {info.st_ino: base / path.relative_to(root) for path, info in files_below(root)}
        # The kernel's clock of files advances by some ms.
        time.sleep(0.02)
        with tempfile.NamedTemporaryFile(dir=root.parent) as mark:
            since = os.fstat(mark.fileno()).st_ctime_ns
        time.sleep(0.02)
        return cls(origins, since)


def share_unchanged(root: Path, copied: Copied) -> None:
    """Replace unchanged copies by hard links, so that images share equal files.

    Only for a root that no process changes any more. A program can set the other times of a file, but not its ctime.
    """
    for path, info in files_below(root):
        origin = copied.origins.get(info.st_ino)
        if origin is None or not stat.S_ISREG(info.st_mode) or info.st_ctime_ns >= copied.since:
            continue
        linked = path.with_name(f".{path.name}.linked")
        try:
            linked.hardlink_to(origin)
        except OSError:
            return  # Some file systems have no hard links, and some kernels refuse them for files of other users.
        linked.replace(path)


def files_below(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All files and links below a folder."""
    for at, folders, names in os.walk(folder):
        for path in (Path(at) / name for name in [*names, *folders]):
            info = path.lstat()
            if not stat.S_ISDIR(info.st_mode):
                yield path, info
