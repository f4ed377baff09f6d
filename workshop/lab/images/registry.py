"""The names of images in OpenShift's internal registry: `<registry>/<namespace>/<stream>:<tag>`."""

from __future__ import annotations

from workshop.errors import UsageError
from workshop.lab.images.refs import parse

REGISTRY = "image-registry.openshift-image-registry.svc:5000"


def repository(namespace: str, stream: str) -> str:
    """The repository of an ImageStream."""
    return f"{REGISTRY}/{namespace}/{stream}"


def stream_of(name: str) -> tuple[str, str, str] | None:
    """Namespace, ImageStream and tag of an image's name; None for a name that is not in the registry."""
    try:
        ref = parse(name)
    except UsageError:
        return None
    parts = ref.repo.split("/")
    return (parts[1], parts[2], ref.tag or "latest") if len(parts) == 3 and parts[0] == REGISTRY else None
