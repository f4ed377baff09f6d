"""The check of module 1: fails before, passes after, and fails again on each wrong answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from workshop.checks import CheckContext
from workshop.checks.m01 import check
from workshop.participants.names import Participant

KIT = Path(__file__).resolve().parents[3]
DIGEST = "sha256:" + "9f" * 32
OTHER = "sha256:" + "1d" * 32


class Objects:
    """A cluster that holds what a test puts in."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str, str], dict[str, Any]] = {}

    def put(self, kind: str, namespace: str, name: str, **body: Any) -> None:
        self.held[(kind, namespace, name)] = {"metadata": {"name": name, "namespace": namespace}, **body}

    def find(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        return self.held.get((kind, namespace, name))

    def list(self, kind: str, namespace: str) -> list[dict[str, Any]]:
        return [body for (k, n, _), body in sorted(self.held.items()) if (k, n) == (kind, namespace)]


class Model(BaseHTTPRequestHandler):
    """A model server that answers what the test says."""

    status = 200
    answer: Any = {"data": {"names": ["on_time", "late"], "ndarray": [[0.4, 0.6]]}}

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(self.answer).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def model() -> Iterator[tuple[type[Model], str]]:
    handler = type("TestModel", (Model,), {})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_port}/api/v1.0/predictions"
    server.shutdown()
    server.server_close()


def _deployed(objects: Objects, stage: str, digest: str, state: str = "Available") -> None:
    container = {"name": "flight-delay", "image": f"registry/user1-dev/flight-delay@{digest}"}
    predictor = {"name": "main", "componentSpecs": [{"spec": {"containers": [container]}}]}
    objects.put(
        "SeldonDeployment",
        f"user1-{stage}",
        "flight-delay",
        spec={"predictors": [predictor]},
        status={"state": state},
    )


def _ran(objects: Objects, name: str, digest: str, status: str = "True", reason: str = "Succeeded") -> None:
    objects.put(
        "PipelineRun",
        "user1-dev",
        name,
        spec={"pipelineRef": {"name": "train-and-stage"}},
        status={
            "conditions": [{"type": "Succeeded", "status": status, "reason": reason, "message": "gate said no"}],
            "results": [{"name": "image-digest", "value": digest}] if status == "True" else [],
        },
    )


def _findings(objects: Objects, url: str | None) -> dict[str, tuple[bool, str, str]]:
    context = CheckContext(objects, Participant("user1").variables({"PRODUCTION_URL": url}), KIT)
    return {finding.task: (finding.ok, finding.reason, finding.hint) for finding in check(context)}


@pytest.fixture
def done() -> Objects:
    objects = Objects()
    _ran(objects, "run-a", DIGEST)
    _deployed(objects, "staging", DIGEST)
    _deployed(objects, "production", DIGEST)
    return objects


def test_passes_when_the_model_answers_in_production(done: Objects, model: tuple[type[Model], str]) -> None:
    findings = _findings(done, model[1])
    assert len(findings) == 4 and all(ok for ok, _, _ in findings.values()), findings


def test_fails_before_anything_ran_and_says_what_to_do() -> None:
    findings = _findings(Objects(), None)
    assert len(findings) == 4
    for ok, reason, hint in findings.values():
        assert not ok and reason and "make lab" in hint


def test_still_passes_when_staging_is_ahead(done: Objects, model: tuple[type[Model], str]) -> None:
    _ran(done, "run-b", OTHER)
    _deployed(done, "staging", OTHER)
    assert all(ok for ok, _, _ in _findings(done, model[1]).values())


def test_a_digest_that_no_run_made_is_found(done: Objects, model: tuple[type[Model], str]) -> None:
    _deployed(done, "production", OTHER)
    ok, reason, hint = _findings(done, model[1])["production serves a digest that staging has tested"]
    assert not ok and OTHER[:19] in reason and "workshop promote" in hint


def test_an_image_without_a_digest_is_found(done: Objects, model: tuple[type[Model], str]) -> None:
    done.held[("SeldonDeployment", "user1-production", "flight-delay")]["spec"]["predictors"] = []
    assert not _findings(done, model[1])["production serves a digest that staging has tested"][0]


def test_a_failed_run_is_named_with_its_reason(model: tuple[type[Model], str]) -> None:
    objects = Objects()
    _ran(objects, "run-a", DIGEST, "False", "Failed")
    ok, reason, hint = _findings(objects, model[1])["the pipeline train-and-stage has built an image"]
    assert not ok and reason == "run-a is Failed: gate said no" and "oc describe pipelinerun run-a" in hint


def test_a_deployment_that_is_not_available_is_found(done: Objects, model: tuple[type[Model], str]) -> None:
    _deployed(done, "staging", DIGEST, "Failed")
    assert _findings(done, model[1])["flight-delay is available in staging"][:2] == (
        False,
        "its state is Failed",
    )


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, {"status": {"code": 500, "info": "boom"}}),
        (200, {}),
        (200, []),
        (200, {"data": {"ndarray": []}}),
        (404, {"data": {"ndarray": [[1]]}}),
    ],
)
def test_a_wrong_answer_of_the_model_is_found(
    done: Objects, model: tuple[type[Model], str], status: int, answer: Any
) -> None:
    model[0].status, model[0].answer = status, answer
    ok, reason, hint = _findings(done, model[1])["production answers a request"]
    assert not ok and reason.startswith(f"HTTP {status}") and "oc logs" in hint


def test_a_server_that_is_gone_is_found(done: Objects) -> None:
    ok, reason, hint = _findings(done, "http://127.0.0.1:1/")["production answers a request"]
    assert not ok and "does not answer" in reason and hint == "workshop status"
