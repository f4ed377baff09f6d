"""The names and labels of the objects that the controllers create."""

from __future__ import annotations

import hashlib
import re

from workshop.manifests.objects import Object

LONGEST = 63
_HASH = 32
_HEAD = LONGEST - _HASH

RELEASE = {"pipeline.tekton.dev/release": "v1.12.2"}
"""The Tekton release that the lab follows, as the controller records it on runs and Pods."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def child_name(parent: str, suffix: str) -> str:
    """`<parent><suffix>`; longer than 63 characters, it gets a hash in the middle (knative.dev/pkg/kmeta)."""
    if len(parent) <= LONGEST - len(suffix):
        return parent + suffix
    if _HEAD - len(suffix) <= 0:
        name = parent[:_HEAD] + _md5(parent + suffix)
        return (name + suffix[: max(LONGEST - len(name), 0)]).rstrip("-.")
    return parent[: _HEAD - len(suffix)] + _md5(parent) + suffix


def pod_name(task_run: str, attempt: int) -> str:
    """The Pod of a TaskRun's first attempt, or of a retry."""
    return child_name(task_run, f"-pod-retry{attempt}" if attempt else "-pod")


def claim_name(template_name: str, workspace: str, owner: Object) -> str:
    """The PersistentVolumeClaim of a run's volumeClaimTemplate."""
    meta = owner["metadata"]
    text = f"{workspace}/{owner['kind']}/{meta['namespace']}/{meta['name']}/{meta['uid']}"
    return f"{template_name or 'pvc'}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def passed_on(values: dict[str, str] | None) -> dict[str, str]:
    """The labels or annotations that a run passes to the objects that it creates."""
    return {key: value for key, value in (values or {}).items() if key != LAST_APPLIED}


def index_of(name: str) -> int:
    """The number at the end of a matrix child's name."""
    match = re.search(r"-(\d+)$", name)
    return int(match.group(1)) if match else 0


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
