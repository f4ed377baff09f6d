"""Values that exist only while a Pod runs: results of earlier steps, and the `when` of a step.

Tekton's entrypoint replaces `$(steps.<step>.results.<result>)` in command, arguments, variables and `when`, not in a
script, just before the step runs (docs/stepactions.md of tektoncd/pipeline).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec
import orjson

from workshop.lab.kubelet.pod import ContainerPlan, PodPlan
from workshop.lab.runtimes.base import ContainerSpec
from workshop.manifests.tekton import WhenExpression
from workshop.manifests.tekton.references import Reference, Value, replaced, replaced_list


def with_results(step: ContainerPlan, spec: ContainerSpec, pod: PodPlan) -> tuple[ContainerPlan, ContainerSpec]:
    """The step with the results of earlier steps; a reference to a result that was not written stays."""

    def lookup(reference: Reference) -> Value | None:
        parts = reference.parts
        if parts[0] != "steps" or len(parts) < 4 or parts[2] != "results":
            return None
        file = pod.folder / "tekton" / "steps" / f"step-{parts[1]}" / "results" / parts[3]
        try:
            text = file.read_text()
        except OSError:
            return None
        return _part(text, reference)

    if not any("$(steps." in text for text in _texts(step, spec)):
        return step, spec
    when = tuple(
        msgspec.structs.replace(one, input=replaced(one.input, lookup), values=replaced_list(one.values, lookup))
        for one in step.when
    )
    return dataclasses.replace(step, when=when), dataclasses.replace(
        spec,
        command=tuple(replaced_list(list(spec.command), lookup)),
        args=tuple(replaced_list(list(spec.args), lookup)),
        env={key: replaced(value, lookup) for key, value in spec.env.items()},
    )


def is_true(when: Sequence[WhenExpression]) -> bool:
    """Whether all expressions are true; also when there is none."""
    return all((one.input in one.values) == (one.operator == "in") for one in when)


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
    whens = [text for one in step.when for text in (one.input, *one.values)]
    return [*spec.command, *spec.args, *spec.env.values(), *whens]
