"""The lab's part of Gitea's API, and what comments on merge requests start."""

from __future__ import annotations

import base64
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


def test_a_file_a_commit_and_the_repository_can_be_read(bench: Bench) -> None:
    sha = bench.commit("Add a Task", **{"tekton/täsk one.yaml": "kind: Täsk\n"})
    bench.push("main")
    (bench.work / "image").write_bytes(b"\xff\xfe")
    bench.commit("Add an image")
    bench.push("main:other")
    http = client(bench, "")
    found = http.get(f"{API}/contents/tekton/täsk one.yaml", params={"ref": "main"}).json()
    assert base64.b64decode(found["content"]).decode() == "kind: Täsk\n"
    assert (found["path"], found["size"]) == ("tekton/täsk one.yaml", 12)
    assert http.get(f"{API}/git/commits/main").json()["sha"] == sha
    assert http.get(API).json()["clone_url"] == f"{ADDRESS}/mlops-workshop.git"
    for path, status in (
        ("contents/no", 404), ("contents/tekton", 404), ("contents/image?ref=other", 422), ("contents/../HEAD", 404),
        ("contents/README.md?ref=--all", 404), ("git/commits/no", 404), ("git/commits/--all", 404),
    ):  # fmt: skip
        assert http.get(f"{API}/{path}").status_code == status, path


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


def test_ok_to_test_starts_what_has_not_succeeded(bench: Bench) -> None:
    bench.apply()
    said = '- {name: said, value: "{{ event_type }}"}'
    names = {name: pipeline_run(name, "pull_request", params=said) for name in ("a", "b")}
    bench.commit(**folder(**names))
    bench.push("main")
    _, (one, _) = request(bench)
    bench.end(one)
    write(bench, "please /ok-to-test")
    assert len(bench.runs()) == 2
    write(bench, "/ok-to-test 0123abc")
    assert [values(run)["said"] for run in bench.runs()[2:]] == ["ok-to-test-comment"]


def test_a_label_starts_the_runs_that_wait_for_it(bench: Bench) -> None:
    bench.apply()
    labels = '- {name: labels, value: "{{ pull_request_labels }} {{ event_type }}"}'
    bug = pipeline_run("bug", "pull_request", f'{P}on-label: "[bug, defect]"', labels)
    bench.commit(**folder(bug=bug, other=pipeline_run("other", "pull_request")))
    bench.push("main")
    bench.git("checkout", "-q", "-b", "more-trees")
    bench.commit("Use more trees", **{"params.yaml": "trees: 2"})
    (other,) = bench.push("-o", "merge_request.create", "more-trees")
    assert other["metadata"]["name"].startswith("other-")
    place = f"{API}/issues/1/labels"
    assert client(bench).post(place, json={"labels": ["docs"]}).json() == [{"name": "docs"}]
    assert len(bench.runs()) == 1, "a label starts only runs with on-label, here of another label"
    assert client(bench).post(place, json={"labels": ["bug", "docs"]}).status_code == 200
    assert values(bench.runs()[1])["labels"] == "docs\nbug pull_request_labeled"
    bench.commit("Use yet more trees", **{"params.yaml": "trees: 3"})
    assert len(bench.push("more-trees")) == 4, "both, because the label is still there"
    assert client(bench).put(place, json={"labels": []}).json() == []
    assert client(bench, "").put(place, json={"labels": ["bug"]}).status_code == 401
    assert client(bench).put(place, json={"labels": ["a\nb"]}).status_code == 422
    assert client(bench, "").get(place).json() == []


def test_labels_of_push_options_are_there_from_the_first_event(bench: Bench) -> None:
    bench.apply()
    bench.commit(**folder(bug=pipeline_run("bug", "pull_request", f"{P}on-label: bug")))
    bench.push("main")
    bench.git("checkout", "-q", "-b", "more-trees")
    bench.commit("Use more trees", **{"params.yaml": "trees: 2"})
    create = ("-o", "merge_request.create")
    bench.push(*create, "-o", "merge_request.label=docs", "-o", "merge_request.label=bug", "more-trees")
    assert (len(bench.runs()), bench.requests()[0].labels) == (1, ("docs", "bug"))
