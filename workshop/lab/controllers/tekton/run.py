"""Runs Tekton in the lab: its reconcilers in their loops, and their shutdown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from workshop.lab import process_environment
from workshop.lab.controllers.loop import Controller, Key, Loop
from workshop.lab.controllers.tekton.attempts import Attempts
from workshop.lab.controllers.tekton.claims import Claims
from workshop.lab.controllers.tekton.pipelinerun import PipelineRuns
from workshop.lab.controllers.tekton.remote.fetching import Fetching
from workshop.lab.controllers.tekton.taskrun import TaskRuns
from workshop.lab.entrypoint.steps import AfterFailure, StepRunner
from workshop.lab.kinds import built_in
from workshop.lab.kubelet.credentials import Credentials
from workshop.lab.paths import LabPaths
from workshop.lab.records import Record
from workshop.lab.runtimes.base import Runtime
from workshop.lab.scc.admitting import PodSecurity
from workshop.lab.store import Store
from workshop.manifests.objects import truth

if TYPE_CHECKING:
    from workshop.lab.lab import Lab


def controller(lab: Lab) -> Controller:
    """Runs TaskRuns and PipelineRuns."""
    return TektonController(lab)


class TektonController:
    """Tekton over the lab's store and runtime."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    async def run(self) -> None:
        """Reconcile until cancelled, then stop the running steps."""
        lab = self._lab
        credentials = Credentials(lab.identities.accounts, str(lab.url("api")), lab.paths.tls / "ca.crt")
        env = process_environment.of_steps(lab.paths, isolated=lab.runtime.isolated)
        security = PodSecurity(lab.policy)
        await run_tekton(lab.store, lab.paths, lab.runtime, env, credentials, security)

    def settled(self) -> bool:
        """Always true: runs of an earlier start continue, and the lab does not wait for them."""
        return True


async def run_tekton(
    store: Store,
    state: LabPaths,
    runtime: Runtime,
    env: Mapping[str, str] | None = None,
    credentials: Credentials | None = None,
    security: PodSecurity | None = None,
    after_failure: AfterFailure | None = None,
) -> None:
    """Run the controllers until cancelled, then stop running steps. `env` are variables of every step."""
    attempts = Attempts(store, StepRunner(store, state, runtime, env, credentials, after_failure))
    task_runs = TaskRuns(store, state, attempts, credentials, security)
    pipeline_runs = PipelineRuns(store)
    claims, fetching = Claims(store, state), Fetching(store, state)
    loops = [
        Loop("tekton.resolvers", store, fetching.reconcile, owns=built_in("ResolutionRequest")),
        Loop("tekton.claims", store, claims.reconcile, owns=built_in("PersistentVolumeClaim")),
        Loop(
            "tekton.taskruns",
            store,
            task_runs.reconcile,
            owns=built_in("TaskRun"),
            watches={
                built_in("Pod"): lambda record: _by_label(record, "tekton.dev/taskRun"),
                built_in("ResolutionRequest"): lambda record: _owner_of_resolved(record, "TaskRun"),
            },
        ),
        Loop(
            "tekton.pipelineruns",
            store,
            pipeline_runs.reconcile,
            owns=built_in("PipelineRun"),
            watches={
                built_in("PipelineRun"): _run_of_ended,
                built_in("TaskRun"): _run_of_ended,
                built_in("ResolutionRequest"): lambda record: _owner_of_resolved(record, "PipelineRun"),
                built_in("CustomRun"): lambda record: _by_label(record, "tekton.dev/pipelineRun"),
            },
        ),
    ]
    try:
        async with asyncio.TaskGroup() as group:
            for loop in loops:
                group.create_task(loop.run())
    finally:
        await attempts.close()


def _by_label(record: Record, label: str) -> Iterable[Key]:
    name = record.labels.get(label)
    return ((record.namespace, name),) if name else ()


def _owner_of_resolved(record: Record, kind: str) -> Iterable[Key]:
    """The run that waits for a resolver which has returned."""
    obj = record.object()
    if truth(obj) not in ("True", "False"):
        return ()
    owners = obj["metadata"].get("ownerReferences") or ()
    return [(record.namespace, one["name"]) for one in owners if one.get("kind") == kind]


def _run_of_ended(record: Record) -> Iterable[Key]:
    """The PipelineRun of an ended TaskRun or PipelineRun. It has nothing to do while that runs."""
    if b'"completionTime"' not in record.body:
        return ()
    return _by_label(record, "tekton.dev/pipelineRun")
