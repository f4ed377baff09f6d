"""Incoming webhooks: a shared secret starts a PipelineRun without a push."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.workshop.lab.controllers.pipelinesascode.conftest import ADDRESS, NAMESPACE, Bench
from tests.workshop.lab.controllers.pipelinesascode.test_pushes import P, folder, pipeline_run, values
from workshop.lab.kinds import built_in
from workshop.manifests.objects import labels_of

ASKED = {"repository": "workshop", "branch": "main", "pipelinerun": "nightly", "secret": "s3cret"}


def client(bench: Bench) -> TestClient:
    return TestClient(bench.server.app, base_url=ADDRESS)


@pytest.fixture
def hooked(bench: Bench) -> Bench:
    data = {"secret": base64.b64encode(b"s3cret").decode()}
    meta = {"name": "hook", "namespace": NAMESPACE}
    bench.store.create(built_in("Secret"), {"metadata": meta, "data": data})
    rule = {"type": "webhook-url", "secret": {"name": "hook"}, "targets": ["main", "release/*"], "params": ["month"]}
    bench.apply(incoming=[rule], params=[{"name": "month", "value": "7"}])
    month = '- {name: month, value: "{{ month }} {{ event_type }} {{ sender }} {{ source_branch }}"}'
    runs = {
        "nightly": pipeline_run("nightly", "incoming", params=month),
        "check": pipeline_run("check", "pull_request"),
    }
    bench.commit(**folder(**runs))
    assert bench.push("main") == []
    return bench


def test_a_webhook_with_the_secret_starts_the_run_that_it_names(hooked: Bench) -> None:
    answer = client(hooked).post("/incoming", json={**ASKED, "params": {"month": "8"}})
    assert (answer.status_code, answer.json()["message"]) == (202, "accepted: nightly on main")
    (run,) = hooked.runs()
    assert values(run)["month"] == "8 incoming incoming main"
    assert labels_of(run)[P + "event-type"] == "incoming" and labels_of(run)[P + "sha"] == values(run)["revision"]
    assert "s3cret" not in str(run)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"secret": "guess"}, "secret passed to the webhook does not match"),
        ({"secret": ""}, "missing required fields: [secret]"),
        ({"repository": "other"}, "cannot find repository other"),
        ({"branch": "feature"}, "branch 'feature' has not matched any rules"),
        ({"branch": "release/1"}, "there is no branch release/1"),
        ({"params": {"revision": "x"}}, "param revision is not allowed"),
        ({"branch": 1}, "invalid JSON body"),
    ],
)
def test_any_other_webhook_starts_nothing(hooked: Bench, change: dict[str, Any], said: str) -> None:
    answer = client(hooked).post("/incoming", json={**ASKED, **change})
    assert answer.status_code == 400 and said in answer.text
    assert hooked.runs() == []


def test_a_secret_in_the_url_is_refused_and_get_is_no_method(hooked: Bench) -> None:
    answer = client(hooked).post("/incoming", params=ASKED)
    assert answer.status_code == 400 and "a secret in a URL is kept in logs" in answer.text
    assert client(hooked).get("/incoming").status_code == 405


def test_a_repository_object_of_another_participant_starts_nothing_here(hooked: Bench) -> None:
    rule = {"type": "webhook-url", "secret": {"name": "hook"}, "targets": ["*"]}
    data = {"secret": base64.b64encode(b"own").decode()}
    hooked.store.create(built_in("Secret"), {"metadata": {"name": "hook", "namespace": "user2-dev"}, "data": data})
    hooked.apply("stolen", "user2-dev", incoming=[rule])
    answer = client(hooked).post("/incoming", json={**ASKED, "repository": "stolen", "secret": "own"})
    assert answer.status_code == 400 and "is a repository of user1" in answer.text
    hooked.apply("workshop", "user2-dev", incoming=[rule])
    answer = client(hooked).post("/incoming", json=ASKED)
    assert "missing required fields: [namespace]" in answer.text
    assert hooked.runs() == []


def test_a_run_that_the_folder_does_not_have_is_an_event_of_the_repository(hooked: Bench) -> None:
    assert client(hooked).post("/incoming", json={**ASKED, "pipelinerun": "no"}).status_code == 202
    messages = [one["message"] for one in hooked.store.objects(built_in("Event"))]
    assert "cannot find pipelinerun no for matching an incoming event in this repository" in messages
