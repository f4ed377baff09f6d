"""Answers an approval, for the entries that are the user's."""

from __future__ import annotations

import time
from typing import Any

from workshop.cluster.client import ApiFailure, Client
from workshop.errors import ManifestError, UsageError
from workshop.manifests.objects import Object, status_of

WAIT_SECONDS = 5.0


def answer(client: Client, task: Object, user: str, groups: list[str], *, wish: str, message: str) -> Object:
    """Write the answer and return the task once the controller has seen it."""
    meta = task["metadata"]
    index, change = _change(task, user, groups, wish, message)
    try:
        client.patch("approvaltask", meta["namespace"], meta["name"], change, how="json")
    except ApiFailure as e:
        raise ManifestError(
            e.message,
            hint=f"oc get approvaltask {meta['name']} -n {meta['namespace']} -o yaml shows "
            "the approvers and their answers",
        ) from e
    deadline = time.monotonic() + WAIT_SECONDS
    mine = task["spec"]["approvers"][index]["name"]
    wanted = "rejected" if wish == "reject" else "approved"
    while True:
        found = client.get("approvaltask", meta["namespace"], meta["name"])
        responses = status_of(found).get("approversResponse") or []
        if any(one["name"] == mine and one["response"] == wanted for one in responses):
            return found
        if time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def _change(task: Object, user: str, groups: list[str], answer: str, message: str) -> tuple[int, list[dict[str, Any]]]:
    """The index of the user's entry, and the JSON patch that answers in it. Raises UsageError."""
    approvers = task["spec"]["approvers"]
    mine = [i for i, one in enumerate(approvers) if one.get("type") != "Group" and one["name"] == user]
    mine += [
        i
        for i, one in enumerate(approvers)
        if one.get("type") == "Group"
        and (one["name"] in groups or any(member["name"] == user for member in one.get("users") or []))
    ]
    waiting = [i for i in mine if approvers[i]["input"] != answer]
    if not mine:
        raise UsageError(
            f"{user} is not asked in {task['metadata']['name']}; asked are "
            + ", ".join(one["name"] for one in approvers),
            hint="oc whoami says who you are",
        )
    if not waiting:
        name, state = task["metadata"]["name"], status_of(task).get("state")
        if state in ("approved", "rejected"):
            raise UsageError(f"{name} is {state} already", hint=f"oc get approvaltask {name} -o yaml shows the answers")
        others = [one["name"] for i, one in enumerate(approvers) if i not in mine and one["input"] == "pending"]
        raise UsageError(f"{name} has this answer of {user} already", hint=f"it waits for others: {', '.join(others)}")
    index = waiting[0]
    path = f"/spec/approvers/{index}"
    change: list[dict[str, Any]] = [
        {"op": "test", "path": f"{path}/name", "value": approvers[index]["name"]},
        {"op": "replace", "path": f"{path}/input", "value": answer},
    ]
    if message:
        change.append({"op": "add", "path": f"{path}/message", "value": message})
    if approvers[index].get("type") == "Group":
        others = [one for one in approvers[index].get("users") or [] if one["name"] != user]
        change.append({"op": "add", "path": f"{path}/users", "value": [*others, {"name": user, "input": answer}]})
    return index, change


def identities(client: Client) -> tuple[str, list[str]]:
    """The user's name and groups."""
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    said = client.http.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=asked)
    info = status_of(said).get("userInfo") or {}
    return str(info.get("username", "")), list(info.get("groups") or [])
