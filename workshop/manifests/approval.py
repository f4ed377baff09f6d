"""`openshift-pipelines.org/v1alpha1`: the ApprovalTask of the manual approval gate 0.9.

A Pipeline requests an approval with a task whose `taskRef` has this apiVersion and kind. The controller then creates
the ApprovalTask, to which approvers write their answer. An ApprovalTask that is applied by hand has no effect.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from workshop.manifests.meta import Conditions, Resource, Time, Typed

Answer = Literal["pending", "approve", "reject"]
Outcome = Literal["pending", "approved", "rejected"]

API_VERSION = "openshift-pipelines.org/v1alpha1"
KIND = "ApprovalTask"


class GroupMember(Typed, frozen=True, kw_only=True):
    """The answer of one member of a group."""

    name: str
    input: Answer


class Approver(Typed, frozen=True, kw_only=True):
    """An approver and the answer."""

    name: Annotated[str, Meta(description="The name of a user or of a group.")]
    input: Annotated[Answer, Meta(description="pending until the approver writes approve or reject.")]
    message: Annotated[str, Meta(description="The reason; shown with the answer.")] = ""
    type: Annotated[Literal["User", "Group", ""], Meta(description="User (the default) or Group.")] = ""
    users: Annotated[list[GroupMember], Meta(description="The members of a group that have answered.")] = []


class ApprovalTaskSpec(Typed, frozen=True, kw_only=True):
    """The approvers, and the number of approvals that are required."""

    approvers: list[Approver]
    number_of_approvals_required: int
    description: str = ""


class MemberResponse(Typed, frozen=True, kw_only=True):
    """The decision of one member of a group."""

    name: str
    response: Outcome
    message: str = ""


class Response(Typed, frozen=True, kw_only=True):
    """The decision of one approver."""

    name: str
    response: Outcome
    message: str = ""
    type: str = "User"
    group_members: list[MemberResponse] = []


class ApprovalTaskStatus(Typed, frozen=True, kw_only=True):
    """The state of the approval."""

    state: Outcome = "pending"
    approvers: list[str] = []
    approvals_required: int = 0
    approvals_received: int = 0
    approvers_response: list[Response] = []
    start_time: Time | None = None
    conditions: Conditions | None = None
    observed_generation: int | None = None


class ApprovalTask(Resource, frozen=True, kw_only=True):
    """A request for an approval, for which a PipelineRun waits."""

    spec: ApprovalTaskSpec
    status: ApprovalTaskStatus | None = None
