"""File trees of images: copying, deleting, and lock files."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from workshop.errors import NO_ROOM, ManifestError, SetupError


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


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder into another one; links stay links. Stops at the first error and raises it unchanged.

    (`shutil.copytree` continues and reports texts, which do not identify a full disk.) A link below the target is
    replaced, so that the copy stays in the target. Raises ManifestError for a pipe, a socket or a device.
    """
    for at, folders, names in os.walk(source):
        here = target / Path(at).relative_to(source)
        if here != target:
            _unlink(here)
        here.mkdir(parents=True, exist_ok=True)
        for name in [*folders, *names]:
            path = Path(at) / name
            if path.is_symlink() or not path.is_dir():
                copy_file(path, here / name)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file or a link; a link at the target is replaced. Raises ManifestError for anything else."""
    refuse_special(str(source), source.lstat().st_mode)
    _unlink(target)
    shutil.copy2(source, target, follow_symlinks=False)


def refuse_special(name: str, mode: int) -> None:
    """Raise ManifestError, with `name`, unless `mode` is that of a file, a folder or a link.

    Reading a pipe waits for a writer, and reading some devices never ends.
    """
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
        raise ManifestError(
            f"{name} is neither a file nor a folder nor a link",
            hint="an image of the lab has no pipes, sockets and devices; remove it, or name it in .s2iignore",
        )


def _unlink(path: Path) -> None:
    if path.is_symlink():
        path.unlink()


def remove(folder: Path) -> None:
    """Delete a folder with its read-only parts. A missing folder is not an error."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for at, _, _ in os.walk(folder):
            with contextlib.suppress(OSError):
                Path(at).chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)


def files_below(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All files and links below a folder."""
    for at, folders, names in os.walk(folder):
        for path in (Path(at) / name for name in [*names, *folders]):
            info = path.lstat()
            if not stat.S_ISDIR(info.st_mode):
                yield path, info
