"""`workshop approve [NAME]`: answer an approval that a pipeline waits for, in the lab or on a cluster.

It does what `oc patch approvaltask` does, for the user's own entry. Without a name it answers the only approval that
waits.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime

from workshop import output
from workshop.checks.runs import EXPERIMENT, PROMOTE, PUSHER, pipeline
from workshop.cluster.client import Client
from workshop.cluster.runs import progress
from workshop.errors import RunFailed, SetupError, UsageError
from workshop.manifests.objects import Object, annotations_of, condition, labels_of, name_of, status_of
from workshop.operations.approvals import answer, identities
from workshop.operations.runs import failure_text, logs_command
from workshop.participants.target import CommandTarget

SETTLE_SECONDS = 10.0
"""How long an approval that waits may take to appear after a push, before one that is answered already is meant."""
JUST_SECONDS = 30.0
"""A run that has failed longer ago is not the one whose approval is meant."""
_OUTCOME = {"approve": "approved", "reject": "rejected"}


class _NotThere(UsageError):
    """No approval has the name yet."""


def approve(words: argparse.Namespace, target: CommandTarget) -> int:
    """Answer, wait until the answer is counted, and print the state of the approval.

    Raises UsageError, SetupError, RunFailed, and ManifestError when the server does not take the answer.
    """
    client, namespace = target.client(), words.namespace or target.namespace("production")
    wish = "reject" if words.reject else "approve"
    task = _waited_for(client, namespace, words.name or "", words.timeout, wish)
    if _state(task) == _OUTCOME[wish]:
        done = task
    else:
        done = answer(client, task, *identities(client), wish=wish, message=words.message)
    status = status_of(done)
    if words.output == output.JSON:
        output.emit(done)
        return 0
    name = done["metadata"]["name"]
    output.say(
        f"{name}: {status.get('state', 'pending')}, {status.get('approvalsReceived', 0)} of "
        f"{status.get('approvalsRequired', done['spec']['numberOfApprovalsRequired'])} approvals"
    )
    if done is task:
        output.say(f"  it was {status['state']} before, {_answered_by(done)}; nothing was changed")
    if status.get("state") == "pending":
        waiting = [one["name"] for one in done["spec"]["approvers"] if one["input"] == "pending"]
        output.say(f"  still asked: {', '.join(waiting)}")
    return 0


def _waited_for(client: Client, namespace: str, name: str, seconds: float, wish: str) -> Object:
    """The approval that is meant, once it exists; maybe one that has the wished outcome already.

    Without a name it is the one that waits. Where none waits for SETTLE_SECONDS, or for `seconds` if that is less, it
    is one that was answered in another place meanwhile. Raises UsageError, SetupError, and RunFailed when the run that
    was to ask has failed before.
    """
    began = time.monotonic()
    while True:
        try:
            return _wanted(client, namespace, name)
        except (SetupError, _NotThere):
            waited = time.monotonic() - began
            settled = not name and waited >= min(seconds, SETTLE_SECONDS)
            if settled and (answered := _answered(client, namespace, wish)):
                return answered
            if not name:
                _raise_if_refused(client, namespace)
            if waited > seconds:
                raise
        time.sleep(0.3)


def _raise_if_refused(client: Client, namespace: str) -> None:
    """Raise RunFailed if the newest run that asks for an approval has failed before it asked, and not long ago."""
    runs = [one for one in client.list("pipelinerun", namespace) if pipeline(one) in (PROMOTE, EXPERIMENT)]
    newest = max(runs, key=lambda one: str(one["metadata"].get("creationTimestamp", "")), default=None)
    if newest is None or condition(newest).get("status") != "False":
        return
    ended = str(status_of(newest).get("completionTime") or "")
    if not ended or (datetime.now(UTC) - datetime.fromisoformat(ended)).total_seconds() > JUST_SECONDS:
        return
    run = name_of(newest)
    if client.find("approvaltask", namespace, f"{run}-approve") is None:
        found = progress(client, "PipelineRun", namespace, run)
        raise RunFailed(failure_text(client, found), hint=logs_command(found))


def _wanted(client: Client, namespace: str, name: str) -> Object:
    """The approval of a name, or the one that waits. Raises UsageError, SetupError."""
    if name:
        found = client.find("approvaltask", namespace, name)
        if found is None:
            raise _NotThere(f"there is no approval {name} in {namespace}", hint=f"oc get approvaltask -n {namespace}")
        return found
    waiting = [task for task in client.list("approvaltask", namespace) if _state(task) == "pending"]
    if not waiting:
        raise SetupError(
            f"no approval waits in {namespace}",
            hint=f"workshop promote asks for one; oc get approvaltask -n {namespace} shows earlier ones",
        )
    if len(waiting) > 1:
        names = ", ".join(one["metadata"]["name"] for one in waiting)
        raise UsageError(f"several approvals wait in {namespace}: {names}", hint="workshop approve NAME answers one")
    return waiting[0]


def _answered(client: Client, namespace: str, wish: str) -> Object | None:
    """The newest approval, if it has the wished outcome and its run still goes on or was started by a push.

    Other runs that have ended are of an earlier time, such as the one of `workshop lab`.
    """
    tasks = client.list("approvaltask", namespace)
    newest = max(tasks, key=lambda task: str(task["metadata"].get("creationTimestamp", "")), default=None)
    if newest is None or _state(newest) != _OUTCOME[wish]:
        return None
    name = labels_of(newest).get("tekton.dev/pipelineRun", "")
    run = client.find("pipelinerun", namespace, name) if name else None
    if run is None:
        return None
    pushed = bool(annotations_of(run).get(PUSHER))
    return newest if pushed or not status_of(run).get("completionTime") else None


def _state(task: Object) -> str:
    return str(status_of(task).get("state", ""))


def _answered_by(task: Object) -> str:
    """Who has answered, and their messages."""
    said = status_of(task).get("approversResponse") or []
    return "; ".join(f"by {one.get('name')}" + (f": {one['message']}" if one.get("message") else "") for one in said)
