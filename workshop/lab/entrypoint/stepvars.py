"""Values that exist only while a Pod runs: results and artifacts of earlier steps.

Tekton's entrypoint replaces `$(steps.<step>.results.<result>)` in command, arguments, variables and `when`, just before
the step runs (docs/stepactions.md of tektoncd/pipeline). It replaces `$(steps.<step>.outputs.<artifact>)` in a script
as well (docs/artifacts.md).
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import orjson

from workshop.lab.kubelet.pod import ContainerPlan, PodPlan
from workshop.lab.runtimes.base import ContainerSpec
from workshop.manifests.tekton import artifacts
from workshop.manifests.tekton.references import Reference, Value, replaced, replaced_list
from workshop.manifests.tekton.when import resolved, texts


def with_results(step: ContainerPlan, spec: ContainerSpec, pod: PodPlan) -> tuple[ContainerPlan, ContainerSpec]:
    """The step with the results of earlier steps; a reference to a result that was not written stays."""

    def lookup(reference: Reference) -> Value | None:
        parts = reference.parts
        if parts[0] != "steps" or len(parts) < 4 or parts[2] != "results":
            return artifact(reference)
        try:
            text = _file(pod, parts[1], "results", parts[3]).read_text()
        except OSError:
            return None
        return _part(text, reference)

    def artifact(reference: Reference) -> Value | None:
        parts = reference.parts
        if parts[0] != "steps" or len(parts) != 4 or parts[2] not in ("inputs", "outputs"):
            return None
        try:
            text = _file(pod, parts[1], "artifacts", "provenance.json").read_text()
            return artifacts.parsed(text).values(parts[2], parts[3])
        except (OSError, ValueError):
            return None

    if not any("$(steps." in text for text in _texts(step, spec)):
        return step, spec
    return dataclasses.replace(step, when=tuple(resolved(step.when, lookup))), dataclasses.replace(
        spec,
        command=tuple(replaced_list(list(spec.command), lookup)),
        args=tuple(replaced_list(list(spec.args), lookup)),
        env={key: replaced(value, lookup) for key, value in spec.env.items()},
        script=spec.script and dataclasses.replace(spec.script, text=replaced(spec.script.text, artifact)),
    )


def _file(pod: PodPlan, step: str, *names: str) -> Path:
    return pod.folder.joinpath("tekton", "steps", f"step-{step}", *names)


def _part(text: str, reference: Reference) -> Value | None:
    """A result's text, or the item or key of it that a reference names."""
    if len(reference.parts) == 4 and reference.index is None:
        return text
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if len(reference.parts) > 4:
        value = value.get(reference.parts[4]) if isinstance(value, dict) else None
    elif isinstance(reference.index, int):
        value = value[reference.index] if isinstance(value, list) and reference.index < len(value) else None
    return value if isinstance(value, str | list) else None


def _texts(step: ContainerPlan, spec: ContainerSpec) -> list[str]:
    script = [spec.script.text] if spec.script else []
    return [*spec.command, *spec.args, *spec.env.values(), *script, *texts(step.when)]
