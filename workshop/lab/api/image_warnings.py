"""Warnings for images that the process runtime does not have, when a Task or a run is created."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workshop.lab.kinds import Kind
from workshop.lab.lab import Lab
from workshop.manifests.objects import Object

KINDS = ("Pipeline", "PipelineRun", "StepAction", "Task", "TaskRun")
UNRESOLVED = "$("


def image_warnings(lab: Lab, kind: Kind, obj: Object) -> tuple[str, ...]:
    """What the process runtime says of the images that it lacks; nothing where podman runs the steps.

    Images with params and those of referenced Tasks are known only when a TaskRun starts.
    """
    if lab.runtime.isolated or kind.kind not in KINDS:
        return ()
    refs = dict.fromkeys(ref for ref in _images(obj.get("spec")) if UNRESOLVED not in ref)
    notes = (lab.processes.image_note(ref) for ref in refs)
    return tuple(note.text for note in notes if note and note.missing)


def _images(node: Any) -> Iterator[str]:
    """The images of steps, sidecars and templates of steps, and of a StepAction."""
    if isinstance(node, dict):
        if isinstance(node.get("image"), str):
            yield node["image"]
        node = [value for key, value in node.items() if key not in ("params", "podTemplate", "volumes")]
    if isinstance(node, list):
        for one in node:
            yield from _images(one)
