"""How a container's paths become paths of the host: by a private file tree, or by rewriting its texts.

With mount namespaces a container sees `/workspace` and `/tekton` as on a cluster. Without them, every mount is a link
in a folder of the container, and the literal paths in its script, arguments and variables are replaced. Rewriting
misses paths that a program computes at run time or reads from a file, and it does not enforce read-only mounts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workshop.lab.runtimes.base import Mount

TMP = "/tmp"  # noqa: S108 (the container's)
# A literal path begins where no other path is going on: not in $HOME/workspace, but in -d/workspace or
# x=/workspace.
_BEGIN = r"(?<![\w.)}\]/*?~+%])"
_END = r"(?=/|[^\w.\-/]|$)"


@dataclass(frozen=True)
class Tree:
    """The file tree of one container; `mounts` is None without namespaces, then texts are rewritten."""

    mounts: tuple[Mount, ...] | None
    real: Mapping[str, str] = field(default_factory=dict)
    """A mount's target to the host's path, for rewriting."""

    def rewrite(self, text: str) -> str:
        """A text with the container's paths replaced by the host's; itself where namespaces do that."""
        if not self.real or "/" not in text:
            return text
        return self._pattern().sub(lambda match: self.real[match.group(1)], text)

    def path(self, path: str) -> str:
        """The host's path of an absolute path of the container."""
        for target, real in self.real.items():
            if path == target or path.startswith(target + "/"):
                return real + path[len(target) :]
        return path

    def _pattern(self) -> re.Pattern[str]:
        targets = sorted(self.real, key=len, reverse=True)
        return re.compile(f"{_BEGIN}({'|'.join(map(re.escape, targets))}){_END}")


def private_tree(mounts: Sequence[Mount], *, tmp: Path, visible: Sequence[Path]) -> Tree:
    """A tree by namespaces, with a /tmp of its own. What `visible` names stays to be seen under any mount."""
    covered = [Path(TMP), *(Path(mount.target) for mount in mounts)]
    kept = [Mount(path, str(path)) for path in visible if _is_under(path, covered)]
    return Tree((Mount(tmp, TMP), *mounts, *kept))


def linked_tree(mounts: Sequence[Mount], root: Path, *, visible: Sequence[Path]) -> Tree:
    """A tree by rewriting: each mount a link under `root`, nested ones inside their parent's folder."""
    covered = [Path(mount.target) for mount in mounts]
    real = {str(path): str(path) for path in visible if _is_under(path, covered)}
    for mount in sorted(mounts, key=lambda one: one.target.count("/")):
        parent = next((t for t in sorted(real, key=len, reverse=True) if mount.target.startswith(t + "/")), None)
        if parent is None:
            link = root / mount.target.lstrip("/")
        else:
            link = Path(real[parent]) / mount.target[len(parent) + 1 :]
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink() and link.readlink() != mount.source:
            link.unlink()
        # What is there already, such as /tekton/home, is also the other steps'; then the texts alone are rewritten.
        if not link.is_symlink() and not link.exists():
            link.symlink_to(mount.source)
        real[mount.target] = str(mount.source)
    return Tree(None, dict(sorted(real.items(), key=lambda item: -len(item[0]))))


def _is_under(path: Path, folders: Sequence[Path]) -> bool:
    return any(path != folder and path.is_relative_to(folder) for folder in folders)
