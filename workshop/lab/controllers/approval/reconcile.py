"""The approval gate: a CustomRun that refers to an ApprovalTask waits for people.

The controller creates the ApprovalTask (with the name of the CustomRun), reads the answers that admission accepts, and
ends the CustomRun. One `reject` fails it; enough `approve` make it succeed; no decision within the timeout (one hour by
default) rejects it. Rules and messages are those of manual-approval-gate 0.9. If an approver changes an answer before
the decision, the last answer counts.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from workshop.lab.admission import admit
from workshop.lab.admission.approval import approved_by
from workshop.lab.api_errors import ApiError
from workshop.lab.controllers.conditions import set_condition
from workshop.lab.controllers.events import Events
from workshop.lab.controllers.loop import Loop
from workshop.lab.controllers.owners import owner_reference
from workshop.lab.kinds import built_in
from workshop.lab.records import Record
from workshop.lab.store import Store, now
from workshop.manifests.approval import API_VERSION, KIND, ApprovalTask, Approver
from workshop.manifests.objects import Object, is_done, namespace_and_name, status_of
from workshop.manifests.tekton.params import parse_duration

DEFAULT_TIMEOUT = "1h0m0s"
RUN_LABEL = "openshift-pipelines.org/customrun"
LAST_APPLIED = "openshift-pipelines.org/last-applied-hash"
_OUTCOME = {"approve": "approved", "reject": "rejected"}


class Approvals:
    """Reconciles CustomRuns that name an ApprovalTask; all its state is in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs, self._tasks = built_in("CustomRun"), built_in(KIND)
        self._events = Events(store, "approvaltask")

    def loop(self) -> Loop:
        """The loop that calls `reconcile`."""
        return Loop("approval", self._store, self.reconcile, owns=self._runs, watches={self._tasks: _run_of})

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """One pass over one CustomRun; returns the seconds until its timeout."""
        run = self._store.find(self._runs, namespace, name)
        if run is None or not _is_approval(run) or is_done(run):
            return None
        status = dict(status_of(run))
        status.setdefault("startTime", now())
        if run["spec"].get("status") == "RunCancelled":
            self._decide(
                run,
                status,
                self._store.find(self._tasks, namespace, name),
                "rejected",
                "CustomRunCancelled",
                f"CustomRun {name} was cancelled",
            )
            return None
        try:
            task = self._store.find(self._tasks, namespace, name) or self._ask(run)
        except (ApiError, ValueError) as e:
            _end(
                status,
                "False",
                "ApprovalTaskValidationFailed",
                f"ApprovalTask {namespace}/{name} can't be Run; it has an invalid spec: {e}",
            )
            self._write(run, status)
            return None
        outcome = self._answers(task)
        if outcome == "rejected":
            self._decide(run, status, task, outcome, "Failed", "Approval Task denied")
            return None
        if outcome == "approved":
            self._decide(run, status, task, outcome, "Succeeded", "TaskRun succeeded")
            return None
        left = _left(run, status["startTime"])
        if left is not None and left <= 0:
            self._decide(
                run,
                status,
                self._store.get(self._tasks, namespace, name),
                "rejected",
                "Failed",
                f"Approval task {name} is failed because of timeout",
            )
            return None
        set_condition(status, "Unknown", "Running", f"Approval task {name} is in pending state")
        self._write(run, status)
        return left

    def _ask(self, run: Object) -> Object:
        """Make the ApprovalTask of a CustomRun. Raises ApiError and ValueError for parameters that make none."""
        meta = run["metadata"]
        params = {param["name"]: param.get("value") for param in run["spec"].get("params") or []}
        approvers = _approvers(params.get("approvers"))
        required = params.get("numberOfApprovalsRequired", "1")
        if not str(required).strip().isdecimal():
            raise ValueError(f"numberOfApprovalsRequired: {required!r} is no number")
        obj: Object = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {
                "name": meta["name"],
                "namespace": meta["namespace"],
                "labels": {**(meta.get("labels") or {}), RUN_LABEL: meta["name"]},
                "annotations": {LAST_APPLIED: _hash(approvers)},
                "ownerReferences": [owner_reference(run)],
            },
            "spec": {
                "approvers": approvers,
                "numberOfApprovalsRequired": int(required),
                "description": str(params.get("description") or ""),
            },
        }
        made = self._store.create(self._tasks, admit(self._tasks, obj, None))
        status = {
            "state": "pending",
            "approvers": [one["name"] for one in approvers],
            "approversResponse": [],
            "approvalsRequired": int(required),
            "approvalsReceived": 0,
            "startTime": made["metadata"]["creationTimestamp"],
        }
        self._events.emit(made, "ApprovalPending", f"waiting for {required} of: " + ", ".join(status["approvers"]))
        return self._store.update_status(self._tasks, {**made, "status": status}).object()

    def _answers(self, obj: Object) -> str:
        """Write down what the approvers have said and return where that leads: pending, approved, rejected."""
        task = _parse(obj)
        approvers = task.spec.approvers
        status = dict(status_of(obj))
        required = task.spec.number_of_approvals_required
        state = "pending"
        if any(one.input == "reject" for one in approvers):
            state = "rejected"
        elif approved_by(approvers) >= required:
            state = "approved"
        status |= {
            "state": state,
            "approvers": [one.name for one in approvers],
            "approvalsRequired": required,
            "approvalsReceived": approved_by(approvers),
            "approversResponse": _responses(approvers),
        }
        if status != obj.get("status"):
            self._store.update_status(self._tasks, {**obj, "status": status})
        return state

    def _decide(
        self, run: Object, status: dict[str, Any], task: Object | None, outcome: str, reason: str, message: str
    ) -> None:
        if task is not None:
            # What was written of the answers just now stays; only the outcome is new.
            latest = self._store.get(self._tasks, *namespace_and_name(run))
            if status_of(latest).get("state") != outcome:
                self._store.update_status(self._tasks, {**latest, "status": {**latest["status"], "state": outcome}})
            self._events.emit(latest, outcome.capitalize(), message, warning=outcome == "rejected")
        _end(status, "True" if outcome == "approved" else "False", reason, message)
        self._write(run, status)

    def _write(self, run: Object, status: dict[str, Any]) -> None:
        status["observedGeneration"] = run["metadata"].get("generation", 1)
        if status != run.get("status"):
            self._store.update_status(self._runs, {**run, "status": status})


