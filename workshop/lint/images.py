"""The rule for images without a digest."""

from __future__ import annotations

from collections.abc import Sequence

from workshop.lint.findings import Finds, Found
from workshop.manifests.places import Path
from workshop.manifests.tekton import ParamSpec
from workshop.manifests.tekton.references import whole

OWN_REGISTRY = "image-registry.openshift-image-registry.svc:5000/"
"""OpenShift's own registry. Its images are built in the cluster, so a file cannot know their digest."""


def floating(image: str, path: Path, params: Sequence[ParamSpec], owner: Path) -> Finds:
    """An image without a digest. One that is a param is looked up in the default of that param of `owner`."""
    reference = whole(image) if image.startswith("$(") else None
    if reference is not None:
        for index, param in enumerate(params):
            default = param.default
            if reference.parts == ("params", param.name) and isinstance(default, str) and default:
                yield from floating(default, (*owner, "params", index, "default"), (), owner)
    elif image and "@" not in image and not image.startswith(OWN_REGISTRY):
        yield Found("floating-image", path, f"The image {image} has no digest.", image)
