"""BuildConfigs at admission: the defaults that OpenShift sets, and what the lab's builder does not support."""

from __future__ import annotations

from typing import Any

from workshop.lab.api_errors import Invalid
from workshop.manifests.objects import Object

_BY_DOCKERFILE = "the lab's buildah runs a Dockerfile as it is"
_BY_NAME = "OpenShift reads kind, name and namespace only"
_NO_CREDENTIALS = "the lab's registry and builder use no credentials"

SUPPORTED: dict[str, str] = {
    "BinarySource": "asFile",
    "BuildConfigSpec": "failedBuildsHistoryLimit runPolicy successfulBuildsHistoryLimit",
    "BuildOutput": "imageLabels to",
    "BuildSource": "binary contextDir dockerfile git type",
    "BuildStrategy": "dockerStrategy sourceStrategy type",
    "CommonSpec": "completionDeadlineSeconds output serviceAccount source strategy",
    "DockerStrategy": "dockerfilePath",
    "EnvVar": "name value",
    "GitSource": "ref uri",
    "ImageLabel": "name value",
    "ObjectReference": "kind name namespace",
    "SourceStrategy": "env from incremental scripts",
}
"""Fields of a BuildConfig that the lab's builder supports."""

ACCEPTED: dict[str, str] = {
    "BuildOutput.pushSecret": _NO_CREDENTIALS,
    "CommonSpec.mountTrustedCA": "a build uses the certificates of this machine",
    "CommonSpec.nodeSelector": "the lab is one machine",
    "CommonSpec.resources": "the lab bounds nothing that runs",
    "DockerStrategy.forcePull": "the lab pulls no images",
    "DockerStrategy.noCache": "no layer is cached",
    "DockerStrategy.pullSecret": _NO_CREDENTIALS,
    "ObjectReference.apiVersion": _BY_NAME,
    "ObjectReference.fieldPath": _BY_NAME,
    "ObjectReference.resourceVersion": _BY_NAME,
    "ObjectReference.uid": _BY_NAME,
    "SourceStrategy.forcePull": "the lab pulls no images",
    "SourceStrategy.pullSecret": _NO_CREDENTIALS,
}
"""Fields that are accepted and have no effect in the lab, with the reason."""

REFUSED: dict[str, str] = {
    "BuildConfigSpec.triggers": "the lab starts a build on request only; use oc start-build",
    "BuildSource.configMaps": "the lab's builder copies no ConfigMaps into a build",
    "BuildSource.images": "the lab's builder copies no files from images; use COPY --from in the Dockerfile",
    "BuildSource.secrets": "the lab's builder copies no Secrets into a build",
    "BuildSource.sourceSecret": "the lab's builder clones without credentials; use oc start-build --from-dir",
    "BuildStrategy.customStrategy": "the lab has no custom builders; use dockerStrategy or sourceStrategy",
    "BuildStrategy.jenkinsPipelineStrategy": "the lab has no Jenkins; use a Tekton Pipeline",
    "CommonSpec.postCommit": "the lab's builder runs no hook; test the image in a pipeline",
    "CommonSpec.revision": "a build takes the newest commit; name it in source.git.ref",
    "DockerStrategy.buildArgs": f"{_BY_DOCKERFILE}; write the value in the Dockerfile",
    "DockerStrategy.env": f"{_BY_DOCKERFILE}; write ENV in the Dockerfile",
    "DockerStrategy.from": f"{_BY_DOCKERFILE}; write the image in FROM",
    "DockerStrategy.imageOptimizationPolicy": "an image of the lab has no layers to squash",
    "DockerStrategy.volumes": "the lab's builder mounts no volumes",
    "EnvVar.valueFrom": "the lab's builder reads no ConfigMaps and Secrets; write the value",
    "SourceStrategy.volumes": "the lab's builder mounts no volumes",
}
"""Fields that admission refuses, with the messages."""

_WHERE: dict[str, tuple[str, ...]] = {
    "BuildConfigSpec": ("spec",),
    "CommonSpec": ("spec",),
    "BuildSource": ("spec", "source"),
    "BuildStrategy": ("spec", "strategy"),
    "BuildOutput": ("spec", "output"),
    "DockerStrategy": ("spec", "strategy", "dockerStrategy"),
    "SourceStrategy": ("spec", "strategy", "sourceStrategy"),
}
_HISTORY = 5
"""Builds that OpenShift keeps by default."""


def admit_build_config(new: Object, old: Object | None) -> Object:
    """The BuildConfig with its defaults; the number of the last build never falls. Raises Invalid."""
    name = new["metadata"].get("name") or ""
    for field, why in REFUSED.items():
        kind, _, key = field.partition(".")
        if kind in _WHERE and _at(new, _WHERE[kind]).get(key):
            raise _invalid(name, ".".join((*_WHERE[kind], key)), why)
    for index, one in enumerate(_at(new, _WHERE["SourceStrategy"]).get("env") or []):
        if one.get("valueFrom"):
            path = ".".join((*_WHERE["SourceStrategy"], f"env[{index}]", "valueFrom"))
            raise _invalid(name, path, REFUSED["EnvVar.valueFrom"])
    spec: Object = dict(new["spec"])
    strategy = dict(spec["strategy"])
    kinds = [one for one in ("dockerStrategy", "sourceStrategy") if strategy.get(one) is not None]
    if len(kinds) != 1:
        raise _invalid(name, "spec.strategy", "must provide one of dockerStrategy, sourceStrategy")
    strategy["type"] = "Docker" if kinds == ["dockerStrategy"] else "Source"
    source = dict(spec.get("source") or {})
    given = [one for one in ("git", "binary") if source.get(one) is not None]
    if len(given) > 1:
        raise _invalid(name, "spec.source", "may not set both git and binary")
    source["type"] = {"git": "Git", "binary": "Binary"}.get(
        given[0] if given else "", "Dockerfile" if source.get("dockerfile") else "None"
    )
    spec |= {"strategy": strategy, "source": source, "runPolicy": spec.get("runPolicy") or "Serial"}
    spec["output"] = spec.get("output") or {}
    for limit in ("successfulBuildsHistoryLimit", "failedBuildsHistoryLimit"):
        spec.setdefault(limit, _HISTORY)
    before = (old or {}).get("status") or {}
    last = max(before.get("lastVersion", 0), (new.get("status") or {}).get("lastVersion", 0))
    return {**new, "spec": spec, "status": {"lastVersion": last}}


def _at(obj: Object, path: tuple[str, ...]) -> dict[str, Any]:
    found: Any = obj
    for step in path:
        found = (found or {}).get(step)
    return found or {}


def _invalid(name: str, path: str, why: str) -> Invalid:
    cause = f"Invalid value: {why}"
    return Invalid(
        f'BuildConfig.build.openshift.io "{name}" is invalid: {path}: {cause}',
        details={
            "name": name,
            "group": "build.openshift.io",
            "kind": "BuildConfig",
            "causes": [{"reason": "FieldValueInvalid", "message": cause, "field": path}],
        },
    )
