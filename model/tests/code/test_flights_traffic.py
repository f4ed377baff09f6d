"""Traffic uses real flights at the given rate, and counts every answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from delivery.traffic import Plan, Report, Traffic
from delivery.usecase import LabelledRow, LabelledRows
from flights import traffic
from flights.schema import FEATURES

Answering = Callable[[str, dict[str, Any]], tuple[int, dict[str, Any]]]


class Deployment:
    """A server with scripted answers that records the requests."""

    def __init__(self, answering: Answering) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.tokens: set[tuple[str, str]] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet: two wait 40 ms for each other

            def do_GET(self) -> None:
                self._answer(404, {})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.seen.append((self.path, body))
                outer.tokens.add((self.path, self.headers.get("Authorization", "")))
                self._answer(*answering(self.path, body))

            def _answer(self, code: int, body: dict[str, Any]) -> None:
                raw = json.dumps(body).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(raw)))
                self.send_header("x-predictor", "main")
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def sent(self, path: str) -> list[dict[str, Any]]:
        return [body for at, body in self.seen if at.endswith(path)]


@pytest.fixture
def deployment() -> Iterator[Callable[[Answering], Deployment]]:
    made: list[Deployment] = []

    def start(answering: Answering) -> Deployment:
        made.append(Deployment(answering))
        return made[-1]

    yield start
    for one in made:
        one.close()


def always_late(path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    rows = body.get("data", {}).get("ndarray", [])
    return 200, {"data": {"names": ["on_time", "late"], "ndarray": [[0.1, 0.9] for _ in rows]}, "meta": {}}


FLIGHTS = LabelledRows([LabelledRow(dict.fromkeys(FEATURES, n), float(n % 2 == 0)) for n in range(4)], FEATURES)


def run(url: str, plan: Plan) -> Report:
    made = Traffic(url, FLIGHTS, plan)
    made.start()
    return made.wait()


def test_truth_follows_the_rows_that_were_asked_about(deployment: Callable[[Answering], Deployment]) -> None:
    server = deployment(always_late)
    report = run(server.url, Plan(rate=1000, rows=3, requests=20, feedback=1.0))
    asked, reported = server.sent("/predictions"), server.sent("/feedback")
    assert len(asked) == len(reported) == 20
    assert report.codes == {200: 20}
    assert report.feedback_codes == {200: 20}
    assert report.predictors == {"main": 20}
    assert report.predicted == report.rows == 60
    for body in reported:
        late = [int(row[0] % 2 == 0) for row in body["request"]["data"]["ndarray"]]
        assert body["truth"]["data"]["ndarray"] == [[one] for one in late]
        assert body["reward"] == pytest.approx(sum(late) / 3)


def test_only_the_given_share_of_truth_is_sent(deployment: Callable[[Answering], Deployment]) -> None:
    server = deployment(always_late)
    run(server.url, Plan(rate=5000, requests=200, feedback=0.5, seed=1))
    assert 60 < len(server.sent("/feedback")) < 140
    server.seen.clear()
    run(server.url, Plan(rate=5000, requests=20))
    assert not server.sent("/feedback")


def test_the_token_goes_with_feedback_and_with_nothing_else(
    deployment: Callable[[Answering], Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEEDBACK_TOKEN", "of-the-airline")
    server = deployment(always_late)
    run(server.url, Plan(rate=1000, requests=5, feedback=1.0))
    assert server.tokens == {("/api/v1.0/predictions", ""), ("/api/v1.0/feedback", "Bearer of-the-airline")}


def test_failures_and_missing_answers_are_counted_apart(deployment: Callable[[Answering], Deployment]) -> None:
    server = deployment(lambda path, body: (503, {}))
    report = run(server.url, Plan(rate=1000, requests=7, feedback=1.0))
    assert (report.codes, report.failed) == ({503: 7}, 7)
    assert not report.feedback_codes
    server.close()
    report = run(server.url, Plan(rate=1000, requests=3))
    assert (report.codes, report.failed) == ({0: 3}, 3)


def test_mistakes_lack_a_column(deployment: Callable[[Answering], Deployment]) -> None:
    server = deployment(always_late)
    run(server.url, Plan(rate=1000, requests=10, mistakes=1.0))
    assert {len(body["data"]["ndarray"][0]) for body in server.sent("/predictions")} == {len(FEATURES) - 1}


def test_requests_keep_to_the_rate(deployment: Callable[[Answering], Deployment]) -> None:
    server = deployment(always_late)
    report = run(server.url, Plan(rate=50, seconds=0.5))
    assert report.codes.total() == 25
    assert report.seconds >= 0.45


def test_traffic_stops_when_stopped(deployment: Callable[[Answering], Deployment]) -> None:
    made = Traffic(deployment(always_late).url, FLIGHTS, Plan(rate=1))
    made.start()
    assert made.stop().codes.total() <= 2


@pytest.fixture
def some_flights(real_months: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the first thousand flights of July, where the command line finds them."""
    lines = (real_months / "flights-2013-07.csv").read_text().splitlines(keepends=True)
    file = tmp_path / "data" / "flights-2013-07.csv"
    file.parent.mkdir()
    file.write_text("".join(lines[:1001]))
    monkeypatch.setenv("FLIGHTS_HOME", str(tmp_path))
    return file.parent


