"""The objects that a participant gets: those of `tekton/participant`, in the lab and on a cluster alike."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from workshop.cluster.kubectl import kubectl
from workshop.errors import SetupError
from workshop.manifests.objects import Object
from workshop.participants.names import STAGES, Participant

FOLDER = "tekton/participant"
EXAMPLE = Participant("user1")
"""The participant that the files in FOLDER name."""


def participant_objects(kit: Path, participant: Participant) -> list[Object]:
    """What `oc apply -k tekton/participant` sends, with the names of this participant.

    Raises SetupError when the kustomization cannot be built.
    """
    folder = kit / FOLDER
    done = subprocess.run([kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError(
            f"{folder} cannot be built: {done.stderr.strip()}", hint=f"kubectl kustomize {folder} shows the error"
        )
    return [renamed(obj, participant) for obj in yaml.load_all(done.stdout, yaml.CSafeLoader) if obj]


def renamed(obj: Any, participant: Participant) -> Any:
    """The value with EXAMPLE's namespaces replaced by the participant's, wherever they are named; and their user name.

    The user name is replaced only as a part of a URL's path, as in the address of a Git repository.
    """
    if isinstance(obj, dict):
        return {key: renamed(value, participant) for key, value in obj.items()}
    if isinstance(obj, list):
        return [renamed(value, participant) for value in obj]
    if isinstance(obj, str):
        text = re.sub(rf"\b{EXAMPLE.name}-({'|'.join(STAGES)})\b", rf"{participant.name}-\1", obj)
        return re.sub(rf"(?<=/){EXAMPLE.name}(?=/|$)", participant.name, text)
    return obj
