"""Requests that wait at the same moment are answered with one call of a model that allows it, each as if alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.s2i.conftest import Server, Start

Ask = Callable[[list[dict[str, Any]]], list[tuple[int, Any]]]


def _data(*rows: list[Any], **more: Any) -> dict[str, Any]:
    return {"data": {"ndarray": list(rows)}, **more}


def _opened(server: Server) -> HTTPConnection:
    """A connection that the server has taken."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", "/live")
    connection.getresponse().read()
    return connection


def _send(connection: HTTPConnection, path: str, body: object) -> None:
    connection.request("POST", path, orjson.dumps(body), {"content-type": "application/json"})


def _received(connection: HTTPConnection) -> tuple[int, Any]:
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@pytest.fixture
def crowd(started: Start, tmp_path: Path) -> Callable[..., tuple[Server, Ask]]:
    def start(metrics_in_answers: str = "false", max_rows: str = "100") -> tuple[Server, Ask]:
        parameters = json.dumps([{"name": "folder", "value": str(tmp_path), "type": "STRING"}])
        server = started(
            "Crowd",
            shared=False,
            PREDICTIVE_UNIT_PARAMETERS=parameters,
            INCLUDE_METRICS_IN_CLIENT_RESPONSE=metrics_in_answers,
            MODEL_SERVER_MAX_ROWS=max_rows,
        )

        def ask(bodies: list[dict[str, Any]]) -> list[tuple[int, Any]]:
            """All of them while the model is held, so that they wait at the same moment."""
            held, *waiting = [_opened(server) for _ in range(len(bodies) + 1)]
            _send(held, "/v2/models/Crowd/infer", _infer("hold"))
            while not (tmp_path / "held").exists():
                assert server.process.poll() is None
            for connection, body in zip(waiting, bodies, strict=True):
                _send(connection, "/api/v1.0/predictions", body)
            (tmp_path / "go").touch()
            with ThreadPoolExecutor(len(waiting)) as pool:
                answers = list(pool.map(_received, waiting))
            assert _received(held)[0] == 200
            return answers

        return server, ask

    return start


def _infer(word: str) -> dict[str, Any]:
    column = {"name": "word", "datatype": "BYTES", "shape": [1], "data": [word]}
    return {"inputs": [column, {"name": "number", "datatype": "INT64", "shape": [1], "data": [0]}]}


def test_each_gets_its_own_rows_from_one_call(crowd: Callable[..., tuple[Server, Ask]]) -> None:
    server, ask = crowd()
    answers = ask([_data(["a", 1]), _data(["b", 2], ["c", 3]), _data(["d", 4])])
    assert [status for status, _ in answers] == [200] * 3
    assert [body["data"]["ndarray"] for _, body in answers] == [[[1, 4]], [[2, 4], [3, 4]], [[4, 4]]]
    assert server.sample("crowd_rows_total") == 5  # and the one that held the model
    assert server.sample("seldon_api_executor_server_requests_seconds_count", service="predictions", code="200") == 4


def test_a_request_that_is_wrong_large_or_has_a_meta_has_its_own_answer(
    crowd: Callable[..., tuple[Server, Ask]],
) -> None:
    _, ask = crowd()
    bodies = [_data(["a", 1]), _data(["b", -1]), _data(["c", 3], meta={"puid": "p"}), _data(*[["d", 4]] * 17)]
    answers = ask([*bodies, _data(["e", 5])])
    assert [status for status, _ in answers] == [200, 400, 200, 200, 200]
    assert 'row 0, column "number": got -1' in answers[1][1]["status"]["info"]
    calls = [body["data"]["ndarray"][0][1] for status, body in answers if status == 200]
    assert calls == [2, 1, 17, 2]
    assert answers[2][1]["meta"]["puid"] == "p"


def test_no_call_has_more_rows_than_a_request_may_have(crowd: Callable[..., tuple[Server, Ask]]) -> None:
    _, ask = crowd(max_rows="3")
    answers = ask([_data(["a", at]) for at in range(4)])
    assert [body["data"]["ndarray"] for _, body in answers] == [[[0, 3]], [[1, 3]], [[2, 3]], [[3, 1]]]


def test_a_row_that_fails_in_the_model_does_not_fail_other_callers(
    crowd: Callable[..., tuple[Server, Ask]],
) -> None:
    server, ask = crowd()
    answers = ask([_data(["a", 1]), _data(["fail", 2]), _data(["b", 3])])
    assert [status for status, _ in answers] == [200, 500, 200]
    assert server.sample("model_server_model_errors_total", method="predict") == 1
    assert server.sample("crowd_rows_total") == 3


def test_metrics_in_the_answers_are_each_requests_own(crowd: Callable[..., tuple[Server, Ask]]) -> None:
    _, ask = crowd("true")
    answers = ask([_data(["a", 1]), _data(["b", 2])])
    assert [body["data"]["ndarray"][0][1] for _, body in answers] == [1, 1]
    assert [body["meta"]["metrics"][0]["value"] for _, body in answers] == [1, 1]
