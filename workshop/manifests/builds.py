"""`build.openshift.io/v1`: BuildConfig and Build, with the fields that the lab knows (openshift/api, build/v1)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import field

from workshop.manifests.kubernetes import EnvVar, LocalObjectReference, ObjectReference, ResourceRequirements
from workshop.manifests.meta import ATOMIC, Anything, Resource, Time, Typed

Policy = Literal["Parallel", "Serial", "SerialLatestOnly"]
Phase = Literal["New", "Pending", "Running", "Complete", "Failed", "Error", "Cancelled"]


class BinarySource(Typed, frozen=True, kw_only=True):
    """Files that `oc start-build` sends."""

    as_file: str | None = None


class GitSource(Typed, frozen=True, kw_only=True):
    """A repository."""

    uri: str
    ref: str | None = None


class BuildSource(Typed, frozen=True, kw_only=True):
    """Where the files of a build come from."""

    type: Literal["Binary", "Git", "Dockerfile", "None"] | None = None
    binary: BinarySource | None = None
    git: GitSource | None = None
    dockerfile: str | None = None
    context_dir: str | None = None
    source_secret: LocalObjectReference | None = None
    images: Annotated[list[Anything] | None, ATOMIC] = None
    secrets: Annotated[list[Anything] | None, ATOMIC] = None
    config_maps: Annotated[list[Anything] | None, ATOMIC] = None


class DockerStrategy(Typed, frozen=True, kw_only=True):
    """A build by a Dockerfile."""

    dockerfile_path: str | None = None
    from_: ObjectReference | None = None
    no_cache: bool | None = None
    force_pull: bool | None = None
    pull_secret: LocalObjectReference | None = None
    env: Annotated[list[EnvVar] | None, ATOMIC] = None
    build_args: Annotated[list[EnvVar] | None, ATOMIC] = None
    image_optimization_policy: str | None = None
    volumes: Annotated[list[Anything] | None, ATOMIC] = None


class SourceStrategy(Typed, frozen=True, kw_only=True):
    """A build by source-to-image, on a builder image."""

    from_: ObjectReference
    env: Annotated[list[EnvVar] | None, ATOMIC] = None
    scripts: str | None = None
    incremental: bool | None = None
    force_pull: bool | None = None
    pull_secret: LocalObjectReference | None = None
    volumes: Annotated[list[Anything] | None, ATOMIC] = None


class BuildStrategy(Typed, frozen=True, kw_only=True):
    """How a build makes its image."""

    type: Literal["Docker", "Source", "Custom", "JenkinsPipeline"] | None = None
    docker_strategy: DockerStrategy | None = None
    source_strategy: SourceStrategy | None = None
    custom_strategy: Anything | None = None
    jenkins_pipeline_strategy: Anything | None = None


class ImageLabel(Typed, frozen=True, kw_only=True):
    """A label of the image."""

    name: str
    value: str | None = None


class BuildOutput(Typed, frozen=True, kw_only=True):
    """Where the image is pushed."""

    to: ObjectReference | None = None
    push_secret: LocalObjectReference | None = None
    image_labels: Annotated[list[ImageLabel] | None, ATOMIC] = None


class CommonSpec(Typed, frozen=True, kw_only=True):
    """What a BuildConfig and its Builds have alike."""

    source: BuildSource | None = None
    strategy: BuildStrategy
    output: BuildOutput | None = None
    resources: ResourceRequirements | None = None
    service_account: str | None = None
    completion_deadline_seconds: int | None = None
    node_selector: dict[str, str] | None = None
    mount_trusted_ca: bool | None = field(default=None, name="mountTrustedCA")
    post_commit: Anything | None = None
    revision: Anything | None = None


class BuildConfigSpec(CommonSpec, frozen=True, kw_only=True):
    """What is built, and when."""

    triggers: Annotated[list[Anything] | None, ATOMIC] = None
    run_policy: Policy | None = None
    successful_builds_history_limit: int | None = None
    failed_builds_history_limit: int | None = None


class BuildConfigStatus(Typed, frozen=True, kw_only=True):
    """The number of the last build."""

    last_version: int = 0
    image_change_triggers: Annotated[list[Anything] | None, ATOMIC] = None


class BuildConfig(Resource, frozen=True, kw_only=True):
    """A description of builds; `oc start-build` starts one."""

    spec: BuildConfigSpec
    status: BuildConfigStatus | None = None


class BuildSpec(CommonSpec, frozen=True, kw_only=True):
    """The BuildConfig as it was when the build started."""

    triggered_by: Annotated[list[Anything] | None, ATOMIC] = None


class ImageDigest(Typed, frozen=True, kw_only=True):
    """The digest of the image."""

    image_digest: str | None = None


class BuildStatusOutput(Typed, frozen=True, kw_only=True):
    """What was pushed."""

    to: ImageDigest | None = None


class BuildStatus(Typed, frozen=True, kw_only=True):
    """How far a build is."""

    phase: Phase = "New"
    cancelled: bool | None = None
    reason: str | None = None
    message: str | None = None
    log_snippet: str | None = None
    start_timestamp: Time | None = None
    completion_timestamp: Time | None = None
    duration: int | None = None
    output_docker_image_reference: str | None = None
    config: ObjectReference | None = None
    output: BuildStatusOutput | None = None
    conditions: Annotated[list[Anything] | None, ATOMIC] = None
    stages: Annotated[list[Anything] | None, ATOMIC] = None


class Build(Resource, frozen=True, kw_only=True):
    """One build."""

    spec: BuildSpec
    status: BuildStatus | None = None
