"""The running Pods of TaskRuns: started, reported into the store, stopped.

This state lives as long as the supervisor. A Pod in the store that is not here is lost.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from workshop.lab.api_errors import NotFound
from workshop.lab.controllers.storing import until_stored
from workshop.lab.entrypoint.steps import StepRunner
from workshop.lab.kinds import built_in
from workshop.lab.kubelet.pod import PodPlan, PodState
from workshop.lab.kubelet.status import FINAL_PHASES, lost_status, pod_status
from workshop.lab.store import Store
from workshop.manifests.objects import Object, status_of

_LOG = logging.getLogger("workshop.lab.tekton")


@dataclass
class Attempt:
    """One running Pod. `started` is monotonic, because a Pod's own times are whole seconds."""

    task: asyncio.Task[None]
    started: float
    namespace: str
    name: str


class Attempts:
    """The running Pods by uid."""

    def __init__(self, store: Store, runner: StepRunner) -> None:
        self._store, self._runner = store, runner
        self._pods = built_in("Pod")
        self._running: dict[str, Attempt] = {}

    def start(self, pod: Object, plan: PodPlan) -> None:
        """Run a Pod that is in the store."""
        uid = pod["metadata"]["uid"]
        task = asyncio.get_running_loop().create_task(self._run(pod, plan))
        self._running[uid] = Attempt(task, time.monotonic(), plan.namespace, plan.name)
        task.add_done_callback(lambda _: self._running.pop(uid, None))

    def seconds(self, uid: str) -> float | None:
        """Seconds that a Pod has been running, or None when it is not running."""
        attempt = self._running.get(uid)
        return time.monotonic() - attempt.started if attempt else None

    async def stop(self, uid: str) -> None:
        """Stop a Pod's processes and wait for their end."""
        attempt = self._running.get(uid)
        if attempt:
            attempt.task.cancel()
            await asyncio.gather(attempt.task, return_exceptions=True)

    async def stop_named(self, namespace: str, prefix: str) -> None:
        """Stop the Pods of a deleted TaskRun."""
        for uid, attempt in list(self._running.items()):
            if attempt.namespace == namespace and attempt.name.startswith(prefix):
                await self.stop(uid)

    async def close(self) -> None:
        """Stop all Pods."""
        for uid in list(self._running):
            await self.stop(uid)

    async def _run(self, pod: Object, plan: PodPlan) -> None:
        meta = pod["metadata"]
        started = meta["creationTimestamp"]

        def report(state: PodState) -> None:
            status = pod_status(state, started)
            body: Object = {"metadata": {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}}
            try:
                self._store.update_status(self._pods, {**body, "status": status})
            except NotFound:
                # The Pod was deleted while it ran. The reconcile of its TaskRun stops it.
                return

        try:
            await self._runner.run(plan, report)
        except Exception as e:
            _LOG.exception("pod %s/%s: the runtime failed", plan.namespace, plan.name)
            message = f"the lab's runtime failed: {e}; see workshop logs lab"
            what = f"pod {plan.namespace}/{plan.name}: its failure"
            await until_stored(lambda: self.fail(pod, "RuntimeFailed", message), what)

    def fail(self, pod: Object, reason: str, message: str) -> None:
        """Set a Pod's phase to Failed in the store. A deleted or finished Pod is left alone. Raises ApiError."""
        meta = pod["metadata"]
        current = self._store.find(self._pods, meta["namespace"], meta["name"])
        if current is None or status_of(current).get("phase") in FINAL_PHASES:
            return
        self._store.update_status(self._pods, {**current, "status": lost_status(current, reason, message)})
