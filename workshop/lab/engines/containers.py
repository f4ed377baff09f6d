"""Makes a process of a container: its environment, its file tree, its program.

What a container runs: its script; else its command; else its image's own. HOME and TMPDIR are the Pod's,
nothing of the lab's user or the supervisor's environment reaches it but what `EngineOptions.env` names.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workshop.lab.engines.environment import expand, variables
from workshop.lab.engines.images import ImageEnvironment
from workshop.lab.engines.launcher import Mount, Spec
from workshop.lab.engines.paths import TMP, Tree, linked_tree, private_tree
from workshop.lab.engines.pod import ContainerPlan, PodError, PodPlan
from workshop.lab.engines.scripts import SHELLS, text_of, write
from workshop.lab.engines.volumes import Folder, mounts
from workshop.lab.paths import KIT, LabPaths
from workshop.lab.store import Store

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WORKSPACE = "/workspace"
TEKTON_FOLDERS = ("creds", "home", "results", "run", "scripts", "steps", "artifacts", "downward")


@dataclass(frozen=True)
class EngineOptions:
    """What the supervisor gives to every step: variables, and folders of /tmp that steps must see."""

    env: Mapping[str, str] = field(default_factory=dict)
    visible: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """A container that can be started."""

    plan: ContainerPlan
    image: ImageEnvironment
    tree: Tree
    env: dict[str, str]
    script: str
    """The script's path as the container sees it, or nothing."""


