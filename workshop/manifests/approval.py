"""`openshift-pipelines.org/v1alpha1`: the ApprovalTask of the manual approval gate 0.9.

A pipeline asks for an approval by a task whose `taskRef` has this apiVersion and kind; the controller then makes the
ApprovalTask, in which approvers put their answer. One that is applied by hand is only a record: nothing waits for it.
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
    """Who may answer, and what they said."""

    name: Annotated[str, Meta(description="The name of a user or of a group.")]
    input: Annotated[Answer, Meta(description="pending until the approver writes approve or reject.")]
    message: Annotated[str, Meta(description="Why; shown beside the answer.")] = ""
    type: Annotated[Literal["User", "Group", ""], Meta(description="User (the default) or Group.")] = ""
    users: Annotated[list[GroupMember], Meta(description="The members of a group that have answered.")] = []


class ApprovalTaskSpec(Typed, frozen=True, kw_only=True):
    """Who is asked, and how many must agree."""

    approvers: list[Approver]
    number_of_approvals_required: int
    description: str = ""


class MemberResponse(Typed, frozen=True, kw_only=True):
    """What one member of a group has decided."""

    name: str
    response: Outcome
    message: str = ""


class Response(Typed, frozen=True, kw_only=True):
    """What one approver has decided."""

    name: str
    response: Outcome
    message: str = ""
    type: str = "User"
    group_members: list[MemberResponse] = []


class ApprovalTaskStatus(Typed, frozen=True, kw_only=True):
    """Where the approval stands."""

    state: Outcome = "pending"
    approvers: list[str] = []
    approvals_required: int = 0
    approvals_received: int = 0
    approvers_response: list[Response] = []
    start_time: Time | None = None
    conditions: Conditions | None = None
    observed_generation: int | None = None


class ApprovalTask(Resource, frozen=True, kw_only=True):
    """A question to people that a PipelineRun waits for."""

    spec: ApprovalTaskSpec
    status: ApprovalTaskStatus | None = None
