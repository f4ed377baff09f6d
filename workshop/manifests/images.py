"""`image.openshift.io/v1`: ImageStream and ImageStreamTag, with the fields that the lab knows (openshift/api)."""

from __future__ import annotations

from typing import Annotated

from workshop.manifests.kubernetes import ObjectReference
from workshop.manifests.meta import ATOMIC, Anything, Resource, Time, Typed, keyed


class LookupPolicy(Typed, frozen=True, kw_only=True):
    """Whether Pods may name the stream as their image."""

    local: bool = False


class TagReference(Typed, frozen=True, kw_only=True):
    """A tag that refers to another image."""

    name: str
    from_: ObjectReference | None = None
    annotations: dict[str, str] | None = None
    reference: bool | None = None
    generation: int | None = None
    import_policy: Anything | None = None
    reference_policy: Anything | None = None


class ImageStreamSpec(Typed, frozen=True, kw_only=True):
    """The tags that refer to other images."""

    lookup_policy: LookupPolicy | None = None
    docker_image_repository: str | None = None
    tags: Annotated[list[TagReference] | None, keyed("name")] = None


class TagEvent(Typed, frozen=True, kw_only=True):
    """An image that a tag points or has pointed to."""

    created: Time
    docker_image_reference: str
    image: str
    generation: int = 0


class NamedTagEventList(Typed, frozen=True, kw_only=True):
    """The images of a tag, the newest first."""

    tag: str
    items: Annotated[list[TagEvent] | None, ATOMIC] = None
    conditions: Annotated[list[Anything] | None, ATOMIC] = None


class ImageStreamStatus(Typed, frozen=True, kw_only=True):
    """Where the stream is in the registry, and its tags."""

    docker_image_repository: str = ""
    public_docker_image_repository: str | None = None
    tags: Annotated[list[NamedTagEventList] | None, keyed("tag")] = None


class ImageStream(Resource, frozen=True, kw_only=True):
    """The images of one name, by tag."""

    spec: ImageStreamSpec | None = None
    status: ImageStreamStatus | None = None


class ImageStreamTag(Resource, frozen=True, kw_only=True):
    """One tag of a stream, with its image. The registry makes it."""

    tag: Anything | None = None
    generation: int = 0
    lookup_policy: LookupPolicy | None = None
    conditions: Annotated[list[Anything] | None, ATOMIC] = None
    image: Anything | None = None
