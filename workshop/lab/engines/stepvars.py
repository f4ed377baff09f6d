"""What only exists while a Pod runs: results of earlier steps in the later ones, and steps' `when`.

Tekton's entrypoint replaces `$(steps.<step>.results.<result>)` in command, arguments, variables and `when`,
never in a script, just before the step runs (docs/stepactions.md of tektoncd/pipeline).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec
import orjson

from workshop.lab.engines.containers import Prepared
from workshop.lab.engines.pod import PodPlan
from workshop.manifests.tekton import WhenExpression
from workshop.manifests.tekton.references import Reference, Value, replaced, replaced_list


def applied(step: Prepared, pod: PodPlan) -> Prepared:
    """The step with the results of earlier steps in it; a reference to what was not written stays."""

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

    if not any("$(steps." in text for text in _texts(step)):
        return step
    plan = step.plan
    when = tuple(
        msgspec.structs.replace(one, input=replaced(one.input, lookup), values=replaced_list(one.values, lookup))
        for one in plan.when
    )
    plan = dataclasses.replace(
        plan,
        command=tuple(replaced_list(list(plan.command), lookup)),
        args=tuple(replaced_list(list(plan.args), lookup)),
        when=when,
    )
    env = {key: replaced(value, lookup) for key, value in step.env.items()}
    return dataclasses.replace(step, plan=plan, env=env)


def holds(when: Sequence[WhenExpression]) -> bool:
    """Whether all expressions hold; that is so when there are none."""
    return all((one.input in one.values) == (one.operator == "in") for one in when)


def _part(text: str, reference: Reference) -> Value | None:
    """A result's text, or the item or key of it that is asked for."""
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


def _texts(step: Prepared) -> list[str]:
    whens = [text for one in step.plan.when for text in (one.input, *one.values)]
    return [*step.plan.command, *step.plan.args, *step.env.values(), *whens]
