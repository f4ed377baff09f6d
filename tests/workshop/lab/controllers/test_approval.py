"""The approval gate: who may answer, the effect of the answers, and the status of the CustomRun."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest

from workshop.cli import parser
from workshop.cluster.client import Client
from workshop.commands import approve as command
from workshop.errors import UsageError
from workshop.lab.admission import admit
from workshop.lab.admission.approval import check_answer
from workshop.lab.api_errors import BadRequest
from workshop.lab.controllers.approval.reconcile import Approvals
from workshop.lab.controllers.tekton.pipelinerun import PipelineRuns
from workshop.lab.identity.users import User, person
from workshop.lab.kinds import built_in
from workshop.lab.paths import LabPaths
from workshop.lab.store import Store
from workshop.lab.target import LabTarget
from workshop.manifests import jsonpatch
from workshop.manifests.objects import Object

TASKS, RUNS = built_in("ApprovalTask"), built_in("CustomRun")
NS, NAME = "user1-production", "promote-1-approve"
USER1, KUBE_ADMIN = person("user1", "mlops-workshop"), person("kube:admin")


class Gate:
    """A store with one approval that a CustomRun asks for."""

    def __init__(self, approvers: Any = ("user1",), required: str = "1", timeout: str = "", **spec: Any) -> None:
        self.store = Store()
        self.store.create(built_in("Namespace"), {"metadata": {"name": NS}})
        params = [
            {"name": "approvers", "value": list(approvers)},
            {"name": "numberOfApprovalsRequired", "value": required},
            {"name": "description", "value": "Take it to production?"},
        ]
        body = {
            "customRef": {"apiVersion": "openshift-pipelines.org/v1alpha1", "kind": "ApprovalTask"},
            "params": params,
            **({"timeout": timeout} if timeout else {}),
            **spec,
        }
        labels = {"tekton.dev/pipelineRun": "promote-1", "tekton.dev/pipelineTask": "approve"}
        self.store.create(
            RUNS,
            {
                "apiVersion": "tekton.dev/v1beta1",
                "kind": "CustomRun",
                "metadata": {"name": NAME, "namespace": NS, "labels": labels},
                "spec": body,
            },
        )
        self.controller = Approvals(self.store)

    def reconcile(self) -> float | None:
        return asyncio.run(self.controller.reconcile(NS, NAME))

    @property
    def task(self) -> Object:
        return self.store.get(TASKS, NS, NAME)

    @property
    def condition(self) -> dict[str, Any]:
        (found,) = self.store.get(RUNS, NS, NAME)["status"]["conditions"]
        return dict(found)

    def answer(self, index: int, user: User = USER1, **fields: Any) -> None:
        """Patch one approver as a user's `oc patch` does, admission included."""
        old = self.task
        new = copy.deepcopy(old)
        new["spec"]["approvers"][index].update(fields)
        admitted = admit(TASKS, new, old)
        check_answer(user, admitted, old)
        self.store.update(TASKS, admitted)
        self.reconcile()


def test_a_custom_run_asks_and_waits() -> None:
    gate = Gate(["user1", "group:mlops-workshop", "user1"])
    left = gate.reconcile()
    assert left is not None
    assert 3500 < left <= 3600
    assert gate.task["spec"] == {
        "approvers": [
            {"name": "user1", "input": "pending", "type": "User"},
            {"name": "mlops-workshop", "input": "pending", "type": "Group"},
        ],
        "numberOfApprovalsRequired": 1,
        "description": "Take it to production?",
    }
    assert gate.task["status"]["state"] == "pending"
    assert gate.task["status"]["approvers"] == ["user1", "mlops-workshop"]
    assert gate.task["metadata"]["ownerReferences"][0]["kind"] == "CustomRun"
    assert gate.task["metadata"]["labels"]["tekton.dev/pipelineRun"] == "promote-1"
    assert (gate.condition["status"], gate.condition["reason"]) == ("Unknown", "Running")


def test_an_approval_lets_the_run_succeed() -> None:
    gate = Gate()
    gate.reconcile()
    gate.answer(0, input="approve", message="looks good")
    assert gate.task["status"]["state"] == "approved"
    assert gate.task["status"]["approvalsReceived"] == 1
    assert gate.task["status"]["approversResponse"] == [
        {"name": "user1", "type": "User", "response": "approved", "message": "looks good"}
    ]
    assert (gate.condition["status"], gate.condition["reason"]) == ("True", "Succeeded")
    assert gate.store.get(RUNS, NS, NAME)["status"]["completionTime"]


def test_one_rejection_fails_the_run_regardless_of_approvals() -> None:
    gate = Gate(["user1", "kube:admin", "somebody"], "2")
    gate.reconcile()
    gate.answer(0, input="approve")
    assert gate.condition["status"] == "Unknown"
    gate.answer(1, KUBE_ADMIN, input="reject", message="not on a Friday")
    assert gate.task["status"]["state"] == "rejected"
    assert (gate.condition["status"], gate.condition["reason"]) == ("False", "Failed")
    assert gate.condition["message"] == "Approval Task denied"


