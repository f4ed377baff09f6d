"""The page of a task that waits for an approval: the question, the answer and its refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.workshop.lab.pages.fixtures import HERE, TOKEN, browser, lab_of, log_in, pipeline_run
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.pages.auth import TokenGate
from workshop.lab.pages.routes import routes
from workshop.manifests.objects import Object

ME = {"name": "user1", "type": "User", "input": "pending"}
US = {"name": "mlops-workshop", "type": "Group", "input": "pending"}
OTHER = {"name": "somebody", "type": "User", "input": "pending"}
URL = "/approvals/user1-dev/promote-approve"


def _asked(about: Lab, *approvers: Object, state: str = "pending", required: int = 1) -> None:
    """A PipelineRun whose task `approve` waits."""
    ref = {"apiVersion": "openshift-pipelines.org/v1alpha1", "kind": "ApprovalTask"}
    run = pipeline_run(about.store, "promote", [{"name": "approve", "taskRef": ref}])
    meta: Object = {
        "name": "promote-approve",
        "namespace": "user1-dev",
        "labels": {"tekton.dev/pipelineRun": "promote", "tekton.dev/pipelineTask": "approve"},
        "ownerReferences": [{"kind": "PipelineRun", "name": "promote", "uid": run["metadata"]["uid"]}],
    }
    kind = built_in("CustomRun")
    made = about.store.create(kind, {"metadata": meta, "spec": {"customRef": ref}})
    running = {"type": "Succeeded", "status": "Unknown", "reason": "Running"}
    about.store.update_status(kind, {**made, "status": {"conditions": [running]}})
    task = built_in("ApprovalTask")
    spec = {"approvers": list(approvers), "numberOfApprovalsRequired": required, "description": "Does <it> go?"}
    asked = about.store.create(task, {"metadata": {"name": "promote-approve", "namespace": "user1-dev"}, "spec": spec})
    about.store.update_status(task, {**asked, "status": {"state": state, "approvalsRequired": 1}})


def _approvers(about: Lab) -> Any:
    return about.store.get(built_in("ApprovalTask"), "user1-dev", "promote-approve")["spec"]["approvers"]


def test_a_run_that_waits_opens_with_the_question_and_both_buttons(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    _asked(about, ME, OTHER)
    page = browser(about).get("/runs/user1-dev/promote").text
    assert "Does &lt;it&gt; go?" in page and f'data-approval="{URL}"' in page
    assert 'value="approve"' in page and 'value="reject"' in page and 'id="message"' in page
    assert "oc patch approvaltask promote-approve" in page
    for path in ("/runs", "/"):
        assert "Waits for approval" in browser(about).get(path).text


@pytest.mark.parametrize("word", ["approve", "reject"])
def test_an_answer_is_written_with_its_message_and_only_as_oneself(tmp_path: Path, word: str) -> None:
    about = lab_of(tmp_path)
    _asked(about, ME, OTHER)
    answer = browser(about).post(URL, json={"answer": word, "message": " numbers are fine "})
    assert answer.status_code == 204
    assert _approvers(about) == [{**ME, "input": word, "message": "numbers are fine"}, OTHER]


def test_a_group_gets_the_answer_of_its_member(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    _asked(about, {**US, "users": [{"name": "user9", "input": "approve"}]})
    assert browser(about).post(URL, json={"answer": "approve"}).status_code == 204
    (group,) = _approvers(about)
    assert group["input"] == "approve"
    assert group["users"] == [{"name": "user9", "input": "approve"}, {"name": "user1", "input": "approve"}]


def test_an_approver_can_only_reject_until_the_others_have_answered(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    _asked(about, ME, US, OTHER, required=2)
    client = browser(about)
    assert client.post(URL, json={"answer": "approve"}).status_code == 204
    page = client.get("/runs/user1-dev/promote").text
    assert 'value="approve"' not in page and 'value="reject"' in page
    assert "You have approved" in page and "oc patch" not in page.partition('id="times"')[0]
    again = client.post(URL, json={"answer": "approve", "message": "once more"})
    assert (again.status_code, again.json()["error"]) == (400, "user1 has this answer already")
    assert client.post(URL, json={"answer": "reject"}).status_code == 204
    assert [one["input"] for one in _approvers(about)] == ["reject", "reject", "pending"]


def test_an_approver_who_is_also_a_group_member_answers_for_the_group_with_a_message(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    _asked(about, {**ME, "input": "approve"}, US, required=2)
    page = browser(about).get("/runs/user1-dev/promote").text
    assert "/spec/approvers/0/" not in page and "/spec/approvers/1/" in page
    assert browser(about).post(URL, json={"answer": "approve", "message": "fine"}).status_code == 204
    assert [one.get("message") for one in _approvers(about)] == [None, "fine"]


def test_a_user_who_is_no_approver_has_no_buttons_and_gets_the_webhooks_message(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    _asked(about, OTHER)
    assert "data-approval" not in browser(about).get("/runs/user1-dev/promote").text
    assert _approvers(about) == [OTHER]


def test_a_question_that_is_decided_takes_no_answer(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    _asked(about, ME, state="rejected")
    assert "data-approval" not in browser(about).get("/runs/user1-dev/promote").text
    answer = browser(about).post(URL, json={"answer": "approve"})
    assert answer.status_code == 400 and "has already reached its final state" in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"answer": "maybe"}, 400, "allowed are approve and reject"),
        ({"answer": "approve", "message": "x" * 1001}, 400, "1000 are allowed"),
        ({"message": "x"}, 400, "answer"),
        ({"answer": "approve", "message": "x" * 9000}, 413, "8192"),
    ],
)
def test_an_invalid_answer_is_refused(tmp_path: Path, body: Any, status: int, word: str) -> None:
    about = lab_of(tmp_path)
    _asked(about, ME)
    answer = browser(about).post(URL, json=body)
    assert answer.status_code == status and word in answer.json()["error"]
    assert _approvers(about) == [ME]


def test_a_missing_approval_is_explained(tmp_path: Path) -> None:
    answer = browser(lab_of(tmp_path)).post(URL, json={"answer": "approve"})
    assert answer.status_code == 404 and "not found" in answer.json()["error"]


def test_another_sites_page_cannot_answer_with_the_cookie(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    _asked(about, ME)
    client = TestClient(TokenGate(Starlette(routes=routes(about)), TOKEN), base_url=HERE)
    log_in(client)

    def status(**headers: str) -> int:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return int(client.post(URL, json={"answer": "approve"}, headers=named).status_code)

    assert status(origin="http://evil.example") == 403
    assert status(sec_fetch_site="cross-site") == 403
    assert _approvers(about) == [ME]
    assert status(origin=HERE) == 204