class Preparer:
    """Prepares the containers of one Pod; `prepare` may raise PodError, `spec` gives what to launch."""

    def __init__(
        self, store: Store, state: LabPaths, options: EngineOptions, pod: PodPlan, folders: dict[str, Folder],
        *, namespaces: bool,
    ) -> None:  # fmt: skip
        self._store, self._state, self._options = store, state, options
        self._pod, self._folders, self._namespaces = pod, folders, namespaces
        self._bash = shutil.which("bash", path=SYSTEM_PATH + ":" + os.environ.get("PATH", "")) or "/bin/bash"

    def lay_out(self) -> None:
        """Make the folders that every container of the Pod shares."""
        for name in TEKTON_FOLDERS:
            (self._pod.folder / "tekton" / name).mkdir(parents=True, exist_ok=True)
        (self._pod.folder / "workspace").mkdir(exist_ok=True)
        (self._pod.folder / "logs").mkdir(exist_ok=True)
        (self._pod.folder / "tekton" / "downward" / "ready").write_text("READY")
        for index, step in enumerate(self._pod.steps):
            (self._pod.folder / "tekton" / "run" / str(index) / "status").mkdir(parents=True, exist_ok=True)
            (self._pod.folder / "tekton" / "steps" / step.name / "results").mkdir(parents=True, exist_ok=True)
            link = self._pod.folder / "tekton" / "steps" / str(index)
            if not link.is_symlink():
                link.symlink_to(step.name)

    def prepare(self, index: int, plan: ContainerPlan, image: ImageEnvironment, *, sidecar: bool) -> Prepared:
        """Resolve everything that can be missing, before anything runs."""
        wanted = mounts(self._folders, plan.mounts, plan.name)
        if not sidecar:
            # A workspace mounted at /workspace itself takes the place of the shared folder.
            if all(mount.target != WORKSPACE for mount in wanted):
                wanted.insert(0, Mount(self._pod.folder / "workspace", WORKSPACE))
            wanted = [*self._internal_mounts(index, plan.name), *wanted]
        elif plan.script:
            wanted.append(Mount(self._pod.folder / "tekton" / "scripts", "/tekton/scripts", read_only=True))
        tmp = self._pod.folder / "tmp" / plan.name
        tmp.mkdir(parents=True, exist_ok=True)
        own = variables(self._store, self._pod, plan)
        env = self._base_env(image, own) | own
        if self._namespaces:
            tree = private_tree(wanted, tmp=tmp, visible=self._visible(env))
        else:
            root = self._pod.folder / "root" / plan.name
            tree = linked_tree(wanted, root, visible=self._visible(env))
            env = {"TMPDIR": str(tmp)} | {key: tree.rewrite(value) for key, value in env.items()}
        script = ""
        if plan.script:
            text = text_of(plan.script, bash=self._bash, has_sh=self._namespaces, path=env["PATH"])
            script = write(self._pod, index, tree.rewrite(text), sidecar=sidecar)
        return Prepared(plan, image, tree, env, script)

    def _internal_mounts(self, index: int, name: str) -> list[Mount]:
        """`/tekton`, where a step writes its own files and only reads those of the others."""
        tekton = self._pod.folder / "tekton"
        found = [Mount(tekton, "/tekton")]
        if self._namespaces:
            for group, own in (("run", str(index)), ("steps", name)):
                found.append(Mount(tekton / group, f"/tekton/{group}", read_only=True))
                found.append(Mount(tekton / group / own, f"/tekton/{group}/{own}"))
        return found

    def spec(self, ready: Prepared, log: Path) -> Spec:
        """What the launcher is to start. Raises PodError when there is nothing to run."""
        plan, tree = ready.plan, ready.tree
        args = [expand(one, ready.env) for one in plan.args]
        if ready.script:
            argv = [tree.path(ready.script), *args]
        elif plan.command:
            argv = [*(expand(one, ready.env) for one in plan.command), *args]
        else:
            argv = [*ready.image.command, *args]
        if not argv:
            raise PodError("CreateContainerError", f'no command for image "{plan.image}"', plan.name)
        if not ready.script:
            argv = [tree.rewrite(one) for one in argv]
            if Path(argv[0]).name in SHELLS and not self._namespaces:
                argv[0] = self._bash
        cwd = tree.path(self._working_dir(ready))
        if tree.mounts is None:
            cwd = self._real_cwd(cwd, plan.name)
        return Spec(argv=argv, env=ready.env, cwd=cwd, log=log, mounts=tree.mounts)

    # -- inside
    # ------------------------------------------------------------------------------------------------

    def _base_env(self, image: ImageEnvironment, own: Mapping[str, str]) -> dict[str, str]:
        home = "/tekton/home"
        path = [str(folder) for folder in image.paths] + [SYSTEM_PATH]
        env = {"HOME": home, "LANG": "C.UTF-8", "HOSTNAME": self._pod.name}
        env |= self._options.env
        kubeconfig = self._kubeconfig()
        if kubeconfig:
            env["KUBECONFIG"] = kubeconfig
        env |= {key: value for key, value in image.env.items() if key != "PATH"}
        extra = [part for part in (image.env.get("PATH", ""), self._options.env.get("PATH", "")) if part]
        env["PATH"] = ":".join([*path[:-1], *extra, path[-1]])
        if not self._namespaces and "PATH" not in own:
            env["PATH"] = f"{self._shims()}:{env['PATH']}"
        return env

    def _shims(self) -> Path:
        """A folder in which `sh` is bash, for where /bin/sh is not."""
        folder = self._state.run / "shims"
        link = folder / "sh"
        if not link.is_symlink():
            folder.mkdir(parents=True, exist_ok=True)
            link.symlink_to(self._bash)
        return folder

    def _kubeconfig(self) -> str:
        """The lab's kubeconfig with the Pod's namespace as the default one, as a Pod on a cluster has it."""
        source = self._state.kubeconfig
        if not source.exists():
            return ""
        file = self._state.run / "kubeconfigs" / self._pod.namespace
        if not file.exists() or file.stat().st_mtime < source.stat().st_mtime:
            import yaml

            config = yaml.safe_load(source.read_text())
            for context in config.get("contexts") or []:
                context["context"]["namespace"] = self._pod.namespace
            file.parent.mkdir(parents=True, exist_ok=True)
            fresh = file.with_name(f".{file.name}.{os.getpid()}")
            fresh.touch(mode=0o600)
            fresh.write_text(yaml.safe_dump(config))
            fresh.replace(file)
        return str(file)

    def _visible(self, env: Mapping[str, str]) -> list[Path]:
        """What no mount may hide: the lab, the kit, its Python, what variables name of /tmp."""
        parts = [part for value in env.values() for part in value.split(":")]
        named = {Path(part) for part in parts if part.startswith(TMP + "/")}
        paths = {self._state.root, KIT, Path(sys.prefix), *self._options.visible, *named}
        return sorted(path for path in paths if path.exists())

    def _working_dir(self, ready: Prepared) -> str:
        wanted = ready.plan.working_dir or ready.image.working_dir or WORKSPACE
        return posixpath.normpath(posixpath.join(WORKSPACE, wanted))

    def _real_cwd(self, cwd: str, container: str) -> str:
        """A working directory that exists; one that the host does not have is made in the Pod's folder."""
        if Path(cwd).is_dir():
            return cwd
        if cwd.startswith((str(self._state.root), str(self._pod.folder))):
            Path(cwd).mkdir(parents=True, exist_ok=True)
            return cwd
        path = self._pod.folder / "root" / container / cwd.lstrip("/")
        path.mkdir(parents=True, exist_ok=True)
        return str(path)
