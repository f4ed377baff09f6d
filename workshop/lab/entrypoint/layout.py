"""The files of a TaskRun's Pod: `/tekton`, `/workspace`, scripts, and what each container sees of them.

The folders are those of Tekton's entrypoint (pkg/pod/pod.go and pkg/pod/entrypoint.go of tektoncd/pipeline).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from workshop.lab.kubelet.credentials import PodAccess
from workshop.lab.kubelet.pod import ContainerPlan, PodPlan
from workshop.lab.kubelet.security import security_of
from workshop.lab.kubelet.variables import expand, variables
from workshop.lab.kubelet.volumes import Folder, mounts
from workshop.lab.paths import LabPaths
from workshop.lab.runtimes.base import ContainerImage, ContainerSpec, Mount, Script
from workshop.lab.store import Store

WORKSPACE, HOME = "/workspace", "/tekton/home"
FOLDERS = ("creds", "home", "results", "run", "scripts", "steps", "artifacts", "downward")


class PodLayout:
    """Makes the folders of one Pod and the specs of its containers.

    `env` are variables for every container. `access` is what each container needs to use the API, if it may.
    With `isolated` containers only see what is mounted, and the folders are open to any user id of a container.
    """

    def __init__(
        self,
        store: Store,
        paths: LabPaths,
        pod: PodPlan,
        volumes: Mapping[str, Folder],
        env: Mapping[str, str],
        access: PodAccess | None = None,
        *,
        isolated: bool = False,
        constraint: str = "",
    ) -> None:
        self._store, self._paths, self._pod, self._volumes = store, paths, pod, volumes
        self._isolated, self._constraint = isolated, constraint
        self._env = dict(env)
        if access:
            self._env |= access.env if isolated else access.env | access.of_this_machine
        self._token = [access.mount] if access else []

    def make(self) -> None:
        """Make the folders that the containers share. Raises OSError."""
        tekton = self._pod.folder / "tekton"
        for name in FOLDERS:
            (tekton / name).mkdir(parents=True, exist_ok=True)
        (self._pod.folder / "workspace").mkdir(exist_ok=True)
        (self._pod.folder / "logs").mkdir(exist_ok=True)
        (tekton / "downward" / "ready").write_text("READY")
        for index, step in enumerate(self._pod.steps):
            (tekton / "run" / str(index) / "status").mkdir(parents=True, exist_ok=True)
            for own in ("artifacts", "results"):
                (tekton / "steps" / step.name / own).mkdir(parents=True, exist_ok=True)
            link = tekton / "steps" / str(index)
            if not link.is_symlink():
                link.symlink_to(step.name)

    def _defaults(self) -> dict[str, str]:
        """Variables that an image may override. An image of its own knows its home folder and its language.

        With files for git, ssh or docker the home folder is /tekton/home, where they are copied to.
        """
        if self._isolated:
            has_files = any((self._pod.folder / "tekton" / "creds").iterdir())
            return {**({"HOME": HOME} if has_files else {}), **self._env}
        return {"HOME": HOME, "LANG": "C.UTF-8", **self._env}

    def log(self, container: str) -> Path:
        """The file that `kubectl logs` prints."""
        return self._paths.container_log(self._pod.namespace, self._pod.name, container)

    def step(self, index: int, plan: ContainerPlan, image: ContainerImage) -> ContainerSpec:
        """The spec of a step. Raises PodError for a variable or volume that is missing."""
        found = mounts(self._volumes, plan.mounts, plan.name)
        # A workspace that is mounted at /workspace itself replaces the shared folder.
        if all(mount.target != WORKSPACE for mount in found):
            found.insert(0, Mount(self._pod.folder / "workspace", WORKSPACE))
        spec = self._spec(f"script-{index}", plan, image, [*self._tekton_mounts(index, plan.name), *found])
        # Source: imageInfo in pkg/pod/entrypoint_lookup_impl.go.
        return replace(spec, extends=True)

    def sidecar(self, index: int, plan: ContainerPlan, image: ContainerImage) -> ContainerSpec:
        """The spec of a sidecar. Raises PodError as `step` does."""
        found = mounts(self._volumes, plan.mounts, plan.name)
        if plan.script:
            found.append(Mount(self._pod.folder / "tekton" / "scripts", "/tekton/scripts", read_only=True))
        return self._spec(f"sidecar-script-{index}", plan, image, found)

    def _spec(self, script: str, plan: ContainerPlan, image: ContainerImage, found: list[Mount]) -> ContainerSpec:
        env = variables(self._store, self._pod, plan.name, plan.env, plan.env_from)
        return ContainerSpec(
            name=plan.name,
            image=image,
            folder=self._pod.folder,
            log=self.log(plan.name),
            command=tuple(expand(one, env) for one in plan.command),
            args=tuple(expand(one, env) for one in plan.args),
            script=self._script(script, plan.script) if plan.script else None,
            env=env,
            defaults=self._defaults(),
            working_dir=plan.working_dir,
            stdout_copy=plan.stdout_copy,
            stderr_copy=plan.stderr_copy,
            mounts=(*found, *self._token),
            hostname=self._pod.name,
            security=security_of(self._pod, plan, self._constraint),
        )

    def _tekton_mounts(self, index: int, name: str) -> list[Mount]:
        """`/tekton`, where a step writes its own files and only reads those of the other steps."""
        tekton = self._pod.folder / "tekton"
        found = [Mount(tekton, "/tekton")]
        for group, own in (("run", str(index)), ("steps", name)):
            found.append(Mount(tekton / group, f"/tekton/{group}", read_only=True))
            found.append(Mount(tekton / group / own, f"/tekton/{group}/{own}"))
        return found

    def _script(self, name: str, text: str) -> Script:
        name += "-" + "".join(secrets.choice("bcdfghjklmnpqrstvwxz2456789") for _ in range(5))
        return Script(text, self._pod.folder / "tekton" / "scripts" / name, f"/tekton/scripts/{name}")
