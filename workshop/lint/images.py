"""The rules for images: those without a digest, and those that the lab's process runtime does not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workshop.lab.runtimes.process.images import base_name, is_known
from workshop.lint.findings import Finds, Found
from workshop.manifests.places import Path
from workshop.manifests.tekton import ParamSpec
from workshop.manifests.tekton.references import whole

OWN_REGISTRY = "image-registry.openshift-image-registry.svc:5000/"
"""OpenShift's own registry. Its images are built in the cluster, so a file cannot know their digest."""


BUILT_HERE = (OWN_REGISTRY, "localhost/")


def of_container(image: str, path: Path, params: Sequence[ParamSpec], owner: Path) -> Finds:
    """The findings for the image of a step or a sidecar.

    One that is a param is looked up in the default of that param of `owner`.
    """
    for name, place in _named(image, path, params, owner):
        yield from floating(name, place)
        if not name.startswith(BUILT_HERE) and "$(" not in base_name(name) and not is_known(name):
            yield Found("unknown-image", place, f"The lab's process runtime has no image {name}.", name)


def floating(image: str, path: Path) -> Finds:
    """An image without a digest."""
    if image and "@" not in image and not image.startswith(OWN_REGISTRY):
        yield Found("floating-image", path, f"The image {image} has no digest.", image)


def _named(image: str, path: Path, params: Sequence[ParamSpec], owner: Path) -> Iterator[tuple[str, Path]]:
    """The name of an image and its place in the file, if the file has it."""
    reference = whole(image) if image.startswith("$(") else None
    if reference is None:
        yield from [(image, path)] if image else []
        return
    for index, param in enumerate(params):
        default = param.default
        if reference.parts == ("params", param.name) and isinstance(default, str) and default:
            yield from _named(default, (*owner, "params", index, "default"), (), owner)
