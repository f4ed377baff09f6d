"""The lab's files: one folder, `.workshop/` in the kit unless WORKSHOP_STATE names another one.

Deleting the folder is a full reset. It holds secrets (the token, the certificate's key), so only its owner may open it.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from workshop.errors import SetupError
from workshop.participants.names import LAB_PARTICIPANT, USER_VARIABLE
from workshop.usecase import KIT as KIT

BUILD_INPUT = "lab.mlops-workshop/build-input"
"""The annotation of a Build that names its file of `LabPaths.build_input`."""
PARTIAL = ".partial"
"""The suffix of such a file while a client still sends it."""
MARKER = ".workshop-lab"
"""A file that marks the lab's folder as made by the lab. `workshop reset` deletes no other folder."""
_MARK = "The MLOps workshop kit made this folder. workshop reset deletes it with everything in it.\n"
MIN_FREE_BYTES = 300 * 1024 * 1024
"""With less free space a pipeline run fails before its end."""


@dataclass(frozen=True)
class LabPaths:
    """The paths of one lab, and those of one participant's files in it.

    The first participant's files are in `root` itself, those of another one in `participants/<name>`.
    """

    root: Path
    participant: str = LAB_PARTICIPANT.name

    def of(self, participant: str) -> LabPaths:
        """The same lab with another participant's files."""
        return replace(self, participant=participant)

    @property
    def own(self) -> Path:
        """The folder of the participant's files."""
        return self.root if self.participant == LAB_PARTICIPANT.name else self.root / "participants" / self.participant

    @property
    def store(self) -> Path:
        return self.root / "store.sqlite"

    @property
    def kubeconfig(self) -> Path:
        return self.own / "kubeconfig"

    @property
    def administrator(self) -> Path:
        """The kubeconfig of `system:admin`, whom the API allows everything."""
        return self.root / "admin.kubeconfig"

    @property
    def token(self) -> Path:
        """The participant's token for the lab's pages, MLflow, Git and Prometheus; not the API's."""
        return self.own / "token"

    @property
    def instructor(self) -> Path:
        """The token for the instructor's board."""
        return self.root / "instructor.token"

    @property
    def handout(self) -> Path:
        """The participants' links, to hand out and to print."""
        return self.root / "handout"

    @property
    def users(self) -> Path:
        """The table of users with their groups and tokens."""
        return self.root / "users.json"

    @property
    def participants(self) -> Path:
        """The names of the participants."""
        return self.root / "participants.json"

    @property
    def runtime(self) -> Path:
        """The name of the lab's runtime."""
        return self.root / "runtime"

    @property
    def tls(self) -> Path:
        return self.root / "tls"

    @property
    def signing_key(self) -> Path:
        """The private key with which the lab signs provenance."""
        return self.root / "chains" / "signing.key"

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def seldon_core(self) -> Path:
        """A link to the packages of Seldon's wrapper and client in the builder image."""
        return self.root / "seldon-core"

    @property
    def volumes(self) -> Path:
        """The folders of PersistentVolumeClaims: `<namespace>/<claim>`."""
        return self.root / "volumes"

    @property
    def git(self) -> Path:
        """The bare repositories of the lab's Git server."""
        return self.root / "git"

    @property
    def dvc_remote(self) -> Path:
        return self.own / "dvc-remote"

    @property
    def home(self) -> Path:
        """The participant's folder: the clone of the kit in which they work."""
        return self.own / "home"

    @property
    def temporary(self) -> Path:
        """Temporary files of the participant's tests. In /tmp, all labs of a machine would share those of user1."""
        return self.own / "tmp"

    @property
    def components(self) -> Path:
        """Files and logs of MLflow, Prometheus, JupyterHub, in one folder each; of another participant, their own."""
        return self.own / "components"

    def component(self, name: str) -> Path:
        """The folder of one component: its files and its log."""
        return self.components / name

    @property
    def run(self) -> Path:
        """Process ids, sockets and locks of the running lab."""
        return self.root / "run"

    def build_input(self, name: str) -> Path:
        """The archive or file that `oc start-build` sent for a build."""
        return self.root / "builds" / name

    @property
    def log(self) -> Path:
        """The supervisor's own log."""
        return self.root / "supervisor.log"

    def pod(self, namespace: str, name: str) -> Path:
        """The folder of one pod: its volumes, its `/tekton`, its logs."""
        return self.root / "pods" / namespace / name

    def container_log(self, namespace: str, pod: str, container: str) -> Path:
        """The file that `kubectl logs` of one container prints."""
        return self.pod(namespace, pod) / "logs" / f"{container}.log"

    @property
    def is_lab(self) -> bool:
        """Whether a lab made the folder. Folders of the kit's first versions have a store but no marker."""
        return (self.root / MARKER).is_file() or self.store.is_file()

    def check_free_space(self) -> None:
        """Raise SetupError when the disk has less than MIN_FREE_BYTES."""
        free = shutil.disk_usage(self.root).free
        if free < MIN_FREE_BYTES:
            raise SetupError(
                f"{self.root} has {free // 2**20} MiB free; the lab needs {MIN_FREE_BYTES // 2**20} MiB",
                hint="free some space, or set WORKSHOP_STATE to a folder on another disk; then workshop up",
            )

    def make(self) -> None:
        """Create the folder and mark it as a lab's. Only its owner may open it, also if it existed before.

        Raises OSError, and SetupError for another user's folder or one with files that the lab did not create.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.root.stat().st_uid != os.geteuid():
            raise SetupError(
                f"{self.root} belongs to another user, who could read the lab's token",
                hint="set WORKSHOP_STATE to a folder of your own; then workshop up",
            )
        if not self.is_lab and any(self.root.iterdir()):
            raise SetupError(
                f"{self.root} has files that the lab did not create, and workshop reset would delete them",
                hint="set WORKSHOP_STATE to a new or an empty folder; then workshop up",
            )
        self.root.chmod(0o700)
        (self.root / MARKER).write_text(_MARK)
        for folder in (self.images, self.run, self.volumes, self.root / "pods"):
            folder.mkdir(parents=True, exist_ok=True)
        LabPaths(self.root).make_own()

    def make_own(self) -> None:
        """Create the folders of the participant's files. Raises OSError."""
        for folder in (self.components, self.home, self.temporary):
            folder.mkdir(parents=True, exist_ok=True)


def lab_paths() -> LabPaths:
    """The paths of the lab: WORKSHOP_STATE, else `.workshop/` in the kit. WORKSHOP_USER names the participant."""
    named = os.environ.get("WORKSHOP_STATE")
    root = Path(named).resolve() if named else KIT / ".workshop"
    return LabPaths(root, os.environ.get(USER_VARIABLE) or LAB_PARTICIPANT.name)
