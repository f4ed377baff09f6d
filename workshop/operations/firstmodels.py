"""The first release of each participant of a room: data, train-and-stage, promotion, one after the other.

A run is found again by its label, so a command that was interrupted goes on with the runs that are there. A run that
has failed is started anew.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from workshop.cluster.bulk import every
from workshop.cluster.client import ApiFailure, Client
from workshop.cluster.runs import Progress, first_failure, progress
from workshop.errors import ManifestError, RunFailed, UsageError
from workshop.manifests.load import load
from workshop.manifests.objects import Object, is_done, name_of, status_of, succeeded
from workshop.operations.approvals import answer, identities
from workshop.participants.names import Participant
from workshop.usecase import DEPLOYMENT

FIRST = "mlops-workshop/first-model"
"""The label of the runs, with the name of their part as the value."""
DATA, TRAIN, PROMOTE = "load-data", "train-and-stage", "promote"
AT_ONCE = 5
"""Participants that train at the same time: each run asks for 0.2 cores and trains with more."""
SECONDS = 5400.0
_POLL_SECONDS = 3.0
Report = Callable[[str, dict[str, Any]], None]


async def first_models(
    client: Client, kit: Path, names: Sequence[str], report: Report, *, at_once: int = AT_ONCE, seconds: float = SECONDS
) -> None:
    """Bring a first model to production for each participant who has none, and wait for it.

    Raises RunFailed that names every participant whose run has failed or has taken more than `seconds`.
    """
    faults: list[str] = []
    who = await asyncio.to_thread(identities, client)

    async def one(name: str) -> None:
        try:
            async with asyncio.timeout(seconds):
                await _first_model(client, kit, Participant(name), who, report)
        except TimeoutError:
            faults.append(f"{name}: not in production after {seconds:.0f} s")
        except RunFailed as e:
            faults.append(f"{name}: {e.message}")
        except ApiFailure as e:
            faults.append(f"{name}: {e.message}")

    await every(names, one, workers=at_once)
    if faults:
        listed = "\n  ".join(sorted(faults))
        raise RunFailed(
            f"{len(faults)} of {len(names)} participants have no first model\n  {listed}",
            hint="the same command tries again what has failed, and goes on with what runs",
        )


async def _first_model(
    client: Client, kit: Path, participant: Participant, who: tuple[str, list[str]], report: Report
) -> None:
    dev, production = participant.namespace("dev"), participant.namespace("production")
    if await asyncio.to_thread(client.find, "SeldonDeployment", production, DEPLOYMENT):
        report("first-model", {"name": participant.name, "state": "in production"})
        return
    for part, namespace in ((DATA, dev), (TRAIN, dev), (PROMOTE, production)):
        run = await asyncio.to_thread(_run, client, kit, part, namespace, who[0])
        report("first-model", {"name": participant.name, "state": f"{part} runs", "run": name_of(run)})
        await _ended(client, participant, name_of(run), namespace, who, report)
    report("first-model", {"name": participant.name, "state": "in production"})


def _run(client: Client, kit: Path, part: str, namespace: str, user: str) -> Object:
    """The newest run of a part that has not failed, else a new one. Raises ApiFailure."""
    found = client.list("PipelineRun", namespace, labels={FIRST: part})
    found.sort(key=lambda one: str(one["metadata"].get("creationTimestamp", "")))
    if found and (succeeded(found[-1]) or not is_done(found[-1])):
        return found[-1]
    if part == PROMOTE:
        wanted = _from_template(client.get("TriggerTemplate", namespace, PROMOTE), {"by": user})
    else:
        (document,) = load(kit / "tekton" / "runs" / f"{part}.yaml")
        wanted = document.object
    wanted["metadata"]["labels"] = {**(wanted["metadata"].get("labels") or {}), FIRST: part}
    return client.create(wanted, namespace)


def _from_template(template: Object, values: dict[str, str]) -> Object:
    """What an event of production's EventListener would create, with defaults for the other params."""
    spec = template["spec"]
    text = json.dumps(spec["resourcetemplates"][0])
    for param in spec["params"]:
        value = values.get(param["name"], str(param.get("default", "")))
        text = text.replace(f"$(tt.params.{param['name']})", json.dumps(value)[1:-1])
    made: Object = json.loads(text)
    return made


async def _ended(
    client: Client, participant: Participant, name: str, namespace: str, who: tuple[str, list[str]], report: Report
) -> None:
    """Wait for a run, and answer its approval if the user may. Raises RunFailed with the step that failed."""
    said = ""
    while True:
        found = await asyncio.to_thread(progress, client, "PipelineRun", namespace, name)
        if found.done:
            break
        waits = await asyncio.to_thread(_approve, client, found, who)
        if waits != said:
            said = waits
            report("first-model", {"name": participant.name, "state": waits, "run": name})
        await asyncio.sleep(_POLL_SECONDS)
    if not found.succeeded:
        failure = await asyncio.to_thread(first_failure, client, found, 1)
        why = " ".join((failure.reason, *failure.log)) if failure else found.message
        raise RunFailed(f"{name} in {namespace} has failed: {why}", hint=f"tkn pipelinerun logs {name} -n {namespace}")


def _approve(client: Client, found: Progress, who: tuple[str, list[str]]) -> str:
    """Approve what the run waits for; who is asked instead if the user is not. Empty if it waits for nothing."""
    for task in found.tasks:
        if task.custom != "ApprovalTask" or task.state != "running":
            continue
        waiting = client.find("ApprovalTask", found.namespace, task.task_run)
        if waiting is None or status_of(waiting).get("state") != "pending":
            continue
        try:
            answer(client, waiting, *who, wish="approve", message="first model of the room")
        except (ManifestError, UsageError):
            asked = ", ".join(one["name"] for one in waiting["spec"]["approvers"])
            return f"waits for an approval of {asked}: workshop approve -n {found.namespace}"
    return ""
