"""The PipelineRuns of `.tekton/` with their Pipelines and Tasks inlined (pkg/resolve at v0.48).

A `taskRef` or `pipelineRef` without a resolver names a Task or Pipeline of `.tekton/` or of the annotations `task` and
`pipeline`; the namespace is not searched. Precedence: annotations of the PipelineRun, of the Pipeline, `.tekton/`.
"""

from __future__ import annotations

import copy
import posixpath
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from workshop.errors import ManifestError
from workshop.lab.controllers.pipelinesascode import keys
from workshop.lab.controllers.pipelinesascode.annotations import AnnotationError, remote
from workshop.manifests.load import documents
from workshop.manifests.objects import Object, annotations_of, name_of
from workshop.manifests.tekton.beta import to_v1

_SEPARATOR = re.compile(r"(?m)^---\s*$")
_TASK_KEYS = re.escape(keys.TASK) + r"(-[0-9]+)?"
_PIPELINE_KEYS = re.escape(keys.PIPELINE)
Fetch = Callable[[str, str], Awaitable[str]]
"""`await fetch(reference, kind)`: the YAML that an annotation names; kind is task or pipeline. Raises ResolveError."""


class ResolveError(ValueError):
    """`.tekton/` cannot be resolved."""


@dataclass
class Types:
    """The objects of `.tekton/`, and the documents that are none, as name and error."""

    runs: list[Object] = field(default_factory=list)
    pipelines: list[Object] = field(default_factory=list)
    tasks: list[Object] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)


def read(text: str) -> Types:
    """The Tekton objects of a text of several documents. Objects of other kinds are left out."""
    found = Types()
    places = {"PipelineRun": found.runs, "Pipeline": found.pipelines, "Task": found.tasks}
    for document in _SEPARATOR.split(text):
        if not document.strip():
            continue
        try:
            objects = [one for one, _ in documents(document)]
        except ManifestError as e:
            found.errors.append(("", f"error decoding yaml document: {e.message}"))
            continue
        for obj in objects:
            if obj is None:
                continue
            kind = obj.get("kind") if isinstance(obj, dict) else None
            meta = obj.get("metadata") if isinstance(obj, dict) else None
            if not kind or not isinstance(meta, dict):
                found.errors.append(("", "error decoding yaml document: Object 'Kind' or 'metadata' is missing"))
            elif kind in places and str(obj.get("apiVersion")) in ("tekton.dev/v1", "tekton.dev/v1beta1"):
                try:
                    places[kind].append(to_v1(obj))
                except (AttributeError, TypeError, ValueError) as e:
                    found.errors.append((str(meta.get("name") or ""), f"error decoding yaml document: {e}"))
    return found


def name_originals(runs: list[Object]) -> None:
    """Note the name of each PipelineRun in a label and an annotation. Raises ResolveError for a name used twice."""
    seen: set[str] = set()
    for run in runs:
        meta = run["metadata"]
        for which in ("name", "generateName"):
            if one := meta.get(which):
                if one in seen:
                    raise ResolveError(
                        f"found multiple pipelinerun in .tekton with the same {which}: {one}, please update"
                    )
                seen.add(one)
        name = str(meta.get("name") or meta.get("generateName") or "")
        meta["labels"] = {**(meta.get("labels") or {}), keys.ORIGINAL: label_value(name)}
        meta["annotations"] = {**(meta.get("annotations") or {}), keys.ORIGINAL: name}


async def resolve(types: Types, fetch: Fetch) -> list[Object]:
    """The PipelineRuns with everything inlined, and with a generateName. Raises ResolveError."""
    found: list[Object] = []
    pipelines: dict[str, Object] = {}
    tasks: dict[str, Object] = {}

    async def cached(cache: dict[str, Object], reference: str, kind: str) -> Object:
        if reference not in cache:
            cache[reference] = _only(await fetch(reference, kind), reference, kind)
        return copy.deepcopy(cache[reference])

    for one in types.runs:
        run = copy.deepcopy(one)
        spec, annotations = run.setdefault("spec", {}), annotations_of(run)
        reference = _pipeline_annotation(annotations)
        pipeline = await cached(pipelines, reference, "pipeline") if reference else None
        wanted = _task_annotations(annotations, "pipelinerun")
        by_name = spec.get("pipelineRef") if isinstance(spec.get("pipelineRef"), dict) else None
        if by_name is not None and not by_name.get("resolver"):
            if pipeline is None or name_of(pipeline) != by_name.get("name"):
                pipeline = _pipeline(types, str(by_name.get("name")))
            wanted += [relative(reference, task) for task in _task_annotations(annotations_of(pipeline), "pipeline")]
        own: dict[str, Object] = {}
        for task_reference in wanted:
            task = await cached(tasks, task_reference, "task")
            own.setdefault(name_of(task), task)
        for task in types.tasks:
            own.setdefault(name_of(task), task)
        if by_name is not None and not by_name.get("resolver") and pipeline is not None:
            del spec["pipelineRef"]
            spec["pipelineSpec"] = copy.deepcopy(pipeline.get("spec") or {})
        if isinstance(spec.get("pipelineSpec"), dict):
            for part in ("tasks", "finally"):
                if part in spec["pipelineSpec"]:
                    spec["pipelineSpec"][part] = [_inlined(entry, own) for entry in spec["pipelineSpec"][part] or []]
        meta = run["metadata"]
        if not meta.get("generateName"):
            meta["generateName"] = f"{meta.pop('name', '')}-"
        found.append(run)
    return found


