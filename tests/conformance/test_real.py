"""Each `real/NAME.yaml` has, in `NAME.real.json`, the answer of Tekton Pipelines 1.15 at its default flags.

The answer was read from a Kubernetes 1.32 with a kubelet. `refused` is what `kubectl create` printed; `runs` are the
created runs; `taskruns` are those of a PipelineRun by task. `<namespace>` is the namespace. A step whose Pod never ran
has no `exitCode`.

`mutants/` has mistakes of a person. Their answers are those of the webhook's validation and of the two controllers of
Tekton 1.15, compiled and run on client-go's fake API, with steps as processes in place of the kubelet. That set-up
gives the answers of `real/`, except where it lacks a kubelet: volumes, probes, credentials.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.harness import NAMESPACE, RUNS, Lab, lab
from workshop.lab.api_errors import ApiError
from workshop.lab.kinds import built_in
from workshop.manifests.load import parse
from workshop.manifests.objects import Object, condition, labels_of

HERE = Path(__file__).parent
CASES = sorted(
    f"{path.parent.name}/{path.stem}" for kind in ("real", "mutants") for path in (HERE / kind).glob("*.yaml")
)
STAYS = ("PipelineRunPending", "TaskRunPending")
"""Reasons of a run that goes on only when somebody changes it."""


@pytest.mark.parametrize("name", CASES)
def test_the_lab_answers_as_the_real_controller(name: str, tmp_path: Path) -> None:
    documents = [one.object for one in parse((HERE / f"{name}.yaml").read_text())]
    text = (HERE / f"{name}.real.json").read_text().replace("<namespace>", NAMESPACE)
    assert asyncio.run(_answer(tmp_path, documents)) == _expected(json.loads(text))


async def _answer(folder: Path, documents: list[Object]) -> dict[str, Any]:
    async with lab(folder) as running:
        created: list[Object] = []
        found: dict[str, Any] = {}
        for document in documents:
            try:
                created.append(running.create(document))
            except ApiError as error:
                found["refused"] = _said(error.message)
        runs = [one for one in created if one["kind"] in RUNS]
        for run in runs:
            await _settled(running, run["kind"], run["metadata"]["name"])
        if runs:
            for run in running.store.objects(built_in("TaskRun")):
                await _settled(running, "TaskRun", run["metadata"]["name"])
            stored = [running.get(run["kind"], run["metadata"]["name"]) for run in runs]
            found["runs"] = {_described(run): _run(run) for run in stored}
        children = [
            run for run in running.store.objects(built_in("TaskRun")) if labels_of(run).get("tekton.dev/pipelineTask")
        ]
        if children:
            found["taskruns"] = {labels_of(run)["tekton.dev/pipelineTask"]: _run(run) for run in children}
        return found


async def _settled(running: Lab, kind: str, name: str) -> None:
    """Wait until a run has ended, or waits for a person."""
    await running.until(lambda: condition(running.get(kind, name)).get("status") in ("True", "False")
                        or condition(running.get(kind, name)).get("reason") in STAYS)  # fmt: skip


def _described(run: Object) -> str:
    meta = run["metadata"]
    return f"{run['kind'].lower()}.tekton.dev/{meta.get('generateName') or meta['name']}"


def _run(run: Object) -> dict[str, Any]:
    """What is compared of a run."""
    status = run.get("status") or {}
    shown = condition(run)
    found: dict[str, Any] = {"condition": {key: shown.get(key) for key in ("message", "reason", "status")}}
    found["condition"]["message"] = _without_times(str(shown.get("message")))
    if run["kind"] == "PipelineRun":
        found["children"] = sorted(one["pipelineTaskName"] for one in status.get("childReferences") or [])
        found["skippedTasks"] = [{k: one[k] for k in ("name", "reason")} for one in status.get("skippedTasks") or []]
    else:
        found["steps"] = [_step(one) for one in status.get("steps") or []]
        found["params"] = run["spec"].get("params") if labels_of(run).get("tekton.dev/pipelineTask") else None
    found["results"] = status.get("results")
    return {key: value for key, value in found.items() if value}


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    ended = step.get("terminated") or {}
    return {
        "name": step.get("name"),
        "exitCode": ended.get("exitCode"),
        "reason": ended.get("reason"),
        "terminationReason": step.get("terminationReason"),
    }


def _expected(real: Any) -> Any:
    """The real answer, with messages as `_said` and `_without_times` leave them."""
    if isinstance(real, dict):
        return {key: _said(one) if key == "refused" else _expected(one) for key, one in real.items()}
    if isinstance(real, list):
        return [_expected(one) for one in real]
    return _without_times(real) if isinstance(real, str) else real


def _said(text: str) -> str:
    """A refusal without the name of the webhook, and without what kubectl puts before it."""
    return (text.partition("denied the request: ")[2] or text).strip()


def _without_times(text: str) -> str:
    """A message without the state before the end: there, a Pod takes seconds to start."""
    return text.partition("\nPrevious status: ")[0]
