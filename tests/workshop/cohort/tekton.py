"""Tekton, played by a test: it ends the runs of a room's first models, and asks for the approval of a promotion."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workshop.cluster.client import Client
from workshop.manifests.objects import Object, is_done, labels_of, name_of
from workshop.operations.approvals import identities
from workshop.operations.firstmodels import FIRST
from workshop.participants.names import Participant


class Tekton:
    """Ends each run of the participants: successfully, or as `fails` says for its namespace and part."""

    def __init__(self, kubeconfig: Path, names: list[str]) -> None:
        self.client = Client.load(kubeconfig)
        self.approver, _ = identities(self.client)
        self.namespaces = [n for name in names for n in Participant(name).namespaces]
        self.fails: Callable[[str, str], bool] = lambda namespace, part: False
        self.holds = ""
        self.most_at_once = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(10)

    def runs(self) -> list[tuple[str, str]]:
        """Namespace and part of each run, in the order of their creation."""
        found = [run for namespace in self.namespaces for run in self.client.list("PipelineRun", namespace)]
        found.sort(key=lambda run: int(run["metadata"]["resourceVersion"]))
        return [(run["metadata"]["namespace"], labels_of(run)[FIRST]) for run in found]

    def _work(self) -> None:
        while not self._stopped.wait(0.05):
            open_ = [r for n in self.namespaces for r in self.client.list("PipelineRun", n) if not is_done(r)]
            self.most_at_once = max(self.most_at_once, len(open_))
            for run in open_:
                part, namespace = labels_of(run)[FIRST], run["metadata"]["namespace"]
                if part != self.holds and (part != "promote" or self._approved(run)):
                    state = "False" if self.fails(namespace, part) else "True"
                    self._end(run, {"type": "Succeeded", "status": state, "reason": "It", "message": "is so"})

    def _approved(self, run: Object) -> bool:
        """Ask as a promotion does; whether there is an answer."""
        namespace, name = run["metadata"]["namespace"], f"{name_of(run)}-approve"
        task = self.client.find("ApprovalTask", namespace, name)
        if task is None:
            self._ask(run, namespace, name)
            return False
        return bool(task["spec"]["approvers"][0]["input"] == "approve")

    def _ask(self, run: Object, namespace: str, name: str) -> None:
        spec: dict[str, Any] = {"numberOfApprovalsRequired": 1, "description": "?"}
        spec["approvers"] = [{"name": self.approver, "type": "User", "input": "pending"}]
        task = {"apiVersion": "openshift-pipelines.org/v1alpha1", "kind": "ApprovalTask"}
        made = self.client.create({**task, "metadata": {"name": name, "namespace": namespace}, "spec": spec})
        self.client.update({**made, "status": {"state": "pending"}}, subresource="status")
        labels = {"tekton.dev/pipelineRun": name_of(run)}
        reference = {"apiVersion": "openshift-pipelines.org/v1alpha1", "kind": "ApprovalTask"}
        custom = {"apiVersion": "tekton.dev/v1beta1", "kind": "CustomRun", "spec": {"customRef": reference}}
        self.client.create({**custom, "metadata": {"name": name, "namespace": namespace, "labels": labels}})
        status = {
            "pipelineSpec": {"tasks": [{"name": "approve", "taskRef": reference}]},
            "childReferences": [{"name": name, "pipelineTaskName": "approve", "kind": "CustomRun"}],
        }
        self.client.update({**run, "status": status}, subresource="status")

    def _end(self, run: Object, condition: Object) -> None:
        now = self.client.get("PipelineRun", run["metadata"]["namespace"], name_of(run))
        status = {**(now.get("status") or {}), "conditions": [condition], "childReferences": []}
        self.client.update({**now, "status": status}, subresource="status")
