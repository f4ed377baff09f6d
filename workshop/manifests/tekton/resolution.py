"""ResolutionRequest: a Task, Pipeline or StepAction that a resolver fetches (`resolution.tekton.dev/v1beta1`)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from workshop.manifests.meta import Anything, Condition, Labels, Reported, Resource, Time, Typed
from workshop.manifests.tekton.params import Param


class ResolutionRequestSpec(Typed, frozen=True, kw_only=True):
    """What to fetch."""

    params: Annotated[list[Param], Meta(description="What the resolver needs, such as url and pathInRepo.")] = []
    url: str = ""


class ResolutionRequestStatus(Reported, frozen=True, kw_only=True):
    """The fetched object and where it is from."""

    conditions: list[Condition] | None = None
    annotations: Labels | None = None
    data: Annotated[str | None, Meta(description="The object in base64.")] = None
    source: Anything | None = None
    ref_source: Annotated[Anything | None, Meta(description="uri, digest and entryPoint of the object.")] = None
    observed_generation: int | None = None
    start_time: Time | None = None


class ResolutionRequest(Resource, frozen=True, kw_only=True):
    """A request to a resolver; the label resolution.tekton.dev/type names it."""

    spec: ResolutionRequestSpec = ResolutionRequestSpec()
    status: ResolutionRequestStatus | None = None
