"""The Seldon controller in the lab: its loop, and the state that it publishes for other parts."""

from __future__ import annotations

from workshop.lab.controllers.loop import Loop
from workshop.lab.controllers.seldon.reconcile import SeldonReconciler
from workshop.lab.controllers.seldon.replicas import Replicas
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.manifests.objects import Object, status_of


class SeldonController:
    """Publishes the ready Pods in `Lab.model_servers`; the gateway's table is `Lab.routes`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kind = built_in("SeldonDeployment")
        replicas = Replicas(lab.store, lab.paths, lab.processes)
        self._reconciler = SeldonReconciler(lab.store, replicas, lab.routes, self._publish)
        self._loop = Loop("seldon", lab.store, self._reconciler.reconcile, owns=self._kind)
        replicas.ended = self._loop.enqueue

    async def run(self) -> None:
        """Reconcile until cancelled, then stop every Pod."""
        try:
            await self._loop.run()
        finally:
            await self._reconciler.stop()

    def settled(self) -> bool:
        """Whether every deployment with an image answers or has failed."""
        deployments = self._lab.store.objects(self._kind)
        return all(status_of(d).get("state") != "Creating" or not _has_image(d) for d in deployments)

    def _publish(self) -> None:
        self._lab.model_servers[:] = self._reconciler.model_servers()
        self._lab.changed()


def _has_image(deployment: Object) -> bool:
    """Whether a deployment has an image's digest. One without a digest waits for a pipeline."""
    return "@sha256:" in str(deployment.get("spec"))
