"""`thresholds` says what each threshold of the champion would cost, and what the use case's gate would say."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import pytest
from delivery.__main__ import main

from tests.s2i.flights import serving_model

KIT = Path(__file__).resolve().parents[2]
DIGEST = "9f" * 32


class Servers(BaseHTTPRequestHandler):
    """MLflow with a champion and Prometheus with its feedback, on one port."""

    card: bytes = b""
    feedback: list[dict[str, Any]] = []
    asked: list[str] = []

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/get-artifact":
            return self._send(self.card if query == {"run_uuid": "r7", "path": "model.json"} else b"no such file")
        tags = [{"key": "image_digest", "value": f"sha256:{DIGEST}"}]
        return self._json({"model_version": {"version": "7", "run_id": "r7", "tags": tags}})

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.asked.append(form["query"][0])
        self._json({"data": {"result": self.feedback}})

    def _json(self, content: object) -> None:
        self._send(json.dumps(content).encode())

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def servers() -> Iterator[tuple[type[Servers], str]]:
    card = (serving_model() / "model.json").read_bytes()
    handler = type("Handler", (Servers,), {"card": card, "feedback": [], "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


class Thresholds(Protocol):
    """Runs the command in the folder of a use case."""

    def __call__(self, url: str, *words: str, prometheus: str = "", folder: Path = KIT / "model") -> Done: ...


@pytest.fixture
def thresholds(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Thresholds:
    def run(url: str, *words: str, prometheus: str = "", folder: Path = KIT / "model") -> Done:
        env = {"MLFLOW_TRACKING_URI": url, "PROMETHEUS_URL": prometheus, "USE_CASE": str(folder)}
        for name, value in {**env, "PRODUCTION_NAMESPACE": "user1-production"}.items():
            monkeypatch.setenv(name, value)
        code = main(["thresholds", *words])
        return Done(code, *capsys.readouterr())

    return run


def bins(name: str, actual: str, value: float) -> dict[str, Any]:
    return {"metric": {"bin": name, "actual": actual}, "value": [0, str(value)]}


def test_the_rows_of_the_test_and_of_production_are_counted_by_threshold(
    servers: tuple[type[Servers], str], thresholds: Thresholds
) -> None:
    handler, url = servers
    handler.feedback[:] = [bins("0.00", "on_time", 900.2), bins("0.30", "late", 60), bins("0.95", "late", 39.9)]
    done = thresholds(url, "-o", "json", prometheus=url)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    made = json.loads(handler.card)
    assert found["model"] == {"version": "7", "candidate": "boosted", "threshold": made["threshold"]}
    test, production = found["sources"]["test"], found["sources"]["production"]
    assert test["scores"] == {"negative": made["scores"]["on_time"], "positive": made["scores"]["late"]}
    assert (test["step"], len(test["checks"])) == (0.01, 100)
    assert (production["rows"], production["step"]) == (1000, 0.05)
    assert production["scores"]["positive"] == [0, 0, 0, 0, 0, 0, 60, *[0] * 12, 40]
    recall = [next(check for check in checks if check["name"] == "recall") for checks in production["checks"]]
    # At 0.30 all are found, and from 0.35 on 40 of 100.
    assert [check["passed"] for check in recall] == [at <= 6 for at in range(20)]
    assert f'model_version="{DIGEST}"' in handler.asked[0]


def test_the_text_marks_what_costs_least(servers: tuple[type[Servers], str], thresholds: Thresholds) -> None:
    _, url = servers
    done = thresholds(url, "--missed", "5", "--false-alarm", "1")
    assert done.returncode == 0, done.stderr
    cheapest = [line for line in done.stdout.splitlines() if "costs least" in line]
    assert len(cheapest) == 1
    dear = thresholds(url, "--missed", "1", "--false-alarm", "5").stdout
    (other,) = [line for line in dear.splitlines() if "costs least" in line]
    assert float(cheapest[0].split()[0]) < float(other.split()[0])


@pytest.mark.parametrize("prometheus", ["", "http://127.0.0.1:1"], ids=["not set", "away"])
def test_without_prometheus_the_rows_of_the_test_remain(
    servers: tuple[type[Servers], str], thresholds: Thresholds, prometheus: str
) -> None:
    _, url = servers
    found = json.loads(thresholds(url, "-o", "json", prometheus=prometheus).stdout)
    assert found["sources"]["test"]["rows"] > 1000
    assert "PROMETHEUS_URL" in found["sources"]["production"]["missing"]


def test_without_feedback_production_says_so(servers: tuple[type[Servers], str], thresholds: Thresholds) -> None:
    _, url = servers
    found = json.loads(thresholds(url, "-o", "json", prometheus=url).stdout)
    assert found["sources"]["production"] == {"missing": "no row of the champion got feedback within 1d"}


def test_a_model_of_an_older_kit_says_that_it_has_no_scores(
    servers: tuple[type[Servers], str], thresholds: Thresholds
) -> None:
    handler, url = servers
    old = {name: value for name, value in json.loads(handler.card).items() if name not in ("scores", "slices")}
    handler.card = json.dumps(old).encode()
    found = json.loads(thresholds(url, "-o", "json", prometheus=url).stdout)
    assert "an older version of the kit trained it, next: train again" in found["sources"]["test"]["missing"]


@pytest.mark.parametrize("words", [("--missed", "-1"), ("--false-alarm", "inf"), ("--missed", "nan")])
def test_a_cost_that_is_none_is_refused(
    servers: tuple[type[Servers], str], thresholds: Thresholds, words: tuple[str, str]
) -> None:
    done = thresholds(servers[1], *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert "allowed: numbers of at least 0" in done.stderr


def test_a_regression_has_no_threshold(servers: tuple[type[Servers], str], thresholds: Thresholds) -> None:
    done = thresholds(servers[1], folder=KIT / "workshop/usecases/fuel")
    assert done.returncode == 1
    assert "fuel-consumption is a regression: it has no threshold" in done.stderr