def test_the_quorum_counts_people() -> None:
    gate = Gate(["user1", "kube:admin"], "2")
    gate.reconcile()
    gate.answer(0, input="approve")
    assert (gate.task["status"]["state"], gate.task["status"]["approvalsReceived"]) == ("pending", 1)
    gate.answer(1, KUBE_ADMIN, input="approve")
    assert gate.task["status"]["state"] == "approved"


def test_an_approver_who_is_listed_twice_counts_once() -> None:
    gate = Gate(["user1", "group:mlops-workshop"], "2")
    gate.reconcile()
    gate.answer(0, input="approve")
    gate.answer(1, input="approve", users=[{"name": "user1", "input": "approve"}])
    assert (gate.task["status"]["state"], gate.task["status"]["approvalsReceived"]) == ("pending", 1)


def test_a_member_answers_for_a_group() -> None:
    gate = Gate(["group:mlops-workshop"])
    gate.reconcile()
    gate.answer(0, input="approve", users=[{"name": "user1", "input": "approve"}], message="ok")
    assert gate.task["status"]["state"] == "approved"
    assert gate.task["status"]["approversResponse"] == [
        {
            "name": "mlops-workshop",
            "type": "Group",
            "response": "approved",
            "message": "ok",
            "groupMembers": [{"name": "user1", "response": "approved", "message": "ok"}],
        }
    ]


def test_no_decision_in_time_rejects() -> None:
    gate = Gate(timeout="1s")
    gate.reconcile()
    run = gate.store.get(RUNS, NS, NAME)
    gate.store.update_status(RUNS, {**run, "status": {**run["status"], "startTime": "2020-01-01T00:00:00Z"}})
    assert gate.reconcile() is None
    assert gate.task["status"]["state"] == "rejected"
    assert gate.condition["status"] == "False"
    assert gate.condition["message"] == f"Approval task {NAME} is failed because of timeout"


def test_a_timeout_of_zero_waits_for_ever() -> None:
    gate = Gate(timeout="0s")
    assert gate.reconcile() is None
    assert gate.condition["status"] == "Unknown"


def test_a_cancelled_run_ends() -> None:
    gate = Gate()
    gate.reconcile()
    run = gate.store.get(RUNS, NS, NAME)
    gate.store.update(RUNS, {**run, "spec": {**run["spec"], "status": "RunCancelled"}})
    gate.reconcile()
    assert (gate.condition["status"], gate.condition["reason"]) == ("False", "CustomRunCancelled")


@pytest.mark.parametrize(
    ("approvers", "required", "message"),
    [
        ([], "1", "approvers: required field is missing"),
        (["user1"], "0", "numberOfApprovalsRequired: must be greater than 0, got 0"),
        (["user1"], "many", "numberOfApprovalsRequired: 'many' is no number"),
    ],
)
def test_parameters_without_an_approver_fail_the_run(approvers: list[str], required: str, message: str) -> None:
    gate = Gate(approvers, required)
    gate.reconcile()
    assert gate.condition["reason"] == "ApprovalTaskValidationFailed"
    assert message in gate.condition["message"]


def test_a_restart_changes_nothing() -> None:
    gate = Gate()
    gate.reconcile()
    before = gate.store.version
    gate.controller = Approvals(gate.store)
    gate.reconcile()
    assert gate.store.version == before


def test_another_custom_task_is_left_alone() -> None:
    gate = Gate(customRef={"apiVersion": "example.dev/v1", "kind": "Other"})
    assert gate.reconcile() is None
    assert gate.store.find(TASKS, NS, NAME) is None


@pytest.mark.parametrize(
    ("approvers", "index", "fields", "why"),
    [
        (["somebody"], 0, {"input": "approve"}, "User does not exist in the approval list"),
        (["user1", "somebody"], 1, {"input": "approve"}, "User can only update their own approval input"),
        (["user1", "group:others"], 1, {"input": "approve"}, "User can only update their own approval input"),
        (
            ["group:mlops-workshop"],
            0,
            {"input": "approve", "users": [{"name": "eve", "input": "approve"}]},
            "User can only update their own approval input",
        ),
        (["user1"], 0, {"name": "somebody"}, "User can only update their own approval input"),
        (["user1"], 0, {"input": "yes"}, "cannot decode incoming new object"),
    ],
)
def test_an_answer_for_somebody_else_is_refused(
    approvers: list[str], index: int, fields: dict[str, Any], why: str
) -> None:
    gate = Gate(approvers)
    gate.reconcile()
    with pytest.raises(BadRequest, match=why):
        gate.answer(index, **fields)
    assert gate.task["status"]["state"] == "pending"


def test_a_decision_is_final() -> None:
    gate = Gate()
    gate.reconcile()
    gate.answer(0, input="approve")
    with pytest.raises(BadRequest, match="has already reached its final state"):
        gate.answer(0, input="reject")


