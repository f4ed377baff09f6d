"""The image store: content-addressed folders with digests, and tags that point at them.

    <root>/sha256/<hex>/image.json   configuration: env, command, labels, user, and the digest of the base
                        rootfs/      the files, read-only; those of the base are in the folder of the base
           tags/<repo, quoted>/<tag> the digest
           partial/<random>/         unfinished images; those of dead processes are removed

An image appears by one rename, so a killed build leaves nothing visible, and of two builds of the same content one uses
the result of the other. Not supported: layers, size limits, garbage collection of old images, and power failures on
file systems that do not order renames.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop.errors import SetupError
from workshop.lab.images.files import disk_full_as_error, files_below, locked, refuse_special, remove
from workshop.lab.images.refs import parse

SEEN = "seen"
"""A file next to an image's configuration: the times of the image's files when they were last read."""
APP_ROOT, BUILDER_ROOT = "/opt/app-root", "/opt/builder"
"""Where an image has its model and its server, unless its variables of these names have other paths."""
UNTRACED = ("__pycache__",)
"""Folders that the digest does not cover, because they follow from the other files."""
BUILD_LABELS = "io.openshift.s2i.build."
"""Labels that describe where a build ran, not its result."""


@dataclass(frozen=True)
class Config:
    """An image's configuration. `base` is the digest of the image that has the other files, if there is one."""

    env: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    base: str = ""


@dataclass(frozen=True)
class Image:
    """One image in the store. Its `/` is its own folder `root`, then that of its base."""

    digest: str
    root: Path
    env: dict[str, str]
    command: list[str]
    labels: dict[str, str]
    user: str = ""
    base: Image | None = None

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders in which a path of the image is searched."""
        return (self.root, self.base.root) if self.base else (self.root,)

    @property
    def app_root(self) -> Path:
        """`/opt/app-root` of the image: the model in `src`, its requirements in `packages`."""
        return find(self.roots[:1], self.env.get("APP_ROOT", APP_ROOT))

    @property
    def builder_root(self) -> Path:
        """`/opt/builder` of the image: the model server that the builder carries."""
        return find(self.roots, self.env.get("BUILDER_ROOT", BUILDER_ROOT))


def find(roots: Sequence[Path], path: str) -> Path:
    """The path on this machine of an absolute path of an image; below the first root when it does not exist."""
    found = [root / path.lstrip("/") for root in roots]
    return next((one for one in found if one.exists()), found[0])


class ImageStore:
    """All images below one folder. It keeps no state, so several processes may use the same folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._images = root / "sha256"
        self._tags = root / "tags"
        self._partial = root / "partial"

    def resolve(self, ref: str) -> Image | None:
        """The image of a reference: by its digest if there is one, else by its tag. None when absent."""
        parsed = parse(ref)
        digest = parsed.digest
        if not digest:
            try:
                digest = self._tag_path(ref).read_text().strip()
            except (FileNotFoundError, NotADirectoryError):
                return None
        return self._load(digest)

    def tag(self, ref: str, digest: str) -> None:
        """Point `repo:tag` at an image. Raises SetupError when the image is not in the store."""
        if self._load(digest) is None:
            raise SetupError(f"there is no image {digest} in the store", hint="buildah images lists them")
        path = self._tag_path(ref)
        with disk_full_as_error(f"the tag {ref}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", delete=False) as file:
                file.write(digest)
            Path(file.name).replace(path)

    def untag(self, ref: str) -> bool:
        """Remove `repo:tag`. Returns False when there was no such tag."""
        path = self._tag_path(ref)
        there = path.is_file()
        path.unlink(missing_ok=True)
        return there

    def tags(self) -> list[tuple[str, str]]:
        """All `(repo:tag, digest)`, sorted."""
        return [
            (f"{urllib.parse.unquote(path.parent.name)}:{path.name}", path.read_text().strip())
            for path in sorted(self._tags.glob("*/*"))
            if not path.name.startswith(".")
        ]

    @contextlib.contextmanager
    def partial(self) -> Iterator[Path]:
        """An empty folder for an image's rootfs, which is deleted at the end of the block.

        The process holds a lock for the folder, so other processes see whether it still runs.
        """
        with disk_full_as_error("a new image"):
            self._partial.mkdir(parents=True, exist_ok=True)
            self.sweep()
            folder = self._partial / secrets.token_hex(8)
            with locked(folder.with_suffix(".lock")):
                try:
                    (folder / "rootfs").mkdir(parents=True)
                    yield folder / "rootfs"
                finally:
                    remove(folder)

    def commit(self, rootfs: Path, config: Config) -> Image:
        """Make an image from a folder of `partial()`. The same content gives the same digest and is stored once."""
        with disk_full_as_error("a new image"):
            files = _seal(rootfs)
            digest = _digest(files, config)
            final = self._images / digest.removeprefix("sha256:")
            if final.exists() and not self.is_intact(digest):
                remove(final)
            if not final.exists():
                _write(rootfs.parent / "image.json", config)
                ready = rootfs.parent / "ready"
                ready.mkdir()
                (rootfs.parent / "image.json").rename(ready / "image.json")
                rootfs.rename(ready / "rootfs")
                self._images.mkdir(exist_ok=True)
                try:
                    ready.rename(final)
                except OSError:
                    # Another build may have stored the same image meanwhile; then use that one.
                    if not final.exists():
                        raise
                else:
                    (final / SEEN).write_text(times(final / "rootfs"))
        image = self._load(digest)
        if image is None:
            raise SetupError(f"the image {digest} was written and cannot be read")
        return image

    def is_intact(self, digest: str) -> bool:
        """Whether an image and its base are unchanged since their commit.

        Its files are read again only when the kernel's change times differ from those of the last read.
        """
        image = self._load(digest)
        if image is None or (image.base is not None and not self.is_intact(image.base.digest)):
            return False
        seen = image.root.parent / SEEN
        now = times(image.root)
        with contextlib.suppress(OSError):
            if seen.read_text() == now:
                return True
        base = image.base.digest if image.base else ""
        config = Config(image.env, tuple(image.command), image.labels, image.user, base)
        if _digest(_entries(image.root), config) != digest:
            return False
        seen.write_text(now)
        return True

    def sweep(self) -> None:
        """Remove the unfinished images of killed builds."""
        for lock in self._partial.glob("*.lock"):
            with contextlib.suppress(BlockingIOError, FileNotFoundError), locked(lock, wait=False):
                remove(lock.with_suffix(""))

    def images(self) -> list[Image]:
        """All images, newest first."""
        folders = list(self._images.iterdir()) if self._images.is_dir() else []
        folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        found = [self._load(f"sha256:{path.name}") for path in folders]
        return [image for image in found if image is not None]

    def _load(self, digest: str) -> Image | None:
        folder = self._images / digest.removeprefix("sha256:")
        try:
            data: dict[str, Any] = json.loads((folder / "image.json").read_text())
        except FileNotFoundError:
            return None
        base = self._load(data["base"]) if data.get("base") else None
        if data.get("base") and base is None:
            return None
        env, labels = dict(data["env"]), dict(data["labels"])
        return Image(digest, folder / "rootfs", env, list(data["command"]), labels, data["user"], base)

    def _tag_path(self, ref: str) -> Path:
        parsed = parse(ref)
        return self._tags / urllib.parse.quote(parsed.repo, safe="") / (parsed.tag or "latest")


