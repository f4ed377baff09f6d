"""`template.openshift.io/v1`: Template (openshift/api, template/v1)."""

from __future__ import annotations

from typing import Annotated

from workshop.manifests.meta import ATOMIC, Anything, Resource, Typed, keyed


class Parameter(Typed, frozen=True, kw_only=True):
    """A value of a template, given or generated."""

    name: str
    display_name: str | None = None
    description: str | None = None
    value: str | None = None
    generate: str | None = None
    from_: str | None = None
    required: bool | None = None


class Template(Resource, frozen=True, kw_only=True):
    """Objects with parameters."""

    message: str | None = None
    objects: Annotated[list[Anything], ATOMIC] = []
    parameters: Annotated[list[Parameter] | None, keyed("name")] = None
    labels: dict[str, str] | None = None
