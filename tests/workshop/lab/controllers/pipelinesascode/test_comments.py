"""The lab's part of Gitea's API, and what comments on merge requests start."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.workshop.lab.controllers.pipelinesascode.conftest import ADDRESS, CONSOLE, TOKEN, Bench
from tests.workshop.lab.controllers.pipelinesascode.test_pushes import P, folder, pipeline_run, request, values

API = "/api/v1/repos/user1/mlops-workshop"
COMMENTS = f"{API}/issues/1/comments"


def client(bench: Bench, token: str = TOKEN) -> TestClient:
    headers = {"Authorization": f"token {token}"} if token else {}
    return TestClient(bench.server.app, base_url=ADDRESS, headers=headers, follow_redirects=False)


def write(bench: Bench, body: str) -> dict[str, Any]:
    answer = client(bench).post(COMMENTS, json={"body": body})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_comment_is_written_listed_and_replaced(bench: Bench) -> None:
    request(bench)
    made = write(bench, "RMSE 1.2")
    assert (made["id"], made["user"]) == (1001, {"login": "token"})
    assert client(bench).patch(f"{API}/issues/comments/1001", json={"body": "RMSE 1.1"}).status_code == 200
    assert [one["body"] for one in client(bench, "").get(COMMENTS).json()] == ["RMSE 1.1"]
    write(bench, "Good")
    assert [one.body for one in bench.requests()[0].comments] == ["RMSE 1.1", "Good"]


def test_a_comment_starts_the_runs_that_wait_for_it(bench: Bench) -> None:
    bench.apply()
    deploy = pipeline_run("deploy", params='- {name: said, value: "{{ trigger_comment }} {{ event_type }}"}')
    more = f"{P}on-comment: ^/deploy"
    deploy = deploy.replace(f'{P}on-event: "[push]"', more).replace(f'{P}on-target-branch: "[main]"', "")
    bench.commit(**folder(deploy=deploy))
    bench.push("main")
    request(bench)
    write(bench, "Looks good")
    assert bench.runs() == []
    made = write(bench, "/deploy staging")
    (run,) = bench.runs()
    assert values(run)["said"] == "/deploy staging on-comment"
    client(bench).patch(f"{API}/issues/comments/{made['id']}", json={"body": "/deploy production"})
    assert len(bench.runs()) == 1, "an edited comment starts nothing"


def test_commands_test_again_and_cancel(bench: Bench) -> None:
    bench.apply()
    bench.commit(**folder(a=pipeline_run("a", "pull_request"), b=pipeline_run("b", "pull_request")))
    bench.push("main")
    _, (one, two) = request(bench)
    bench.end(one)
    bench.end(two, "False", "Failed")
    write(bench, "/retest")
    assert len(bench.runs()) == 3, "the one that succeeded does not run again"
    write(bench, "/test a")
    assert len(bench.runs()) == 4
    write(bench, "/cancel a")
    assert [str(run["spec"].get("status")) for run in bench.runs()].count("CancelledRunFinally") == 1
    write(bench, "/cancel")
    assert [str(run["spec"].get("status")) for run in bench.runs()].count("CancelledRunFinally") == 2
    write(bench, "/test")
    assert len(bench.runs()) == 6


def test_statuses_and_merge_requests_can_be_read(bench: Bench) -> None:
    sha, _ = request(bench)
    status = {"state": "success", "context": "lint", "description": "fine", "target_url": CONSOLE}
    assert client(bench).post(f"{API}/statuses/{sha}", json=status).status_code == 201
    (found,) = client(bench, "").get(f"{API}/commits/{sha}/statuses").json()
    assert (found["status"], found["context"], found["description"]) == ("success", "lint", "fine")
    (pull,) = client(bench, "").get(f"{API}/pulls").json()
    assert (pull["number"], pull["state"], pull["head"]) == (1, "open", {"ref": "more-trees", "sha": sha})
    assert client(bench).get(f"{API}/pulls/1").json() == pull
    assert client(bench).get(f"{API}/pulls?state=closed").json() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "token", "status"),
    [
        ("POST", "issues/1/comments", {"body": "a"}, "", 401),
        ("POST", "issues/1/comments", {"body": "a"}, "wrong", 401),
        ("POST", "issues/1/comments", {"body": " "}, TOKEN, 422),
        ("POST", "issues/1/comments", {"text": "a"}, TOKEN, 422),
        ("POST", "issues/1/comments", {"body": "a" * 70_000}, TOKEN, 422),
        ("POST", "issues/1/comments", {"body": "a" * 300_000}, TOKEN, 413),
        ("POST", "issues/2/comments", {"body": "a"}, TOKEN, 404),
        ("PATCH", "issues/comments/1009", {"body": "a"}, TOKEN, 404),
        ("PATCH", "issues/comments/9009", {"body": "a"}, TOKEN, 404),
        ("POST", "statuses/abc", {"state": "success"}, TOKEN, 422),
        ("POST", f"statuses/{'a' * 40}", {"state": "great"}, TOKEN, 422),
        ("GET", "pulls/7", None, TOKEN, 404),
        ("GET", "branches", None, TOKEN, 404),
        ("DELETE", "pulls/1", None, TOKEN, 405),
    ],
)
def test_what_the_api_does_not_take_is_refused(
    bench: Bench, method: str, path: str, body: object, token: str, status: int
) -> None:
    request(bench)
    answer = client(bench, token).request(method, f"{API}/{path}", json=body)
    assert answer.status_code == status, answer.text
    assert bench.requests()[0].comments == ()


def test_another_repository_is_not_found(bench: Bench) -> None:
    for path in ("user2/mlops-workshop", "user1/other", "user1/..%2F"):
        assert client(bench).get(f"/api/v1/repos/{path}/pulls").status_code == 404


def test_the_pages_of_a_repository_are_those_of_the_console(bench: Bench) -> None:
    answer = client(bench).get("/mlops-workshop/pulls/3")
    assert (answer.status_code, answer.headers["location"]) == (307, f"{CONSOLE}/commits/merge-requests/3")
    answer = client(bench).get(f"/mlops-workshop/commit/{'a' * 40}")
    assert answer.headers["location"] == f"{CONSOLE}/commits"
