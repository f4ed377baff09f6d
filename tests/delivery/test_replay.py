"""Past rows are played at their times and their truth when it became known; alerts are listed by both clocks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from delivery import replay
from delivery.errors import DeliveryError
from delivery.prometheus import Series
from delivery.replay import Fired, Replay
from delivery.traffic import Caller
from delivery.usecase import LabelledRow, LabelledRows

DAY = 86400.0
SEPTEMBER = datetime(2013, 9, 30, tzinfo=UTC).timestamp()


class _Handler(BaseHTTPRequestHandler):
    """Predicts 0.9 for even numbers and 0.1 for odd ones, and records what comes when."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    seen: list[tuple[str, int, float]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind = self.path.rpartition("/")[2]
        number = (body["request"] if kind == "feedback" else body)["data"]["ndarray"][0][0]
        type(self).seen.append((kind, number, time.monotonic()))
        late = 0.1 if number % 2 else 0.9
        self._answer(200, {"data": {"ndarray": [[1 - late, late]]}, "meta": {}})

    def do_GET(self) -> None:
        self._answer(404, {})

    def _answer(self, code: int, body: object) -> None:
        raw = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        pass


Seen = list[tuple[str, int, float]]


@pytest.fixture
def server() -> Iterator[tuple[str, Seen]]:
    seen: Seen = []
    handler = type("Handler", (_Handler,), {"seen": seen})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{http.server_address[1]}", seen
    http.shutdown()
    http.server_close()


def rows(days: dict[int, float], known_after: float = 0.5) -> LabelledRows:
    """A row for each number, so many days after the 30th of September; an even one is positive."""
    made = [
        LabelledRow({"n": n}, float(n % 2 == 0), SEPTEMBER + day * DAY, SEPTEMBER + (day + known_after) * DAY)
        for n, day in days.items()
    ]
    return LabelledRows(made, ["n"])


def play(url: str, periods: list[LabelledRows], speed: float, **more: float) -> Replay:
    played = Replay(Caller(url, periods[0]), periods, speed, **more)  # type: ignore[arg-type]
    played.start()
    assert played.wait(20)
    return played


def test_rows_come_in_their_order_and_at_their_times(server: tuple[str, Seen]) -> None:
    url, seen = server
    # The file is not in order. Half a second is a day.
    play(url, [rows({2: 0.0, 3: 0.4, 1: 0.2}), rows({4: 0.8})], speed=2 * DAY)
    asked = [(number, at) for kind, number, at in seen if kind == "predictions"]
    assert [number for number, _ in asked] == [2, 1, 3, 4]
    began = asked[0][1]
    assert [at - began for _, at in asked] == pytest.approx([0, 0.1, 0.2, 0.4], abs=0.08)


def test_the_truth_comes_when_it_became_known_and_after_the_answer(server: tuple[str, Seen]) -> None:
    url, seen = server
    played = play(url, [rows({2: 0.0, 3: 0.1, 4: 0.6}, known_after=0.4)], speed=2 * DAY)
    assert [(kind, number) for kind, number, _ in seen] == [
        ("predictions", 2), ("predictions", 3), ("feedback", 2), ("feedback", 3), ("predictions", 4), ("feedback", 4),
    ]  # fmt: skip
    assert played.months["2013-09"].known == 3


def test_each_month_has_its_figures(server: tuple[str, Seen]) -> None:
    played = play(server[0], [rows({1: 0, 2: 0.1}), rows({4: 1.0, 5: 1.2, 6: 1.3})], speed=20 * DAY)
    september, october = replay.tables(played, [])["months"]
    assert (september["month"], september["rows"], september["predicted"], september["actual"]) == (
        "2013-09",
        2,
        0.5,
        0.5,
    )
    assert (october["month"], october["rows"], october["known"], october["error"]) == ("2013-10", 3, 3, 0)


def test_a_share_of_the_rows_is_chosen_by_the_seed(server: tuple[str, Seen]) -> None:
    url, seen = server
    many = rows({n: n / 1000 for n in range(400)})

    def chosen(seed: int) -> set[int]:
        seen.clear()
        play(url, [many], speed=20 * DAY, share=0.25, seed=seed)
        return {number for kind, number, _ in seen if kind == "predictions"}

    first, again, other = chosen(1), chosen(1), chosen(2)
    assert first == again != other
    assert 60 < len(first) < 140


def test_a_replay_that_is_halted_ends_at_once(server: tuple[str, Seen]) -> None:
    played = Replay(Caller(server[0], rows({1: 0})), [rows({1: 0.0, 2: 10_000.0})], speed=1)
    played.start()
    assert not played.wait(0.1)
    played.halt()
    assert played.wait(5)


@pytest.mark.parametrize(
    ("labelled", "error"),
    [
        (LabelledRows([LabelledRow({"n": 1}, 0.0)], ["n"]), "has no times"),
        (LabelledRows([], ["n"]), "the period has no rows"),
    ],
)
def test_rows_that_cannot_be_replayed_are_refused(server: tuple[str, Seen], labelled: LabelledRows, error: str) -> None:
    caller = Caller(server[0], rows({1: 0}))
    with pytest.raises(DeliveryError, match=error):
        Replay(caller, [labelled], 1)


def alert(name: str, times: list[float], **labels: str) -> Series:
    return Series({"alertname": name, "deployment_name": "d", **labels}, [(at, 1.0) for at in times])


def test_an_alert_that_ends_and_fires_again_is_two() -> None:
    found = replay.fired(
        [
            alert("FeatureDrift", [90, 105, 110, 115, 300, 305], feature="temp"),
            alert("ModelDrift", [120]),
            alert("Old", [50]),
        ],
        since=100,
    )
    assert found == [
        Fired("FeatureDrift", "temp", 90, 25, earlier=True),
        Fired("ModelDrift", "", 120, 0),
        Fired("FeatureDrift", "temp", 300, 5),
    ]


def test_an_alert_is_listed_with_its_month_and_both_clocks(server: tuple[str, Seen]) -> None:
    played = play(server[0], [rows({1: 0, 2: 1.0})], speed=10 * DAY)
    october = played.months["2013-10"].began
    left_over = Fired("FeatureDrift", "distance", october - 60, 90, earlier=True)
    found = replay.tables(played, [left_over, Fired("ModelDrift", "main", october + 0.05, 3)])
    earlier, one = found["alerts"]
    assert earlier["earlier"] and not one["earlier"]
    assert (one["alert"], one["about"], one["month"], one["fired_seconds"]) == ("ModelDrift", "main", "2013-10", 3)
    assert one["at"].startswith("2013-10-01 1")
    assert [month["alerts"] for month in found["months"]] == [[], ["ModelDrift"]]
