"""The objects that a participant gets: those of `tekton/participant`, in the lab and on a cluster alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workshop.cluster.kustomize import build
from workshop.manifests.objects import Object
from workshop.participants.names import STAGES, Participant

FOLDER = "tekton/participant"
WITH_MERGE_REQUESTS = "tekton/overlays/merge-requests"
"""The same and the Repository of Pipelines as Code, which not every cluster serves. The lab does."""
EXAMPLE = Participant("user1")
"""The participant that the files in FOLDER name."""


def participant_objects(kit: Path, participant: Participant) -> list[Object]:
    """What `oc apply -k tekton/participant` sends, with the names of this participant.

    Raises SetupError when the kustomization cannot be built.
    """
    return list(Template.build(kit / FOLDER).objects_of(participant))


class Template:
    """The objects of EXAMPLE, and where they name EXAMPLE: built once, it gives the objects of any participant.

    What is the same for all participants is shared by their objects, not copied.
    """

    def __init__(self, objects: list[Object]) -> None:
        self._parts = [(obj, _places(obj)) for obj in objects]

    @classmethod
    def build(cls, folder: Path) -> Template:
        """The template of a kustomization. Raises SetupError when it cannot be built."""
        return cls(build(folder))

    @property
    def examples(self) -> list[Object]:
        """The objects of EXAMPLE."""
        return [obj for obj, _ in self._parts]

    def objects_of(self, participant: Participant) -> Iterator[Object]:
        """The objects with EXAMPLE's names replaced by the participant's, in the order of the kustomization."""
        for obj, places in self._parts:
            yield obj if places is None else _replaced(obj, places, participant)


_Places = Mapping[Any, Any] | str | None
"""Where a value names EXAMPLE: keys of the members that do, `here` for a text, None where nothing does."""
_HERE = "here"
_NAMED = re.compile(rf"\b{EXAMPLE.name}-({'|'.join(STAGES)})\b|(?:(?<=/)|^){EXAMPLE.name}(?=/|$)")
"""EXAMPLE's namespaces wherever they are named, and their user name as a whole value or as a part of a URL's path."""


def _places(value: Any) -> _Places:
    if isinstance(value, str):
        return _HERE if _NAMED.search(value) else None
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {key: found for key, member in members if (found := _places(member)) is not None} or None


def _replaced(value: Any, places: _Places, participant: Participant) -> Any:
    if isinstance(value, str):
        return _NAMED.sub(lambda found: participant.name + found[0].removeprefix(EXAMPLE.name), value)
    changed = value.copy()
    assert isinstance(places, Mapping)
    for key, inside in places.items():
        changed[key] = _replaced(value[key], inside, participant)
    return changed
