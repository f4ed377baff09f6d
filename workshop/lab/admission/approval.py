"""The rules of the approval gate's webhook: who may give which answer, and when.

Messages are the webhook's (manual-approval-gate 0.9, `pkg/reconciler/webhook`). The identity of an approval (name,
quorum, approvers) is immutable. A user may change their own answer alone, whatever the roles grant.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from workshop.lab.api_errors import BadRequest
from workshop.lab.identity.users import User
from workshop.manifests.approval import ApprovalTask, Approver
from workshop.manifests.objects import Object

_WEBHOOK = 'admission webhook "validation.webhook.manual-approval.openshift-pipelines.org" denied the request: '


def admit_approval(new: Object, old: Object | None) -> Object:
    """Check an approval; a new one has no answers. Raises BadRequest."""
    task = _decode(new)
    _check(task)
    if old is None:
        _check_pending(task)
    return new


def check_answer(user: User, new: Object, old: Object) -> None:
    """Check that a change of an approval is an answer that the user may give. Raises BadRequest."""
    if old.get("spec") == new.get("spec"):
        return
    before, task = _decode(old), _decode(new)
    if (before.status and before.status.state != "pending") or approved_by(before.spec.approvers) >= (
        before.spec.number_of_approvals_required
    ):
        raise _denied("ApprovalTask has already reached its final state")
    if not any(asks(user, one) for one in before.spec.approvers):
        raise _denied("User does not exist in the approval list")
    _only_own(user, before, task)


def asks(user: User, approver: Approver) -> bool:
    """Whether an approver is the user, a group of theirs, or a group that names them as a member."""
    if approver.type == "Group":
        return approver.name in user.groups or any(member.name == user.name for member in approver.users)
    return approver.name == user.name


def approved_by(approvers: Sequence[Approver]) -> int:
    """How many people approved; a person who is listed twice counts once."""
    people: set[str] = set()
    for one in approvers:
        if one.input == "approve":
            is_group = one.type == "Group"
            people |= {user.name for user in one.users if user.input == "approve"} if is_group else {one.name}
    return len(people)


def _only_own(user: User, before: ApprovalTask, after: ApprovalTask) -> None:
    """Raise BadRequest unless only the user's own answers changed."""
    old, new = before.spec, after.spec
    same = [(a.name, a.type or "User") for a in old.approvers] == [
        (a.name, a.type or "User") for a in new.approvers
    ] and old.number_of_approvals_required == new.number_of_approvals_required
    if not same:
        raise _denied("User can only update their own approval input")
    changed = [(a, b) for a, b in zip(old.approvers, new.approvers, strict=True) if a != b]
    for was, now in changed:
        if not asks(user, was):
            raise _denied("User can only update their own approval input")
        if was.input == "approve" and now.input == "approve" and was.type != "Group":
            raise _denied("User has already approved")
        if was.input != now.input and now.input not in ("approve", "reject"):
            raise _denied(
                f"Invalid input change: invalid input value: '{now.input}'. Supported values are 'approve' or 'reject'"
            )
        if now.type == "Group":
            _own_member(user, was, now)


def _own_member(user: User, was: Approver, now: Approver) -> None:
    before = {member.name: member.input for member in was.users}
    after = {member.name: member.input for member in now.users}
    for name in before.keys() | after.keys():
        if before.get(name) != after.get(name) and name != user.name:
            raise _denied("User can only update their own approval input")


def _check(task: ApprovalTask) -> None:
    spec = task.spec
    if spec.number_of_approvals_required < 1:
        raise _invalid(f"numberOfApprovalsRequired: must be greater than 0, got {spec.number_of_approvals_required}")
    if not spec.approvers:
        raise _invalid("approvers: required field is missing")
    seen: dict[tuple[str, str], int] = {}
    for index, one in enumerate(spec.approvers):
        where, type_ = f"approvers[{index}]", one.type or "User"
        label = "group name" if type_ == "Group" else "username"
        if not one.name.strip():
            raise _invalid(f"{where}.name: {label} cannot be empty")
        if type_ == "User" and one.name.startswith("group:"):
            raise _invalid(
                f"{where}.name: username cannot start with 'group:' prefix - use type: Group for group approvers"
            )
        if type_ == "Group" and (" " in one.name or ":" in one.name):
            raise _invalid(f"{where}.name: group name cannot contain {'spaces' if ' ' in one.name else 'colons'}")
        if (type_, one.name) in seen:
            raise _invalid(
                f"{where}.name: duplicate approver '{one.name}' (also found at approvers[{seen[type_, one.name]}])"
            )
        seen[type_, one.name] = index


def _check_pending(task: ApprovalTask) -> None:
    for index, one in enumerate(task.spec.approvers):
        if one.input != "pending":
            raise _denied(
                f"validation failed: approvers[{index}].input: must be 'pending' for new ApprovalTask, got "
                f"'{one.input}'"
            )
        for number, user in enumerate(one.users):
            if user.input != "pending":
                raise _denied(
                    f"validation failed: approvers[{index}].users[{number}].input: must be 'pending' for new "
                    f"ApprovalTask, got '{user.input}'"
                )


def _invalid(why: str) -> BadRequest:
    return _denied(f"validation failed: spec validation failed: {why}")


def _decode(obj: Object) -> ApprovalTask:
    try:
        return msgspec.convert(obj, ApprovalTask)
    except msgspec.ValidationError as e:
        raise _denied(f"cannot decode incoming new object: {e}") from e


def _denied(why: str) -> BadRequest:
    return BadRequest(_WEBHOOK + why)