def test_flights_are_those_of_the_file_with_their_truth(some_flights: Path) -> None:
    found = traffic.flights_of(7, some_flights)
    lines = (some_flights / "flights-2013-07.csv").read_text().splitlines()
    assert len(found.rows) == len(lines) - 1
    assert sum(flight.truth for flight in found.rows) == sum(line.endswith(",1") for line in lines[1:])
    assert isinstance(found.rows[0].values["temp"], float | None)
    assert isinstance(found.rows[0].values["carrier"], str)
    assert "late" not in found.rows[0].values


def test_a_flight_is_asked_about_at_its_departure_and_known_after_its_arrival(some_flights: Path) -> None:
    rows = traffic.flights_of(7, some_flights).rows
    first = rows[0]
    assert datetime.fromtimestamp(first.asked_at, UTC).date().isoformat() == first.values["date"] == "2013-07-01"
    assert first.asked_at % 86400 == 60 * first.values["sched_dep"]
    minutes = [(row.known_at - row.asked_at) / 60 for row in rows]
    # 15 minutes after the scheduled arrival by the clock of the destination.
    assert min(minutes) > 15 and max(minutes) < 1440 + 15
    assert [row.asked_at for row in rows] == sorted(row.asked_at for row in rows)


def test_a_callers_mistakes_are_those_that_were_asked_for(
    deployment: Callable[[Answering], Deployment], some_flights: Path
) -> None:
    sent: dict[tuple[str, ...], list[list[Any]]] = {}
    for words in ((), ("--kilometres",), ("--to", "ILM")):
        server = deployment(always_late)
        same = ["--url", server.url, "--requests", "3", "--rate", "1000", "--month", "7", "--seed", "1"]
        assert traffic.main([*same, "--connections", "1", *words]) == 0
        sent[words] = [body["data"]["ndarray"][0] for body in server.sent("/predictions")]
    distance, dest = FEATURES.index("distance"), FEATURES.index("dest")
    kilometres = [round(row[distance] * 1.609344) for row in sent[()]]
    assert [row[distance] for row in sent[("--kilometres",)]] == kilometres
    assert [row[dest] for row in sent[("--to", "ILM")]] == ["ILM"] * 3


def test_several_months_are_refused_where_one_is_meant(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        traffic.main(["--url", "http://127.0.0.1:9", "--month", "9-12"])
    assert "got '9-12', allowed: one month, 1 to 12" in capsys.readouterr().err


def test_a_server_that_cannot_be_reached_ends_with_1(capsys: pytest.CaptureFixture[str], some_flights: Path) -> None:
    words = ["--url", "http://127.0.0.1:9", "--requests", "2", "--rate", "100", "--month", "7", "-o", "json"]
    assert traffic.main(words) == 1
    assert json.loads(capsys.readouterr().out)["codes"] == {"0": 2}
