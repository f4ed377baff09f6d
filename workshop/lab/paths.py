"""Where the lab keeps what it knows: one folder, `.workshop/` beside the kit unless WORKSHOP_STATE says otherwise.

Deleting the folder is a full reset. It holds secrets (the token, the certificate's key), so it is made for its
owner alone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

KIT = Path(__file__).resolve().parents[2]
"""The checkout that this code runs from."""


@dataclass(frozen=True)
class LabPaths:
    """The paths of one lab."""

    root: Path

    @property
    def store(self) -> Path:
        return self.root / "store.sqlite"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def token(self) -> Path:
        return self.root / "token"

    @property
    def tls(self) -> Path:
        return self.root / "tls"

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def seldon_core(self) -> Path:
        """A link to the packages of Seldon's wrapper and client in the builder image."""
        return self.root / "seldon-core"

    @property
    def volumes(self) -> Path:
        """PersistentVolumeClaims, one folder a claim: `<namespace>/<claim>`."""
        return self.root / "volumes"

    @property
    def git(self) -> Path:
        """The bare repository that plays the Git server's part."""
        return self.root / "git"

    @property
    def dvc_remote(self) -> Path:
        return self.root / "dvc-remote"

    @property
    def home(self) -> Path:
        """The participant's folder: the clone of the kit in which they work."""
        return self.root / "home"

    @property
    def components(self) -> Path:
        """Files and logs of MLflow, Prometheus, JupyterHub, one folder each."""
        return self.root / "components"

    @property
    def run(self) -> Path:
        """Process ids, sockets and locks of the running lab."""
        return self.root / "run"

    @property
    def log(self) -> Path:
        """The supervisor's own log."""
        return self.root / "supervisor.log"

    def pod(self, namespace: str, name: str) -> Path:
        """The folder of one pod: its volumes, its `/tekton`, its logs."""
        return self.root / "pods" / namespace / name

    def container_log(self, namespace: str, pod: str, container: str) -> Path:
        """What `kubectl logs` prints of one container."""
        return self.pod(namespace, pod) / "logs" / f"{container}.log"

    def make(self) -> None:
        """Create the folder, readable by its owner only. Raises OSError."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.components, self.home, self.images, self.run, self.volumes, self.root / "pods"):
            folder.mkdir(parents=True, exist_ok=True)


def lab_paths() -> LabPaths:
    """The lab that commands mean: WORKSHOP_STATE, else `.workshop/` in the kit."""
    named = os.environ.get("WORKSHOP_STATE")
    return LabPaths(Path(named).resolve() if named else KIT / ".workshop")
