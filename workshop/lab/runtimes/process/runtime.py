"""The process runtime: a container is a process group of this machine.

There is no isolation to rely on: a container runs as the lab's user, on the host's network, with the host's files.
Nothing of the supervisor's environment reaches it. With mount namespaces the container has its own file tree; without
them its paths are rewritten (see `tree.py`), and a read-only mount can be written.
"""

from __future__ import annotations

import asyncio
import os
import posixpath
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from workshop.lab.paths import KIT, LabPaths
from workshop.lab.runtimes.base import ContainerSpec, Handle, ImageNote, Mount, PodError
from workshop.lab.runtimes.process.images import SYSTEM_PATH, ImageEnvironment, ImageTable
from workshop.lab.runtimes.process.launcher import Launcher, LaunchFailed, Spec
from workshop.lab.runtimes.process.scripts import SHELLS, text_of
from workshop.lab.runtimes.process.streams import copying
from workshop.lab.runtimes.process.tree import TMP, Tree, linked_tree, private_tree

WORKSPACE = "/workspace"


class ProcessRuntime:
    """Starts containers by the lab's launcher.

    `visible` are folders below /tmp that containers must see although they have a /tmp of their own.
    """

    def __init__(self, paths: LabPaths, launcher: Launcher, images: ImageTable, visible: Sequence[Path] = ()) -> None:
        self._paths, self._launcher, self._images = paths, launcher, images
        self._always_visible = {paths.root, KIT, Path(sys.prefix), *visible}
        self._bash = shutil.which("bash", path=SYSTEM_PATH + ":" + os.environ.get("PATH", "")) or "/bin/bash"

    isolated = False

    async def open(self) -> None:
        """Nothing: the launcher ends every process with the lab."""

    async def close(self) -> None:
        """Nothing: the launcher ends every process with the lab."""

    async def image(self, ref: str, pull_policy: str = "") -> ImageEnvironment:
        """The environment of an image; nothing is ever pulled. Raises PodError (ErrImagePull)."""
        return self._images.find(ref)

    async def note(self, ref: str) -> ImageNote | None:
        """What runs in place of an image."""
        return self.image_note(ref)

    def image_note(self, ref: str) -> ImageNote | None:
        """What runs in place of an image."""
        return self._images.note(ref)

    def built_image(self, ref: str) -> ImageEnvironment | None:
        """The folder of an image that a build of this lab made, or None."""
        return self._images.find_built(ref)

    async def start(self, spec: ContainerSpec) -> Handle:
        """Start a container. Raises PodError."""
        image = spec.image
        if not isinstance(image, ImageEnvironment):
            raise TypeError(f"{image!r} is not an image of the process runtime")
        if image.roots and not await asyncio.to_thread(self._images.is_intact, image.image_id):
            raise PodError("ErrImagePull", f"the image {image.image_id} was changed since it was built; build it again")
        env = self._env(spec, image)
        tree = Tree(None)
        if spec.mounts is not None:
            tree, env = self._tree(spec, image, env)
        argv = self._argv(spec, image, tree, env)
        if spec.stdout_copy or spec.stderr_copy:
            argv = copying(self._bash, argv, tree.rewrite(spec.stdout_copy), tree.rewrite(spec.stderr_copy))
        cwd = self._cwd(spec, image, tree)
        try:
            return await self._launcher.start(Spec(argv=argv, env=env, cwd=cwd, log=spec.log, mounts=tree.mounts))
        except LaunchFailed as e:
            raise PodError("RunContainerError", str(e), spec.name) from e

    async def start_in(self, container: Handle, spec: ContainerSpec) -> Handle:
        """Start another process like the container's. Raises PodError."""
        return await self.start(spec)

    async def remove(self, folder: Path) -> None:
        """Remove a folder; its files belong to the lab's user."""
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _env(self, spec: ContainerSpec, image: ImageEnvironment) -> dict[str, str]:
        """The container's own variables over the image's over the defaults; PATH has the programs of all three."""
        env = {"HOSTNAME": spec.hostname} if spec.hostname else {}
        env |= dict(spec.defaults) | {key: value for key, value in image.env.items() if key != "PATH"}
        folders = [str(folder) for folder in image.paths]
        folders += [path for path in (image.env.get("PATH", ""), spec.defaults.get("PATH", "")) if path]
        if spec.mounts is not None and not self._launcher.namespaces:
            folders.insert(0, str(self._sh_folder()))
        env["PATH"] = ":".join([*folders, SYSTEM_PATH])
        return env | dict(spec.env)

    def _tree(self, spec: ContainerSpec, image: ImageEnvironment, env: dict[str, str]) -> tuple[Tree, dict[str, str]]:
        """The container's file tree, and its variables with paths as the container sees them."""
        programs = (Mount(path, target, read_only=True) for target, path in image.programs.items())
        mounts = (*(spec.mounts or ()), *programs)
        tmp = spec.folder / "tmp" / spec.name
        tmp.mkdir(parents=True, exist_ok=True)
        visible = self._visible(env)
        if self._launcher.namespaces:
            return private_tree(mounts, tmp=tmp, visible=visible), env
        tree = linked_tree(mounts, spec.folder / "root" / spec.name, visible=visible)
        return tree, {"TMPDIR": str(tmp)} | {key: tree.rewrite(value) for key, value in env.items()}

    def _argv(self, spec: ContainerSpec, image: ImageEnvironment, tree: Tree, env: Mapping[str, str]) -> list[str]:
        if spec.script is not None:
            dash = self._dash() if image.dash else ""
            text = text_of(
                spec.script.text, bash=self._bash, has_sh=self._launcher.namespaces, path=env["PATH"], dash=dash
            )
            spec.script.file.write_text(tree.rewrite(text))
            spec.script.file.chmod(0o755)
            return [tree.path(spec.script.path), *spec.args]
        argv = [tree.rewrite(one) for one in (*(spec.command or image.command), *spec.args)]
        if not argv:
            raise PodError("CreateContainerError", f'no command for image "{image.name}"', spec.name)
        if Path(argv[0]).name in SHELLS and spec.mounts is not None and not self._launcher.namespaces:
            argv[0] = self._bash
        return argv

    def _cwd(self, spec: ContainerSpec, image: ImageEnvironment, tree: Tree) -> str:
        """A working directory that exists. One that the host does not have is made in the Pod's folder."""
        wanted = posixpath.normpath(posixpath.join(WORKSPACE, spec.working_dir or image.working_dir or WORKSPACE))
        wanted = image.inside(wanted)
        if tree.mounts is not None:
            return wanted
        cwd = tree.path(wanted)
        if Path(cwd).is_dir():
            return cwd
        if not Path(cwd).is_relative_to(self._paths.root) and not Path(cwd).is_relative_to(spec.folder):
            cwd = str(spec.folder / "root" / spec.name / cwd.lstrip("/"))
        Path(cwd).mkdir(parents=True, exist_ok=True)
        return cwd

    def _dash(self) -> str:
        """A copy of dash, because bash is mounted over the host's where /bin/sh is a link to it; empty without dash."""
        found = shutil.which("dash", path=SYSTEM_PATH)
        copy = self._paths.run / "dash"
        if found and not copy.exists():
            partial = copy.with_name(f".dash.{os.getpid()}")
            shutil.copy(found, partial)
            partial.replace(copy)
        return str(copy) if found else ""

    def _sh_folder(self) -> Path:
        """A folder in which `sh` is bash, for containers that see the host's /bin/sh."""
        folder = self._paths.run / "shims"
        link = folder / "sh"
        if not link.is_symlink():
            folder.mkdir(parents=True, exist_ok=True)
            link.symlink_to(self._bash)
        return folder

    def _visible(self, env: Mapping[str, str]) -> list[Path]:
        """What no mount may hide: the lab, the kit, its Python, and the paths of /tmp that variables name."""
        parts = [part for value in env.values() for part in value.split(":")]
        named = {Path(part) for part in parts if part.startswith(TMP + "/")}
        return sorted(path for path in self._always_visible | named if path.exists())
