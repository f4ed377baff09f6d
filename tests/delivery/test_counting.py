"""Counts are exact across restarts and replicas, and from a moment between two scrapes."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from delivery import counters, measure, usecase
from delivery.errors import DeliveryError
from delivery.prometheus import Prometheus, increase
from delivery.quality import Confusion
from hypothesis import given
from hypothesis import strategies as st

from workshop.lab.api.auth import certificate

KIT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("points", "events"),
    [
        ([], 0),
        ([(5, 7.0)], 0),
        ([(5, 7.0), (15, 9.0)], 2),
        ([(15, 3.0), (20, 4.0)], 4),
        ([(5, 7.0), (15, 9.0), (20, 2.0), (25, 5.0)], 7),
        ([(5, 7.0), (15, 0.0), (20, 0.0)], 0),
    ],
    ids=[
        "no sample",
        "nothing since",
        "since the last sample before",
        "born since",
        "a restart between",
        "restarted idle",
    ],
)
def test_events_since_10(points: list[tuple[float, float]], events: int) -> None:
    assert increase(points, 10) == events


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=40))
def test_every_event_between_scrapes_is_counted_though_the_server_restarts(steps: list[tuple[int, bool]]) -> None:
    """A restart loses what came after the scrape before it, and nothing else."""
    value, total, points = 1000.0, 0, [(0.0, 1000.0)]
    for at, (more, restarts) in enumerate(steps, 1):
        # A fall is how a restart shows: one that ends higher than it was is no fall to anybody.
        value = float(more) if restarts and more < value else value + more
        total += more
        points.append((float(at), value))
    assert increase(points, 0) == total


class _Answers(BaseHTTPRequestHandler):
    series: dict[str, list[dict[str, object]]] = {}
    asked: list[tuple[dict[str, list[str]], str]] = []
    code = 200

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        type(self).asked.append((form, self.headers.get("Authorization", "")))
        name = form["query"][0].partition("{")[0]
        raw = json.dumps({"data": {"result": self.series.get(name, [])}}).encode()
        self.send_response(self.code)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        pass


Answers = tuple[type[_Answers], str]
"""What the server answers and was asked, and its address."""


@contextmanager
def answering() -> Iterator[Answers]:
    """A server that answers Prometheus' instant queries with the series of the metric that is asked for."""
    answers = type("Answers", (_Answers,), {"series": {}, "asked": []})
    http = HTTPServer(("127.0.0.1", 0), answers)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        yield answers, f"http://127.0.0.1:{http.server_address[1]}"
    finally:
        http.shutdown()
        http.server_close()


@pytest.fixture
def server() -> Iterator[Answers]:
    with answering() as found:
        yield found


def series(value: float, **labels: str) -> dict[str, object]:
    return {"metric": labels, "values": [[1e10, str(value)]]}


def test_replicas_and_methods_add_up_by_predictor(server: Answers) -> None:
    answers, url = server
    requests = "seldon_api_executor_server_requests_seconds"
    answers.series = {
        f"{requests}_count": [
            series(70, predictor_name="main", code="200", pod="a"),
            series(20, predictor_name="main", code="200", pod="b"),
            series(8, predictor_name="main", code="503", pod="b"),
            series(2, predictor_name="main", code="400", pod="b"),
            series(5, predictor_name="canary", code="200"),
        ],
        f"{requests}_bucket": [
            series(60, predictor_name="main", le="0.25", pod="a"),
            series(30, predictor_name="main", le="0.25", pod="b"),
            series(100, predictor_name="main", le="+Inf", pod="b"),
        ],
        counters.DECILES: [
            series(3, predictor_name="canary", decile="0"),
            series(4, predictor_name="canary", decile="9"),
            series(0, predictor_name="canary", decile="9", method="feedback"),
        ],
        "model_feedback_total": [
            series(6, predictor_name="canary", predicted="late", actual="on_time", pod="a"),
            series(1, predictor_name="canary", predicted="late", actual="on_time", pod="b"),
        ],
    }
    (seen,) = measure.since(Prometheus(url), "user1-production", usecase.read(KIT / "model"), 1e9)
    assert (seen["main"].requests, seen["main"].errors, seen["main"].refused) == (100, 8, 2)
    assert seen["main"].slower == {0.25: 10}
    assert seen["canary"].deciles == (3, 0, 0, 0, 0, 0, 0, 0, 0, 4)
    assert seen["canary"].quality == Confusion({(1, 0): 7})
    assert seen["shadow"].requests == 0
    assert 'namespace="user1-production", deployment_name="flight-delay"' in answers.asked[0][0]["query"][0]


def test_thanos_gets_the_namespace_and_the_token(
    server: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, url = server
    token = tmp_path / "token"
    token.write_text("secret\n")
    monkeypatch.setenv("PROMETHEUS_URL", url)
    monkeypatch.setenv("PROMETHEUS_TOKEN_FILE", str(token))
    Prometheus.from_environment("user1-production").range("up", 1e9)
    assert answers.asked == [({**answers.asked[0][0], "namespace": ["user1-production"]}, "Bearer secret")]


def test_the_token_of_the_environment_goes_first(
    server: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, url = server
    monkeypatch.setenv("PROMETHEUS_URL", url)
    monkeypatch.setenv("PROMETHEUS_TOKEN", "of-the-lab")
    monkeypatch.setenv("PROMETHEUS_TOKEN_FILE", str(tmp_path / "not-there"))
    Prometheus.from_environment("user1-production").range("up", 1e9)
    assert [token for _, token in answers.asked] == ["Bearer of-the-lab"]


def test_a_service_is_trusted_by_its_authority_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.cert, made.key)
    http = HTTPServer(("127.0.0.1", 0), type("Answers", (_Answers,), {"asked": []}))
    http.socket = context.wrap_socket(http.socket, server_side=True)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    monkeypatch.setenv("PROMETHEUS_URL", f"https://127.0.0.1:{http.server_address[1]}")
    try:
        with pytest.raises(DeliveryError, match="certificate verify failed"):
            Prometheus.from_environment("x").range("up", 1e9)
        monkeypatch.setenv("PROMETHEUS_CA_FILE", str(made.authority))
        assert Prometheus.from_environment("x").range("up", 1e9) == []
    finally:
        http.shutdown()
        http.server_close()


def test_without_an_address_the_config_map_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_URL", raising=False)
    with pytest.raises(
        DeliveryError, match=r"PROMETHEUS_URL is not set.*next: add it to the ConfigMap mlops-endpoints"
    ):
        Prometheus.from_environment("x")


def test_a_query_that_prometheus_refuses_is_an_error_with_its_message(server: Answers) -> None:
    answers, url = server
    answers.code = 403
    with pytest.raises(DeliveryError, match="answers 403 to up"):
        Prometheus(url).range("up", 1e9)


def test_a_prometheus_that_restarts_is_waited_for_and_one_that_stays_away_is_an_error(server: Answers) -> None:
    answers, url = server
    answers.code = 503
    began = time.monotonic()
    back = threading.Timer(0.3, setattr, (answers, "code", 200))
    back.start()
    Prometheus(url, patience=20).range("up", 1e9)
    assert 0.3 <= time.monotonic() - began < 20 and len(answers.asked) > 1
    back.join()
    answers.code = 503
    with pytest.raises(DeliveryError, match="answers 503 to up"):
        Prometheus(url).range("up", 1e9)
    with pytest.raises(DeliveryError, match=r"does not answer: .*refused"):
        Prometheus("http://127.0.0.1:9", patience=0.1).range("up", 1e9)