def test_an_approval_is_not_born_approved() -> None:
    gate = Gate()
    gate.reconcile()
    obj = {**gate.task, "metadata": {"name": "other", "namespace": NS}}
    obj["spec"] = {**obj["spec"], "approvers": [{"name": "user1", "input": "approve", "type": "User"}]}
    with pytest.raises(BadRequest, match="must be 'pending' for new ApprovalTask, got 'approve'"):
        admit(TASKS, obj, None)


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        ("approve", "True", "Succeeded"),
        ("reject", "False", "Failed"),
    ],
)
def test_a_pipeline_run_ends_as_the_answer_says(answer: str, status: str, reason: str) -> None:
    store = Store()
    store.create(built_in("Namespace"), {"metadata": {"name": NS}})
    ask = {
        "name": "approve",
        "taskRef": {"apiVersion": "openshift-pipelines.org/v1alpha1", "kind": "ApprovalTask"},
        "params": [{"name": "approvers", "value": ["$(params.approvers[*])"]}],
    }
    run: Object = {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": "promote-1", "namespace": NS},
        "spec": {
            "pipelineSpec": {"params": [{"name": "approvers", "type": "array", "default": ["user1"]}], "tasks": [ask]}
        },
    }
    runs = built_in("PipelineRun")
    store.create(runs, admit(runs, run, None))
    pipelines, approvals = PipelineRuns(store), Approvals(store)

    async def both() -> None:
        await pipelines.reconcile(NS, "promote-1")
        await approvals.reconcile(NS, NAME)

    asyncio.run(both())
    old = store.get(TASKS, NS, NAME)
    new = copy.deepcopy(old)
    new["spec"]["approvers"][0]["input"] = answer
    store.update(TASKS, admit(TASKS, new, old))
    for _ in range(3):
        asyncio.run(approvals.reconcile(NS, NAME))
        asyncio.run(pipelines.reconcile(NS, "promote-1"))
    (condition,) = store.get(runs, NS, "promote-1")["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == (status, reason)


class FakeServer:
    """What the command needs of a client, over the store and with admission."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.http = self

    def request(self, *_: Any, **__: Any) -> Object:
        return {"status": {"userInfo": {"username": "user1", "groups": ["mlops-workshop"]}}}

    def list(self, kind: str, namespace: str) -> list[Object]:
        return self.gate.store.objects(TASKS, namespace)

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        return self.gate.store.find(TASKS, namespace, name)

    def get(self, kind: str, namespace: str, name: str) -> Object:
        return self.gate.store.get(TASKS, namespace, name)

    def patch(self, kind: str, namespace: str, name: str, change: Any, how: str) -> None:
        old = self.gate.task
        new = admit(TASKS, jsonpatch.apply(old, change), old)
        check_answer(USER1, new, old)
        self.gate.store.update(TASKS, new)
        self.gate.reconcile()


def _approve(gate: Gate, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, *words: str) -> int:
    (tmp_path / "kubeconfig").write_text("")
    monkeypatch.setenv("WORKSHOP_STATE", str(tmp_path))
    monkeypatch.setattr(Client, "load", lambda *_: FakeServer(gate))
    return command.approve(parser().parse_args(["approve", *words]), LabTarget(LabPaths(tmp_path)))


def test_the_command_answers_the_one_that_waits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = Gate(["group:mlops-workshop"])
    gate.reconcile()
    assert _approve(gate, monkeypatch, tmp_path, "-m", "fine") == 0
    assert gate.task["status"]["state"] == "approved"
    assert f"{NAME}: approved, 1 of 1 approvals" in capsys.readouterr().out


def test_the_command_rejects_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    gate = Gate(["user1", "somebody"], "2")
    gate.reconcile()
    _approve(gate, monkeypatch, tmp_path, NAME, "--reject", "-m", "no")
    assert gate.task["status"]["approversResponse"][0]["message"] == "no"
    assert gate.condition["status"] == "False"


def test_the_command_names_the_approvers_who_may_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    gate = Gate(["somebody"])
    gate.reconcile()
    with pytest.raises(UsageError, match=r"user1 is not asked in promote-1-approve; asked are somebody"):
        _approve(gate, monkeypatch, tmp_path)


def test_the_command_says_what_an_answer_that_is_there_has_led_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = Gate(["user1", "somebody"], "2")
    gate.reconcile()
    _approve(gate, monkeypatch, tmp_path, NAME)
    with pytest.raises(UsageError, match=f"{NAME} has this answer of user1 already") as waits:
        _approve(gate, monkeypatch, tmp_path, NAME)
    assert waits.value.hint == "it waits for others: somebody"
    one = Gate(["user1"])
    one.reconcile()
    _approve(one, monkeypatch, tmp_path, NAME)
    assert _approve(one, monkeypatch, tmp_path, NAME) == 0
    assert "it was approved before, by user1" in capsys.readouterr().out
