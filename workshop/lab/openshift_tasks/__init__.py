"""The Tasks that OpenShift Pipelines installs in the namespace `openshift-pipelines`, for the cluster resolver.

They have the params, results and workspaces of version 1.23 and do the same with the lab's programs. Their scripts are
the lab's own.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from workshop.manifests.objects import Object

NAMESPACE = "openshift-pipelines"
_FOLDER = Path(__file__).parent


@cache
def _texts() -> tuple[str, ...]:
    return tuple(file.read_text(encoding="utf-8") for file in sorted(_FOLDER.glob("*.yaml")))


def tasks() -> list[Object]:
    """The Tasks, each a new object."""
    found: list[Object] = [yaml.safe_load(text) for text in _texts()]
    for task in found:
        task["metadata"]["namespace"] = NAMESPACE
    return found
