"""Approvals: the question of a waiting task, and the participant's answer.

An answer has the effect of `oc patch`: the same rule of admission, the same refusals, the same messages.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from msgspec import convert

from workshop.lab.admission import admit
from workshop.lab.admission.approval import asks, check_answer
from workshop.lab.api_errors import BadRequest
from workshop.lab.identity.users import User
from workshop.lab.kinds import built_in
from workshop.lab.pages.runs.states import State
from workshop.lab.store import Store
from workshop.languages.catalog import N_
from workshop.manifests.approval import Approver
from workshop.manifests.objects import Object, status_of

ANSWERS = ("approve", "reject")
LONGEST = 1000
"""Characters of a message."""
_STATES = {
    "approved": State(N_("Approved"), "ok"),
    "rejected": State(N_("Rejected"), "bad"),
    "pending": State("Waits for approval", "warn"),
}


@dataclass(frozen=True)
class Voice:
    """An approver and their answer: `pending`, `approve` or `reject`."""

    name: str
    answer: str
    message: str
    group: bool


@dataclass(frozen=True)
class Approval:
    """One question.

    `mine`: the participant may answer and the question is open. `answered`: they have approved already, so they can
    only reject.
    """

    name: str
    namespace: str
    question: str
    state: State
    required: int
    received: int
    voices: tuple[Voice, ...]
    mine: bool
    answered: bool
    command: str


def approval(store: Store, custom_run: Object, user: User) -> Approval | None:
    """The question that a CustomRun waits for: the ApprovalTask of its name, or that it owns."""
    found = _of(store, custom_run)
    return _approval(found, user) if found else None


def pending(store: Store, custom_runs: Iterable[Object]) -> frozenset[str]:
    """The names of the CustomRuns that wait for an answer."""
    asked = ((run["metadata"]["name"], _of(store, run)) for run in custom_runs if _is_approval(run))
    return frozenset(name for name, found in asked if found and _state(found).mark == "warn")


def answer(store: Store, namespace: str, name: str, word: str, message: str, user: User) -> None:
    """Write the participant's answer, as `oc patch` would.

    Where the participant is asked by name and as a member, both get the answer; one that has it already stays as it is.
    Raises NotFound, BadRequest (an unknown word, a message that is too long, the webhook's refusals), Conflict.
    """
    if word not in ANSWERS:
        raise BadRequest(f'the answer "{word}" is none; allowed are {" and ".join(ANSWERS)}')
    if len(message) > LONGEST:
        raise BadRequest(f"the message has {len(message)} characters; {LONGEST} are allowed")
    kind = built_in("ApprovalTask")
    old = store.get(kind, namespace, name)
    new = store.get(kind, namespace, name)
    spec: dict[str, Any] = new.setdefault("spec", {})
    mine = [one for one in spec.get("approvers") or [] if _asks(user, one)]
    if mine and all(_mine_is(one, user.name, word) for one in mine):
        raise BadRequest(f"{user.name} has this answer already")
    for one in mine:
        if _mine_is(one, user.name, word):
            continue
        if one.get("type") == "Group":
            one["users"] = _with_mine(one, user.name, word)
        one["input"] = word
        if message:
            one["message"] = message
    admitted = admit(kind, new, old)
    check_answer(user, admitted, old)
    store.update(kind, admitted)


def _approval(obj: Object, user: User) -> Approval:
    meta, spec, status = obj["metadata"], obj.get("spec") or {}, status_of(obj)
    approvers = spec.get("approvers") or []
    state = _state(obj)
    mine = [one for one in approvers if _asks(user, one)]
    voices = tuple(
        Voice(str(one.get("name")), str(one.get("input") or "pending"), str(one.get("message") or ""),
              one.get("type") == "Group")
        for one in approvers
    )  # fmt: skip
    return Approval(
        name=str(meta["name"]),
        namespace=str(meta.get("namespace") or ""),
        question=str(spec.get("description") or ""),
        state=state,
        required=int(spec.get("numberOfApprovalsRequired") or 1),
        received=int(status.get("approvalsReceived") or sum(voice.answer == "approve" for voice in voices)),
        voices=voices,
        mine=state.mark == "warn" and bool(mine),
        answered=all(_mine_is(one, user.name, "approve") for one in mine),
        command=_command(obj, user),
    )


def _of(store: Store, custom_run: Object) -> Object | None:
    meta, kind = custom_run["metadata"], built_in("ApprovalTask")
    named = store.find(kind, meta.get("namespace", ""), meta["name"])
    owned = (record.object() for record in store.dependents(meta.get("uid", "")) if record.kind.kind == kind.kind)
    return named or next(owned, None)


def _state(obj: Object) -> State:
    return _STATES.get(str(status_of(obj).get("state") or "pending"), _STATES["pending"])


def _command(obj: Object, user: User) -> str:
    """The approval as an `oc patch`, which needs no plug-in of tkn."""
    meta = obj["metadata"]
    changes: list[Object] = []
    for index, one in enumerate((obj.get("spec") or {}).get("approvers") or []):
        if _asks(user, one) and not _mine_is(one, user.name, "approve"):
            at = f"/spec/approvers/{index}"
            if one.get("type") == "Group":
                changes.append({"op": "add", "path": f"{at}/users", "value": _with_mine(one, user.name, "approve")})
            changes.append({"op": "replace", "path": f"{at}/input", "value": "approve"})
    words = ["oc", "patch", "approvaltask", meta["name"], "-n", meta.get("namespace", ""), "--type", "json"]
    # A message or a name in it may have quotes.
    return shlex.join([*words, "-p", json.dumps(changes)])


def _with_mine(group: Object, user: str, word: str) -> list[Object]:
    """The answers of a group's members with the participant's among them."""
    others = [member for member in group.get("users") or [] if member.get("name") != user]
    return [*others, {"name": user, "input": word}]


def _asks(user: User, approver: Object) -> bool:
    return asks(user, convert(approver, Approver))


def _mine_is(approver: Object, user: str, word: str) -> bool:
    """Whether an entry that asks the participant holds this answer of theirs."""
    if approver.get("type") != "Group":
        return bool(approver.get("input") == word)
    return any(member.get("name") == user and member.get("input") == word for member in approver.get("users") or [])


def _is_approval(custom_run: Object) -> bool:
    spec = custom_run.get("spec") or {}
    asked = spec.get("customRef") or spec.get("customSpec") or {}
    return asked.get("kind") == "ApprovalTask"
