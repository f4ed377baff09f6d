"""`workshop approve [NAME]`: answer an approval that a pipeline waits for, in the lab or on a cluster.

The same as `oc patch approvaltask`, for the entry that is yours. Without a name it takes the one that waits.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from workshop import output
from workshop.checks.runs import PUSHER
from workshop.cluster.client import ApiFailure, Client
from workshop.commands.place import api, in_lab
from workshop.errors import EnvironmentFault, ManifestError, UsageError
from workshop.lab.admission.approval import USERS
from workshop.lab.paths import lab_paths

WAIT_SECONDS = 5.0
SETTLE_SECONDS = 10.0
"""How long an approval that waits may take to appear after a push, before one that is answered already is meant."""
_OUTCOME = {"approve": "approved", "reject": "rejected"}
Object = dict[str, Any]


class _NotThere(UsageError):
    """No approval has the name yet."""


def approve(words: argparse.Namespace) -> int:
    """Answer, wait until the answer is counted, and say where the approval stands.

    Raises UsageError, EnvironmentFault, and ManifestError when the server does not take the answer.
    """
    where = lab_paths()
    client, namespace = api(where, words.namespace)
    wish = "reject" if words.reject else "approve"
    task = _waited_for(client, namespace, words.name or "", words.timeout, wish)
    if _state(task) == _OUTCOME[wish]:
        done = task
    else:
        done = _approve(client, task, *_me(client, lab=in_lab(where)), answer=wish, message=words.message)
    status = done.get("status") or {}
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


def _approve(client: Client, task: Object, users: list[str], groups: list[str], *, answer: str, message: str) -> Object:
    """Put the answer where it belongs and return the task once the controller has seen it."""
    meta = task["metadata"]
    index, change = _change(task, users, groups, answer, message)
    try:
        client.patch("approvaltask", meta["namespace"], meta["name"], change, how="json")
    except ApiFailure as e:
        raise ManifestError(
            e.message,
            hint=f"oc get approvaltask {meta['name']} -n {meta['namespace']} -o yaml shows "
            "who is asked and what they said",
        ) from e
    deadline = time.monotonic() + WAIT_SECONDS
    mine = task["spec"]["approvers"][index]["name"]
    wanted = "rejected" if answer == "reject" else "approved"
    while True:
        found = client.get("approvaltask", meta["namespace"], meta["name"])
        responses = (found.get("status") or {}).get("approversResponse") or []
        if any(one["name"] == mine and one["response"] == wanted for one in responses):
            return found
        if time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def _change(
    task: Object, users: list[str], groups: list[str], answer: str, message: str
) -> tuple[int, list[dict[str, Any]]]:
    """The index of the entry that is mine, and the JSON patch that answers in it. Raises UsageError."""
    approvers = task["spec"]["approvers"]
    mine = [i for i, one in enumerate(approvers) if one.get("type") != "Group" and one["name"] in users]
    mine += [
        i
        for i, one in enumerate(approvers)
        if one.get("type") == "Group"
        and (one["name"] in groups or any(user["name"] in users for user in one.get("users") or []))
    ]
    waiting = [i for i in mine if approvers[i]["input"] != answer]
    if not mine:
        raise UsageError(
            f"{users[0]} is not asked in {task['metadata']['name']}; asked are "
            + ", ".join(one["name"] for one in approvers),
            hint="oc whoami says who you are",
        )
    if not waiting:
        name, state = task["metadata"]["name"], (task.get("status") or {}).get("state")
        if state in ("approved", "rejected"):
            raise UsageError(
                f"{name} is {state} already", hint=f"oc get approvaltask {name} -o yaml shows who said what"
            )
        others = [one["name"] for i, one in enumerate(approvers) if i not in mine and one["input"] == "pending"]
        raise UsageError(
            f"{name} has this answer of {users[0]} already", hint=f"it waits for others: {', '.join(others)}"
        )
    index = waiting[0]
    path = f"/spec/approvers/{index}"
    change: list[dict[str, Any]] = [
        {"op": "test", "path": f"{path}/name", "value": approvers[index]["name"]},
        {"op": "replace", "path": f"{path}/input", "value": answer},
    ]
    if message:
        change.append({"op": "add", "path": f"{path}/message", "value": message})
    if approvers[index].get("type") == "Group":
        others = [user for user in approvers[index].get("users") or [] if user["name"] not in users]
        change.append({"op": "add", "path": f"{path}/users", "value": [*others, {"name": users[0], "input": answer}]})
    return index, change


def _waited_for(client: Client, namespace: str, name: str, seconds: float, wish: str) -> Object:
    """The approval that is meant, once it exists; maybe one that has the wished outcome already.

    Without a name it is the one that waits. Where none waits for SETTLE_SECONDS, or for `seconds` if that is less, it
    is one that was answered in another place meanwhile. Raises UsageError, EnvironmentFault.
    """
    began = time.monotonic()
    while True:
        try:
            return _wanted(client, namespace, name)
        except (EnvironmentFault, _NotThere):
            waited = time.monotonic() - began
            settled = not name and waited >= min(seconds, SETTLE_SECONDS)
            if settled and (answered := _answered(client, namespace, wish)):
                return answered
            if waited > seconds:
                raise
        time.sleep(0.3)


def _wanted(client: Client, namespace: str, name: str) -> Object:
    """The approval of a name, or the one that waits. Raises UsageError, EnvironmentFault."""
    if name:
        found = client.find("approvaltask", namespace, name)
        if found is None:
            raise _NotThere(f"there is no approval {name} in {namespace}", hint=f"oc get approvaltask -n {namespace}")
        return found
    waiting = [task for task in client.list("approvaltask", namespace) if _state(task) == "pending"]
    if not waiting:
        raise EnvironmentFault(
            f"no approval waits in {namespace}",
            hint="a promotion asks for one: oc create -f "
            f"tekton/runs/promote.yaml; oc get approvaltask -n {namespace} shows earlier ones",
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
    name = (newest["metadata"].get("labels") or {}).get("tekton.dev/pipelineRun", "")
    run = client.find("pipelinerun", namespace, name) if name else None
    if run is None:
        return None
    pushed = PUSHER in (run["metadata"].get("annotations") or {})
    return newest if pushed or not (run.get("status") or {}).get("completionTime") else None


def _state(task: Object) -> str:
    return str((task.get("status") or {}).get("state", ""))


def _answered_by(task: Object) -> str:
    """Who has answered, and their messages."""
    said = (task.get("status") or {}).get("approversResponse") or []
    return "; ".join(f"by {one.get('name')}" + (f": {one['message']}" if one.get("message") else "") for one in said)


def _me(client: Client, *, lab: bool) -> tuple[list[str], list[str]]:
    """The names and groups that I answer for, my own name first."""
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    said = client.http.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=asked)
    info = (said.get("status") or {}).get("userInfo") or {}
    names, groups = [str(info.get("username", ""))], list(info.get("groups") or [])
    if lab:
        names += [name for name in USERS if name not in names]
    return names, groups
