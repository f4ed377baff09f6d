"""The Pod of a build: a script that fetches the source, makes the image and pushes it.

The script's exit code says which part failed; `REASONS` has OpenShift's reason and message for each
(openshift/api, build/v1, and openshift/builder).
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from msgspec import convert

from workshop.lab.api.builds import pod_name
from workshop.lab.kubelet.pod import ContainerPlan, PodPlan
from workshop.manifests.builds import Build, BuildSpec
from workshop.manifests.kubernetes import EnvVar
from workshop.manifests.objects import Object

BUILD_NAME = "openshift.io/build.name"
"""The label and the annotation of a Pod with the name of its Build."""
_IMAGE = "registry.access.redhat.com/ubi9/buildah"
_FETCH, _PULL, _BUILD, _ASSEMBLE, _PUSH = 91, 92, 93, 94, 95
REASONS = {
    _FETCH: ("FetchSourceFailed", "Failed to fetch the input source."),
    _PULL: ("PullBuilderImageFailed", "Failed pulling builder image."),
    _BUILD: ("DockerBuildFailed", "Dockerfile build strategy has failed."),
    _ASSEMBLE: ("AssembleFailed", "Assemble script failed."),
    _PUSH: ("PushImageToRegistryFailed", "Failed to push the image to the registry."),
}
OTHER = ("GenericBuildFailed", "Generic Build failure - check logs for details.")
_SCRIPT = """#!/usr/bin/env bash
set -uo pipefail
part() { "$@" || exit "$code"; }
mkdir -p source generated
code=91
FETCH
test -d "source/$CONTEXT_DIR" || { echo "error: the source has no folder $CONTEXT_DIR" >&2; exit 91; }
MAKE
built=$?
# 3 is the exit code of an image that is not there.
[ "$built" -eq 3 ] && exit 92
[ "$built" -eq 0 ] || exit FAILED
PUSH
"""
_GENERATE = (
    's2i build source "$BUILDER_IMAGE" "$IMAGE" --copy --as-dockerfile generated/Dockerfile '
    '${CONTEXT_DIR:+--context-dir "$CONTEXT_DIR"}'
)


def build_plan(build: Object, folder: Path, image: str, builder: str, archive: Path | None) -> PodPlan:
    """The Pod of a build. `image` is pushed unless it is empty; `builder` is the S2I builder's image."""
    meta, spec = build["metadata"], convert(build, Build).spec
    source = spec.strategy.source_strategy
    env = {
        "ARCHIVE": str(archive or ""),
        "BUILDER_IMAGE": builder,
        "CONTEXT_DIR": (spec.source.context_dir if spec.source else None) or "",
        "IMAGE": image or f"{meta['namespace']}/{meta['name']}",
    }
    script = _SCRIPT.replace("FETCH", _fetch(spec)).replace("MAKE", _make(spec))
    script = script.replace("FAILED", str(_ASSEMBLE if source else _BUILD))
    script = script.replace("PUSH", _push() if image else 'echo "Build complete, no image push requested"')
    container = ContainerPlan(
        name="sti-build" if source else "docker-build",
        image=_IMAGE,
        script=script,
        working_dir="/workspace",
        env=tuple(EnvVar(name=key, value=value) for key, value in env.items()),
        timeout=float(spec.completion_deadline_seconds) if spec.completion_deadline_seconds else None,
    )
    return PodPlan(
        namespace=meta["namespace"],
        name=pod_name(meta["name"]),
        folder=folder,
        steps=(container,),
        service_account=spec.service_account or "builder",
        labels={BUILD_NAME: meta["name"]},
        annotations={BUILD_NAME: meta["name"]},
    )


def pod_object(build: Object, plan: PodPlan, owner: dict[str, Any]) -> Object:
    """The Pod as it is stored."""
    (step,) = plan.steps
    return {
        "metadata": {
            "name": plan.name,
            "namespace": plan.namespace,
            "labels": dict(plan.labels),
            "annotations": dict(plan.annotations),
            "ownerReferences": [owner],
        },
        "spec": {
            "containers": [{"name": step.name, "image": step.image, "resources": {}}],
            "nodeName": "lab",
            "restartPolicy": "Never",
            "serviceAccountName": plan.service_account,
        },
        "status": {"phase": "Pending"},
    }


def _fetch(spec: BuildSpec) -> str:
    """The lines that put the source into the folder `source`."""
    source = spec.source
    lines = []
    if source and source.git:
        uri, ref = shlex.quote(source.git.uri), shlex.quote(source.git.ref or "")
        lines += [f"echo Cloning {uri} ...", f"part git clone --quiet -- {uri} source"]
        if source.git.ref:
            lines += [f"part git -C source checkout --quiet {ref}"]
    elif source and source.binary is not None and source.binary.as_file:
        name = shlex.quote(source.binary.as_file)
        lines += [f"echo Receiving source from STDIN as file {name}", f'part cp "$ARCHIVE" source/{name}']
    elif source and source.binary is not None:
        lines += ["echo Receiving source from STDIN as archive ...", 'part tar -xf "$ARCHIVE" -C source']
    if source and source.dockerfile:
        lines += [f"printf %s {shlex.quote(source.dockerfile)} > source/Dockerfile"]
    return "\n".join(lines) or ":"


def _make(spec: BuildSpec) -> str:
    """The command that makes the image and tags it."""
    labels = (spec.output.image_labels if spec.output else None) or ()
    flags = "".join(f" --label {_quoted(one.name, one.value)}" for one in labels)
    build = f'buildah build --tag "$IMAGE"{flags}'
    docker, source = spec.strategy.docker_strategy, spec.strategy.source_strategy
    if source is None:
        file = shlex.quote((docker.dockerfile_path if docker else None) or "Dockerfile")
        return f'{build} --file "source/$CONTEXT_DIR/"{file} "source/$CONTEXT_DIR"'
    generate = _GENERATE
    for one in source.env or ():
        generate += f" --env {_quoted(one.name, one.value)}"
    if source.scripts:
        generate += f" --image-scripts-url {shlex.quote(source.scripts)}"
    if source.incremental:
        generate += " --incremental"
    return f"{generate} && {build} --file generated/Dockerfile generated"


def _quoted(name: str, value: str | None) -> str:
    return shlex.quote(f"{name}={value or ''}")


def _push() -> str:
    return """echo "Pushing image $IMAGE ..."
code=95
part buildah push "$IMAGE"
echo "Push successful\""""
