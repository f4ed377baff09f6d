"""The clients of MLflow and Prometheus: their requests, and their errors when a service gives no valid answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from workshop.cluster.jsonhttp import NoAnswer, ask
from workshop.cluster.mlflow import Mlflow, Version
from workshop.cluster.prometheus import Prometheus


class Service(HTTPServer):
    """Answers every request with what the test gave for its path."""

    answers: dict[str, tuple[int, bytes]]
    asked: list[tuple[str, str, bytes, str | None]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.asked.append((self.command, self.path, body, self.headers["Authorization"]))
        status, answer = self.server.answers.get(self.path.partition("?")[0], (404, b"no such path"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service(("127.0.0.1", 0), Handler)
    server.answers, server.asked = {}, []
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_an_error_status_is_returned_with_its_body(service: Service) -> None:
    answer = ask(service.url + "/x", b"{}", token="t0")
    assert (answer.status, answer.text, answer.json) == (404, "no such path", None)
    assert service.asked == [("POST", "/x", b"{}", "Bearer t0")]


def test_no_server_is_an_os_error(service: Service) -> None:
    service.shutdown()
    service.server_close()
    with pytest.raises(OSError, match="refused"):
        ask(service.url)


@pytest.mark.parametrize("answer", [(500, b'{"data": {}}'), (200, b"<html>"), (200, b"[]"), (200, b'{"data": null}')])
def test_prometheus_that_answers_with_an_error_is_no_answer(service: Service, answer: tuple[int, bytes]) -> None:
    service.answers["/api/v1/query"] = answer
    with pytest.raises(NoAnswer, match=f"answers {answer[0]}"):
        Prometheus(service.url).value("up")


def test_prometheus_returns_a_number_or_nothing_and_the_firing_alerts(service: Service) -> None:
    service.answers["/api/v1/query"] = (200, b'{"data": {"result": []}}')
    alerts = [{"state": "pending", "labels": {}}, {"state": "firing", "labels": {"alertname": "A"}}]
    service.answers["/api/v1/alerts"] = (200, json.dumps({"data": {"alerts": alerts}}).encode())
    assert Prometheus(service.url).value("up") is None
    assert Prometheus(service.url).firing() == alerts[1:]


@pytest.mark.parametrize("answer", [(403, b'{"message": "no"}'), (200, b"<html>")])
def test_mlflow_that_answers_with_an_error_is_no_answer(service: Service, answer: tuple[int, bytes]) -> None:
    service.answers["/api/2.0/mlflow/experiments/get-by-name"] = answer
    with pytest.raises(NoAnswer, match=f"MLflow answers {answer[0]} to experiments/get-by-name"):
        Mlflow(service.url).runs()


def test_mlflow_without_the_experiment_has_no_runs(service: Service) -> None:
    assert Mlflow(service.url, "t0").runs() == []
    assert service.asked[0][3] == "Bearer t0"


def test_mlflow_gives_the_run_of_an_alias(service: Service) -> None:
    run = {"info": {"run_id": "r1", "run_name": "n"}, "data": {"metrics": [{"key": "auc", "value": 0.7}]}}
    service.answers["/api/2.0/mlflow/registered-models/alias"] = (200, b'{"model_version": {"run_id": "r1"}}')
    service.answers["/api/2.0/mlflow/runs/get"] = (200, json.dumps({"run": run}).encode())
    found = Mlflow(service.url).run_of_alias("m", "champion")
    assert (found.id, found.name, found.metrics) == ("r1", "n", {"auc": 0.7})
    assert [path for _, path, _, _ in service.asked] == [
        "/api/2.0/mlflow/registered-models/alias?name=m&alias=champion",
        "/api/2.0/mlflow/runs/get?run_id=r1",
    ]


def test_mlflow_gives_the_versions_of_a_model_with_their_aliases(service: Service) -> None:
    tags = [{"key": "git_commit", "value": "c1"}]
    versions = [{"version": "2", "run_id": "r2", "tags": tags}, {"version": "1"}]
    service.answers["/api/2.0/mlflow/model-versions/search"] = (200, json.dumps({"model_versions": versions}).encode())
    model = {"aliases": [{"alias": "champion", "version": "2"}, {"alias": "challenger", "version": "2"}]}
    service.answers["/api/2.0/mlflow/registered-models/get"] = (200, json.dumps({"registered_model": model}).encode())
    assert Mlflow(service.url).versions("m") == [
        Version("2", "r2", {"git_commit": "c1"}, ("challenger", "champion")),
        Version("1", "", {}, ()),
    ]


def test_mlflow_without_the_model_has_no_versions(service: Service) -> None:
    assert Mlflow(service.url).versions("m") == []


def test_a_service_without_an_address_does_not_run() -> None:
    with pytest.raises(NoAnswer, match="MLflow does not run"):
        Mlflow("").runs()
    with pytest.raises(NoAnswer, match="Prometheus does not run"):
        Prometheus("").value("up")
