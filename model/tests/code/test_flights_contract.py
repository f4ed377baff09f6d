"""The contract check passes a correct server, and fails for each kind of mistake."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from delivery import card as cards
from delivery import contract
from delivery.__main__ import main
from delivery.errors import DeliveryError
from delivery.usecase import read
from flights import card
from flights.card import CARD, CLASSES
from flights.errors import BadInputError
from flights.serve import FlightModel

Answer = tuple[int, Any]


class Honest:
    """A server's answers as they should be; the tests break one at a time."""

    def __init__(self, model: FlightModel) -> None:
        self.model = model

    def get(self, path: str) -> Answer:
        if path == "/metadata":
            return 200, {"name": self.model.card.name}
        return 200, "model_predictions_total 1" if path == "/metrics" else "pong"

    def post(self, body: bytes) -> Answer:
        try:
            data = json.loads(body)["data"]
            table = self.model.predict(data["ndarray"], data["names"]).tolist()
        except (ValueError, KeyError, TypeError, BadInputError) as error:
            return 400, {"status": {"info": str(error)}}
        return 200, {"data": {"names": list(CLASSES), "ndarray": table}}


@contextmanager
def answering(answers: Honest) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(answers.get(self.path))

        def do_POST(self) -> None:
            self.answer(answers.post(self.rfile.read(int(self.headers["content-length"]))))

        def answer(self, given: Answer) -> None:
            status, body = given
            content = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def promised(model: FlightModel) -> cards.Card:
    """What model.json promises, as the contract reads it."""
    made = model.card
    return cards.Card(made.name, made.inputs, made.outputs, made.sample.names, made.sample.rows, made.sample.answers)


def test_the_file_has_what_the_contract_reads(served: FlightModel, small_model: Path) -> None:
    assert cards.load(small_model / CARD) == promised(served)


def test_usecase_yaml_names_the_model_and_its_classes() -> None:
    config = read(Path(__file__).resolve().parents[2])
    assert (config.deployment, config.classes) == (card.NAME, CLASSES)


def failed(answers: Honest) -> list[str]:
    with answering(answers) as url:
        results = contract.checks(contract.Server(url), promised(answers.model), f"{url}/metrics")
        return [result.name for result in results if not result.passed]


def test_honest_server_passes_every_check(served: FlightModel) -> None:
    assert failed(Honest(served)) == []


def other_probability(answer: Answer) -> Answer:
    status, body = answer
    if status == 200:
        body["data"]["ndarray"][-1][1] += 0.001
    return status, body


def nan(answer: Answer) -> Answer:
    status, body = answer
    if status == 200:
        body["data"]["ndarray"][0][1] = float("nan")
    return status, body


PARITY = ["sample rows one by one", "sample rows as a batch", "columns in another order"]


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        (other_probability, PARITY),
        (nan, [*PARITY, "names of the answer"]),
        (lambda answer: (answer[0], {**answer[1], "data": {"ndarray": []}}), [*PARITY, "names of the answer"]),
    ],
)
def test_wrong_prediction_is_found(served: FlightModel, wrong: Callable[[Answer], Answer], names: list[str]) -> None:
    class Wrong(Honest):
        def post(self, body: bytes) -> Answer:
            answer = super().post(body)
            return wrong(answer) if answer[0] == 200 else answer

    assert sorted(failed(Wrong(served))) == sorted(names)


@pytest.mark.parametrize("status", [200, 500])
def test_mistake_that_is_not_a_4xx_is_found(served: FlightModel, status: int) -> None:
    class Lenient(Honest):
        def post(self, body: bytes) -> Answer:
            answer = super().post(body)
            return answer if answer[0] == 200 else (status, {})

    mistakes = [f"refuses {name}" for name, _ in contract.mistakes(promised(served))]
    assert failed(Lenient(served)) == mistakes
    assert "refuses an unknown carrier" in mistakes


def test_names_that_are_ignored_are_found(served: FlightModel) -> None:
    class Deaf(Honest):
        def post(self, body: bytes) -> Answer:
            try:
                given = json.loads(body)
                given["data"]["names"] = list(served.card.features)
            except (ValueError, KeyError, TypeError):
                return super().post(body)
            return super().post(json.dumps(given).encode())

    assert failed(Deaf(served)) == ["columns in another order", "refuses a name that no column has"]


def test_absent_metadata_and_metrics_are_found(served: FlightModel) -> None:
    class Silent(Honest):
        def get(self, path: str) -> Answer:
            return 404, "nothing here"

    assert failed(Silent(served)) == ["metadata", "metrics"]


def test_a_server_that_is_not_ready_in_time_is_reported(small_model: Path) -> None:
    server = contract.Server("http://127.0.0.1:9")
    with pytest.raises(DeliveryError, match=r"127\.0\.0\.1:9/health/ping: not ready after .* allowed: 0 s, next: "):
        contract.wait(server, 0)


def test_server_that_has_not_loaded_its_model_is_not_ready(served: FlightModel) -> None:
    class Loading(Honest):
        def get(self, path: str) -> Answer:
            return (503, "loading") if path == "/health/status" else (200, "pong")

    with answering(Loading(served)) as url, pytest.raises(DeliveryError, match="/health/status: not ready"):
        contract.wait(contract.Server(url), 0)


def test_command_line_prints_a_line_a_check(
    served: FlightModel, small_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(Honest(served)) as url:
        assert main(["contract", "--url", url, "--model", str(small_model / CARD)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("ok   ready")
        assert all(line.startswith("ok   ") for line in lines)
        assert main(["contract", "--url", url, "--model", str(small_model / CARD), "-o", "json"]) == 0
        assert all(json.loads(line)["passed"] for line in capsys.readouterr().out.splitlines())


def test_another_model_than_the_one_trained_is_found(served: FlightModel, small_model: Path, tmp_path: Path) -> None:
    import dataclasses

    made = card.load(small_model / CARD)
    other = dataclasses.replace(made.sample, answers=[[one, late + 0.01] for one, late in made.sample.answers])
    card.dump(dataclasses.replace(made, sample=other), tmp_path / CARD)
    with answering(Honest(served)) as url:
        assert main(["contract", "--url", url, "--model", str(tmp_path / CARD)]) == 1


def test_latency_has_a_bound(served: FlightModel) -> None:
    with answering(Honest(served)) as url:
        server = contract.Server(f"{url}/api/v1.0/predictions")
        assert contract.latency(server, promised(served), 30, 0).passed
        assert contract.latency(server, promised(served), 30, 10_000).passed
        slow = contract.latency(server, promised(served), 30, 0.001)
    assert not slow.passed
    assert slow.seen.endswith("allowed: 0.001 ms")


def test_request_that_fails_fails_the_latency_check(served: FlightModel) -> None:
    class Broken(Honest):
        def post(self, body: bytes) -> Answer:
            return 503, {}

    with answering(Broken(served)) as url:
        result = contract.latency(contract.Server(url), promised(served), 5, 1000)
    assert (result.passed, result.seen[:14]) == (False, "request 0: 503")
