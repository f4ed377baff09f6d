"""Artifacts: what a step or a Task says that it has read and made, as JSON in a file (`enable-artifacts`).

Source: pkg/apis/pipeline/v1/artifact_types.go of tektoncd/pipeline at v1.15.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

TASK_PATH = "/tekton/artifacts/provenance.json"
"""The file of a Task: `$(artifacts.path)`."""


def step_path(container: str) -> str:
    """The file of a step: `$(step.artifacts.path)`."""
    return f"/tekton/steps/{container}/artifacts/provenance.json"


class ArtifactValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where an artifact is, and its digests by algorithm."""

    digest: dict[str, str] = {}
    uri: str = ""


class Artifact(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The artifacts of one name."""

    name: str = ""
    values: tuple[ArtifactValue, ...] = ()
    build_output: bool = False


class Artifacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was read and what was made."""

    inputs: tuple[Artifact, ...] = ()
    outputs: tuple[Artifact, ...] = ()

    def values(self, side: str, name: str) -> str | None:
        """The values of `inputs` or `outputs` with a name, as `$(steps.<step>.outputs.<name>)` gives them: JSON."""
        group = self.inputs if side == "inputs" else self.outputs
        found = next((one.values for one in group if one.name == name), None)
        return None if found is None else _json(found)

    def shown(self) -> dict[str, Any]:
        """The form in the status of a run."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


def parsed(text: str) -> Artifacts:
    """Artifacts from a file. Raises ValueError."""
    return msgspec.json.decode(text, type=Artifacts)


def merged(many: Iterable[Artifacts]) -> Artifacts:
    """The artifacts of a Task and of its steps, each value once."""
    sides: dict[str, dict[str, Artifact]] = {"inputs": {}, "outputs": {}}
    for one in many:
        for side, found in sides.items():
            for artifact in getattr(one, side):
                known = found.get(artifact.name, Artifact(name=artifact.name))
                found[artifact.name] = Artifact(
                    name=artifact.name,
                    values=(*known.values, *(value for value in artifact.values if value not in known.values)),
                    build_output=side == "outputs" and (known.build_output or artifact.build_output),
                )
    return Artifacts(inputs=tuple(sides["inputs"].values()), outputs=tuple(sides["outputs"].values()))


def _json(values: tuple[ArtifactValue, ...]) -> str:
    """JSON as Go writes it: keys of a map in their order, and no characters of HTML."""
    text = msgspec.json.encode(values, order="deterministic").decode()
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text
