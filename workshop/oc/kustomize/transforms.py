"""Namespace, labels, annotations, replicas and images: the same change for many objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from workshop.manifests.load import documents
from workshop.oc.kustomize.model import Item, Kustomization, Object

CLUSTER_WIDE = {
    "APIService",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "IngressClass",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "StorageClass",
    "ValidatingWebhookConfiguration",
}
_TEMPLATED = {
    ("apps", "DaemonSet"): "spec/template",
    ("apps", "Deployment"): "spec/template",
    ("apps", "ReplicaSet"): "spec/template",
    ("apps", "StatefulSet"): "spec/template",
    ("batch", "Job"): "spec/template",
    ("batch", "CronJob"): "spec/jobTemplate/spec/template",
    ("", "ReplicationController"): "spec/template",
}
"""Kinds that make Pods, and where their template is."""


def namespace(work: Kustomization, items: list[Item]) -> None:
    """Move every namespaced object into the namespace, and subjects that are among them."""
    wanted = work.text("namespace")
    if not wanted:
        return
    accounts = {name for item in items if item.kind == "ServiceAccount" for name, _ in item.ids} | {"default"}
    for item in items:
        if item.kind == "Namespace":
            item.rename(wanted)
        elif item.kind not in CLUSTER_WIDE:
            item.object["metadata"]["namespace"] = wanted
            item.remember()
        if item.kind in ("RoleBinding", "ClusterRoleBinding"):
            for subject in item.object.get("subjects") or []:
                if subject.get("kind") == "ServiceAccount" and subject.get("name") in accounts:
                    subject["namespace"] = wanted


def labels(work: Kustomization, items: list[Item]) -> None:
    """labels and commonLabels: on the objects and, as asked, in selectors and templates."""
    groups = [(work.mapping("commonLabels"), True, True)] if work.mapping("commonLabels") else []
    for entry in work.many("labels"):
        one = work.known("labels", entry, {"pairs", "includeSelectors", "includeTemplates"})
        selects = bool(one.get("includeSelectors"))
        groups.append((_texts(work, "labels", one.get("pairs")), selects, selects or bool(one.get("includeTemplates"))))
    for pairs, selectors, templates in groups:
        pairs = _texts(work, "labels", pairs)
        for item in items:
            _add(item.object["metadata"], "labels", pairs)
            template = _template(item)
            if templates and template is not None:
                _add(template.setdefault("metadata", {}), "labels", pairs)
            if selectors:
                _select(item, pairs)


def annotate(work: Kustomization, items: list[Item]) -> None:
    """commonAnnotations: on the objects and their templates."""
    pairs = _texts(work, "commonAnnotations", work.mapping("commonAnnotations"))
    if not pairs:
        return
    for item in items:
        _add(item.object["metadata"], "annotations", pairs)
        template = _template(item)
        if template is not None:
            _add(template.setdefault("metadata", {}), "annotations", pairs)


def replicas(work: Kustomization, items: list[Item]) -> None:
    """replicas: name and count. Raises ManifestError when no workload has the name."""
    for entry in work.many("replicas"):
        one = work.known("replicas", entry, {"name", "count"})
        found = [
            item
            for item in items
            if item.kind in ("Deployment", "ReplicaSet", "StatefulSet", "ReplicationController")
            and any(name == one.get("name") for name, _ in item.ids)
        ]
        if not found:
            raise work.wrong(
                "replicas",
                f"resource with name {one.get('name')} does not match a Deployment, "
                "ReplicaSet, StatefulSet or ReplicationController",
            )
        for item in found:
            item.object.setdefault("spec", {})["replicas"] = one.get("count")


def images(work: Kustomization, items: list[Item]) -> None:
    """images: in `containers` and `initContainers` at any depth, and where configurations say."""
    changes = [_image_change(work, entry) for entry in work.many("images")]
    if not changes:
        return
    places = _image_places(work)
    for item in items:
        if item.kind == "CustomResourceDefinition":
            continue
        for change in changes:
            for container in _containers(item.object):
                if isinstance(container.get("image"), str):
                    container["image"] = change(container["image"])
            for place in places:
                if _applies(item, place):
                    _at(item.object, str(place["path"]).split("/"), change)


def _image_change(work: Kustomization, entry: Any) -> Callable[[str], str]:
    one = work.known("images", entry, {"name", "newName", "newTag", "digest"})
    name = str(one.get("name") or "")
    if not name:
        raise work.wrong("images", f"an entry has no name: {one}")
    pattern = re.compile(rf"^{re.escape(name)}(?P<tag>:[\w.{{}}-]*)?(?P<digest>@sha256:[\w.{{}}-]*)?$")
    tag, digest = one.get("newTag"), one.get("digest")

    def change(image: str) -> str:
        match = pattern.match(image)
        if not match:
            return image
        base = str(one.get("newName") or name)
        if tag is not None and tag != "" and digest:
            return f"{base}:{tag}@{digest}"
        if tag is not None and tag != "":
            return f"{base}:{tag}"
        if digest:
            return f"{base}@{digest}"
        return base + (match["tag"] or "") + (match["digest"] or "")

    return change


def _containers(value: Any) -> Iterator[Object]:
    if isinstance(value, dict):
        for key, one in value.items():
            if key in ("containers", "initContainers") and isinstance(one, list):
                yield from (container for container in one if isinstance(container, dict))
            yield from _containers(one)
    elif isinstance(value, list):
        for one in value:
            yield from _containers(one)


def _image_places(work: Kustomization) -> list[Object]:
    places: list[Object] = []
    for name in work.many("configurations"):
        for content, _ in documents(work.read(str(name)), str(work.root / str(name))):
            if not isinstance(content, dict) or set(content) - {"images"}:
                raise work.wrong(
                    "configurations", f"{name}: only images is supported: a list of path, kind, group, version"
                )
            places += [
                work.known("configurations", one, {"path", "kind", "group", "version", "create"})
                for one in content.get("images") or []
            ]
    return places


def _applies(item: Item, place: Object) -> bool:
    pairs = (("kind", item.kind), ("group", item.group), ("version", item.version))
    return all(not place.get(key) or place[key] == actual for key, actual in pairs)


def _at(value: Any, path: list[str], change: Callable[[str], str]) -> None:
    """Change the text at a path; lists on the way mean each of their items."""
    if isinstance(value, list):
        for one in value:
            _at(one, path, change)
    elif isinstance(value, dict):
        key = path[0].removesuffix("[]")
        if key not in value:
            return
        if len(path) == 1:
            if isinstance(value[key], str):
                value[key] = change(value[key])
        else:
            _at(value[key], path[1:], change)


def _template(item: Item) -> Object | None:
    path = _TEMPLATED.get((item.group, item.kind))
    value: Any = item.object
    for part in path.split("/") if path else ():
        value = value.setdefault(part, {}) if isinstance(value, dict) else None
    return value if path and isinstance(value, dict) else None


def _select(item: Item, pairs: dict[str, str]) -> None:
    spec = item.object.get("spec")
    if not isinstance(spec, dict):
        return
    if (item.group, item.kind) == ("", "Service"):
        if spec.get("type") != "ExternalName" or "selector" in spec:
            _add(spec, "selector", pairs)
    elif item.group == "apps" and item.kind in ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"):
        _add(spec.setdefault("selector", {}), "matchLabels", pairs)
    elif item.kind in ("PodDisruptionBudget", "Job") and "matchLabels" in (spec.get("selector") or {}):
        _add(spec["selector"], "matchLabels", pairs)
    elif item.kind == "NetworkPolicy" and "matchLabels" in (spec.get("podSelector") or {}):
        _add(spec["podSelector"], "matchLabels", pairs)


def _add(holder: Object, key: str, pairs: dict[str, str]) -> None:
    if pairs:
        holder[key] = {**(holder.get(key) or {}), **pairs}


def _texts(work: Kustomization, key: str, pairs: Any) -> dict[str, str]:
    for name, value in (pairs or {}).items():
        if not isinstance(value, str):
            raise work.wrong(key, f"{name}: the value {value!r} is no text: put it in quotes")
    return dict(pairs or {})