def _is_approval(run: Object) -> bool:
    spec = run.get("spec") or {}
    ref = spec.get("customRef") or spec.get("customSpec") or {}
    return (ref.get("apiVersion"), ref.get("kind")) == (API_VERSION, KIND)


def _approvers(value: Any) -> list[dict[str, Any]]:
    """The approvers of a parameter: names, and `group:<name>`; a name that comes twice counts once."""
    names = value if isinstance(value, list) else [value] if value else []
    found: dict[str, dict[str, Any]] = {}
    for name in map(str, names):
        group = name.startswith("group:")
        bare = name.removeprefix("group:")
        found.setdefault(bare, {"name": bare, "input": "pending", "type": "Group" if group else "User"})
    return list(found.values())


def _responses(approvers: Sequence[Approver]) -> list[dict[str, Any]]:
    found = []
    for one in approvers:
        if one.input == "pending":
            continue
        said = {"message": one.message} if one.message else {}
        response: dict[str, Any] = {
            "name": one.name,
            "type": one.type or "User",
            "response": _OUTCOME[one.input],
            **said,
        }
        if one.type == "Group":
            response["groupMembers"] = [
                {"name": user.name, "response": _OUTCOME[user.input], **said}
                for user in one.users
                if user.input != "pending"
            ]
        found.append(response)
    return found


def _left(run: Object, start: str) -> float | None:
    """Seconds until the timeout; None when there is none."""
    timeout = parse_duration(run["spec"].get("timeout") or DEFAULT_TIMEOUT)
    if timeout <= 0:
        return None
    return datetime.fromisoformat(start).timestamp() + timeout - time.time()


def _end(status: dict[str, Any], value: Any, reason: str, message: str) -> None:
    set_condition(status, value, reason, message)
    status["completionTime"] = now()


def _hash(approvers: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(approvers, sort_keys=True).encode()).hexdigest()


def _parse(obj: Object) -> ApprovalTask:
    return msgspec.convert(obj, ApprovalTask)


def _run_of(record: Record) -> list[tuple[str, str]]:
    name = record.labels.get(RUN_LABEL)
    return [(record.namespace, name)] if name else []