def label_value(text: str) -> str:
    """A text as the value of a label (pkg/formatting/k8labels.go)."""
    if re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", text):
        return text
    kept = "".join(char for char in text if char.isascii() and (char.isalnum() or char in ".-_:/ []"))
    replaced = kept.replace(":", "-").replace("/", "-").replace(" ", "_").replace("[", "__").replace("]", "__")
    return replaced.strip(".-_")[-63:].lstrip(".-_")


def relative(pipeline: str, task: str) -> str:
    """A task of a remote Pipeline: its path is relative to the Pipeline's URL or path."""
    is_http, is_path = pipeline.lower().startswith(("http://", "https://")), "/" in pipeline and "://" not in pipeline
    if not (is_http or is_path):
        return task
    one = urlsplit(task)
    if one.scheme and one.netloc:
        return task
    base = urlsplit(pipeline)
    return urlunsplit(
        base._replace(path=posixpath.normpath(posixpath.join(posixpath.dirname(base.path), task.lstrip("/"))))
    )


def _pipeline_annotation(annotations: Mapping[str, str]) -> str:
    try:
        found = remote(annotations, _PIPELINE_KEYS)
    except AnnotationError as e:
        raise ResolveError(f"error getting remote pipeline from pipelinerun annotations: {e}") from e
    if len(found) > 1:
        raise ResolveError(
            "error getting remote pipeline from pipelinerun annotations: only one pipeline is allowed on remote "
            f"resolution, we have received multiple of them: {found}"
        )
    return found[0] if found else ""


def _task_annotations(annotations: Mapping[str, str], of: str) -> list[str]:
    try:
        return remote(annotations, _TASK_KEYS)
    except AnnotationError as e:
        raise ResolveError(f"error getting remote task from {of} annotations: {e}") from e


def _only(text: str, reference: str, kind: str) -> Object:
    """The one Task or Pipeline of a text."""
    types = read(text)
    found = types.tasks if kind == "task" else types.pipelines
    if types.errors:
        raise ResolveError(
            f"remote {kind} from URI {reference} cannot be parsed as a Kubernetes resource: {types.errors[0][1]}"
        )
    if not found:
        raise ResolveError(f"remote {kind} from URI {reference} has not been recognized as a Tekton {kind}")
    return found[0]


def _pipeline(types: Types, name: str) -> Object:
    for one in types.pipelines:
        if name_of(one) == name:
            return one
    raise ResolveError(
        f"cannot find referenced pipeline {name}. for a remote pipeline make sure to add it in the annotation"
    )


def _inlined(task: Any, tasks: Mapping[str, Object]) -> Any:
    reference = task.get("taskRef") if isinstance(task, dict) else None
    if not isinstance(reference, dict) or reference.get("resolver") or reference.get("kind") == "ClusterTask":
        return task
    version = str(reference.get("apiVersion") or "")
    if version and not version.startswith("tekton.dev/"):
        return task
    name = str(reference.get("name"))
    if name not in tasks:
        raise ResolveError(
            f"cannot find referenced task {name}. if it's a remote task make sure to add it in the annotations"
        )
    found = tasks[name]
    meta = {key: found["metadata"][key] for key in ("annotations", "labels") if found["metadata"].get(key)}
    spec = {**copy.deepcopy(found.get("spec") or {}), **({"metadata": meta} if meta else {})}
    return {**{key: value for key, value in task.items() if key != "taskRef"}, "taskSpec": spec}