def _seal(rootfs: Path) -> list[tuple[str, str, str]]:
    """Remove write permission from every file, and list the files for the digest. Raises ManifestError.

    Folders stay writable, because otherwise they could not be moved and removed.
    """
    for path, info in files_below(rootfs):
        refuse_special(str(path.relative_to(rootfs)), info.st_mode)
        if not stat.S_ISLNK(info.st_mode):
            mode = 0o555 if info.st_mode & stat.S_IXUSR else 0o444
            if stat.S_IMODE(info.st_mode) != mode:
                path.chmod(mode)
    return _entries(rootfs)


def _entries(rootfs: Path) -> list[tuple[str, str, str]]:
    """`(path, mode, content)` of each file that the digest covers, sorted by path.

    The mode is whether the owner may execute the file: that part survives a copy between machines.
    """
    listed = []
    for path, info in files_below(rootfs):
        name = path.relative_to(rootfs)
        if any(part in UNTRACED for part in name.parts):
            continue
        if stat.S_ISLNK(info.st_mode):
            entry = ("link", hashlib.sha256(str(path.readlink()).encode()).hexdigest())
        else:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            entry = ("755" if info.st_mode & stat.S_IXUSR else "644", content)
        listed.append((name.as_posix(), *entry))
    return sorted(listed)


def times(rootfs: Path) -> str:
    """A digest of the files' change times (ctime), which no program can set.

    Strings instead of paths: each start of a server reads the times of some 6,000 files.
    """
    root, lines = str(rootfs), []
    for at, folders, names in os.walk(root):
        for name in (*names, *folders):
            info = os.lstat(path := f"{at}/{name}")
            if not stat.S_ISDIR(info.st_mode):
                lines.append(f"{path[len(root) :]}\0{info.st_ino} {info.st_size} {info.st_ctime_ns}\n")
    return hashlib.sha256("".join(sorted(lines)).encode(errors="surrogateescape")).hexdigest()


def _digest(files: list[tuple[str, str, str]], config: Config) -> str:
    labels = {key: value for key, value in config.labels.items() if not key.startswith(BUILD_LABELS)}
    content = {
        "env": dict(config.env),
        "command": list(config.command),
        "labels": labels,
        "user": config.user,
        "files": [list(entry) for entry in files],
        **({"base": config.base} if config.base else {}),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, config: Config) -> None:
    content = {
        "env": dict(config.env),
        "command": list(config.command),
        "labels": dict(config.labels),
        "user": config.user,
        "base": config.base,
    }
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
