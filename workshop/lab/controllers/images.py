"""ImageStreams show what the lab's registry has: a push makes a tag, and a stream where there is none.

A step pushes by writing to the image store, which says nothing to the lab, so the tags are read once a second.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from workshop.lab.controllers.loop import Controller
from workshop.lab.controllers.owners import owner_reference
from workshop.lab.images.registry import REGISTRY, repository, stream_of
from workshop.lab.images.store import Image
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.records import Event
from workshop.lab.store import now
from workshop.manifests.objects import Object, status_of

_SECONDS = 1.0
_STREAMS, _TAGS = built_in("ImageStream"), built_in("ImageStreamTag")
_log = logging.getLogger("workshop.lab.images")


def controller(lab: Lab) -> Controller:
    """Keeps ImageStreams and ImageStreamTags as the registry is."""
    return ImageStreams(lab)


class ImageStreams:
    """The streams of one lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab, self._store = lab, lab.store

    async def run(self) -> None:
        """Follow the registry and the ImageStreams until cancelled."""
        watch = self._store.watch(lambda record: record.kind.resource in (_STREAMS.resource, "namespaces"))
        seen: list[tuple[str, str]] | None = None
        try:
            while True:
                try:
                    tags = await asyncio.to_thread(self._lab.images.tags)
                    if tags != seen:
                        seen = tags
                        self._reconcile(tags)
                except Exception:
                    # For example, a step deletes a tag while the tags are read.
                    _log.exception("images: the streams are not up to date, again in %.0f s", _SECONDS)
                    seen = None
                if await _changed(watch.next(_SECONDS)):
                    seen = None
        finally:
            watch.close()

    def settled(self) -> bool:
        """Always true: nothing waits for the streams."""
        return True

    def _reconcile(self, tags: list[tuple[str, str]]) -> None:
        pushed: dict[tuple[str, str], dict[str, str]] = {}
        for name, digest in tags:
            found = stream_of(name)
            if found and self._store.find(built_in("Namespace"), "", found[0]) is not None:
                pushed.setdefault(found[:2], {})[found[2]] = digest
        for namespace, name in pushed:
            if self._store.find(_STREAMS, namespace, name) is None:
                self._store.create(_STREAMS, {"metadata": {"name": name, "namespace": namespace}, "spec": {}})
        for record in list(self._store.records(_STREAMS)):
            try:
                self._show(record.object(), pushed.get((record.namespace, record.name), {}))
            except Exception:
                _log.exception("imagestream %s/%s", record.namespace, record.name)

    def _show(self, stream: Object, pushed: dict[str, str]) -> None:
        """Write the status of a stream, and its tags."""
        meta = stream["metadata"]
        place = repository(meta["namespace"], meta["name"])
        before = {one["tag"]: one for one in status_of(stream).get("tags") or ()}
        shown = []
        for tag, digest in sorted(pushed.items()):
            shown.append(_history(before.get(tag), tag, f"{place}@{digest}", digest))
        for spec in (stream.get("spec") or {}).get("tags") or ():
            if spec["name"] not in pushed:
                shown.append(self._imported(meta["namespace"], spec, before.get(spec["name"])))
        status: Object = {"dockerImageRepository": place}
        if shown:
            status["tags"] = shown
        if status != status_of(stream):
            stream = self._store.update_status(_STREAMS, {**stream, "status": status}).object()
        self._write_tags(stream, shown)

    def _imported(self, namespace: str, spec: Object, before: Object | None) -> Object:
        """A tag that refers to another image: the lab has that image, or it cannot be pulled."""
        ref = spec.get("from") or {}
        name = str(ref.get("name") or "")
        if ref.get("kind") in ("ImageStreamTag", "ImageStreamImage"):
            name = f"{REGISTRY}/{ref.get('namespace') or namespace}/{name}"
        image = self._lab.images.resolve(name) if name else None
        if image is not None:
            return _history(before, spec["name"], name, image.digest)
        why = f"Internal error occurred: {name}: the lab pulls no images and has built none of this name"
        condition = {"type": "ImportSuccess", "status": "False", "reason": "InternalError", "message": why}
        old: Object = next(iter((before or {}).get("conditions") or ()), {})
        stamp = {"lastTransitionTime": old.get("lastTransitionTime") or now(), "generation": 1}
        return {"tag": spec["name"], "items": [], "conditions": [{**condition, **stamp}]}

    def _write_tags(self, stream: Object, shown: list[Object]) -> None:
        meta = stream["metadata"]
        wanted = {f"{meta['name']}:{one['tag']}": one for one in shown if one["items"]}
        for name, one in wanted.items():
            made = _tag_object(
                stream, name, one["items"][0], self._lab.images.resolve(one["items"][0]["dockerImageReference"])
            )
            old = self._store.find(_TAGS, meta["namespace"], name)
            if old is None:
                self._store.create(_TAGS, made)
            elif old.get("image") != made["image"]:
                self._store.update(_TAGS, {**old, **made, "metadata": {**old["metadata"], **made["metadata"]}})
        for record in list(self._store.records(_TAGS, meta["namespace"])):
            if record.name.partition(":")[0] == meta["name"] and record.name not in wanted:
                self._store.delete(_TAGS, record.namespace, record.name)


def _history(before: Object | None, tag: str, reference: str, digest: str) -> Object:
    """A tag's images, the newest first."""
    items: list[Object] = list((before or {}).get("items") or ())
    if not items or items[0]["image"] != digest:
        generation = items[0].get("generation", 1) + 1 if items else 1
        items.insert(
            0, {"created": now(), "dockerImageReference": reference, "image": digest, "generation": generation}
        )
    return {"tag": tag, "items": items}


def _tag_object(stream: Object, name: str, item: Object, image: Image | None) -> Object:
    meta = stream["metadata"]
    config: dict[str, Any] = {}
    if image is not None:
        env = [f"{key}={value}" for key, value in sorted(image.env.items())]
        config = {"Cmd": list(image.command), "Env": env, "Labels": dict(image.labels), "User": image.user}
    return {
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": meta.get("labels") or {},
            "ownerReferences": [owner_reference(stream)],
        },
        "tag": None,
        "generation": item.get("generation", 0),
        "lookupPolicy": (stream.get("spec") or {}).get("lookupPolicy") or {"local": False},
        "image": {
            "metadata": {"name": item["image"], "creationTimestamp": item["created"]},
            "dockerImageReference": item["dockerImageReference"],
            "dockerImageMetadata": {
                "kind": "DockerImage",
                "apiVersion": "image.openshift.io/1.0",
                "Created": item["created"],
                "Config": config,
            },
        },
    }


async def _changed(event: Any) -> bool:
    """Whether an event came in time."""
    try:
        found: Event | None = await event
    except TimeoutError:
        return False
    return found is not None
