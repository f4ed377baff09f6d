"""Send real rows to a deployment as its callers do, and later the truth of each.

Requests are sent at the planned rate however long the answers take (an open loop), as long as the connections
suffice; a request that could not be sent in time is counted as `sent_late`. Standard library only.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import urlsplit

from delivery.cli import add_output, say
from delivery.contract import Server, request
from delivery.errors import DeliveryError
from delivery.task import TASKS
from delivery.usecase import CLASSIFICATION, LabelledRow, LabelledRows

TIMEOUT = 10.0
"""Seconds that one answer may take."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sent: `rate` requests a second of `rows` rows each; shares are from 0 to 1.

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
    """What came back. Codes are HTTP statuses, 0 for no answer; `sent_late` counts requests sent over 1 s late.

    `predicted` and `error` are sums over the rows, as `delivery.task.Task` has them.
    """

    codes: Counter[int] = field(default_factory=Counter)
    feedback_codes: Counter[int] = field(default_factory=Counter)
    predictors: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    rows: int = 0
    predicted: float = 0.0
    error: float = 0.0
    sent_late: int = 0
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """Predictions that got a 5xx or no answer."""
        return sum(count for code, count in self.codes.items() if code == 0 or code >= 500)

    def quantile(self, share: float) -> float:
        """Milliseconds within which this share of the answers came; 0 without any."""
        times = sorted(self.milliseconds)
        return times[min(int(len(times) * share), len(times) - 1)] if times else 0.0

    def summary(self, task: str = CLASSIFICATION) -> dict[str, Any]:
        """As JSON; shares and errors are of rows with an answer, None without any."""

        def mean(total: float) -> float | None:
            return round(total / self.rows, 4) if self.rows else None

        return {
            "requests": self.codes.total(),
            "codes": {str(code): count for code, count in sorted(self.codes.items())},
            "predictors": dict(sorted(self.predictors.items())),
            "rows": self.rows,
            **TASKS[task].figures(mean(self.predicted), mean(self.error)),
            "feedback": {str(code): count for code, count in sorted(self.feedback_codes.items())},
            "p50_ms": round(self.quantile(0.50), 1),
            "p95_ms": round(self.quantile(0.95), 1),
            "p99_ms": round(self.quantile(0.99), 1),
            "sent_late": self.sent_late,
            "seconds": round(self.seconds, 1),
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was answered: the last output of each row, and the message that reports its truth."""

    answers: Sequence[float]
    feedback: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Reply:
    """An answer: status, 0 for none; the predictor that the gateway names; the server's identifier; the body."""

    status: int = 0
    predictor: str = ""
    puid: str = ""
    body: Any = None


def asked_by(server: Server, columns: Sequence[str]) -> tuple[list[str], float]:
    """The columns that the deployment asks for and its threshold, from its metadata; else `columns` and 0.5."""
    body = server.get("/metadata").body
    try:
        names = list(body["inputs"][0]["schema"]["names"])
    except (KeyError, IndexError, TypeError):
        return list(columns), 0.5
    try:
        return names, float(body["custom"]["threshold"])
    except (KeyError, TypeError, ValueError):
        return names, 0.5


class Caller:
    """Calls one deployment and counts what comes back. Threads may share it; each has a connection of its own."""

    def __init__(self, url: str, labelled: LabelledRows, *, task: str = CLASSIFICATION) -> None:
        server = Server(url, TIMEOUT)
        self._url, self._task = urlsplit(server.url), TASKS[task]
        # Of a deployment that takes feedback only with its token.
        self._token = os.environ.get("FEEDBACK_TOKEN", "")
        self._names, self._threshold = asked_by(server, labelled.columns)
        known = labelled.rows[0].values
        unknown = [name for name in self._names if name not in known]
        if unknown:
            raise DeliveryError(f"{server.url} asks for {unknown[0]!r}, allowed: {', '.join(known)}")
        self._lock = Lock()
        self.report = Report()

    def connect(self) -> http.client.HTTPConnection:
        """A connection, which is opened by the first request."""
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        return kind(self._url.netloc, timeout=TIMEOUT)

    def ask(
        self, connection: http.client.HTTPConnection, rows: Sequence[LabelledRow], *, wrong: bool = False
    ) -> Asked | None:
        """Ask for a prediction of rows; None without an answer. A `wrong` request lacks a column."""
        asked = request(self._names, [[row.values[name] for name in self._names] for row in rows])
        if wrong:
            asked["data"]["ndarray"][0] = asked["data"]["ndarray"][0][:-1]
        began = time.perf_counter()
        reply = self._post(connection, "/api/v1.0/predictions", asked)
        took = (time.perf_counter() - began) * 1000
        answers = _outputs(reply.body) if reply.status == 200 else []
        with self._lock:
            self.report.codes[reply.status] += 1
            self.report.milliseconds.append(took)
            self.report.rows += len(answers)
            error = self._compare(answers, rows)
            if reply.predictor:
                self.report.predictors[reply.predictor] += 1
        return Asked(answers, self._feedback(asked, reply, rows, error)) if answers else None

    def send_truth(self, connection: http.client.HTTPConnection, asked: Asked) -> None:
        """Send the truth of the rows that a request asked about."""
        code = self._post(connection, "/api/v1.0/feedback", asked.feedback).status
        with self._lock:
            self.report.feedback_codes[code] += 1

    def count_late(self) -> None:
        """Count a request that is sent over a second late."""
        with self._lock:
            self.report.sent_late += 1

    def value(self, answer: float) -> float:
        """The predicted class as 0 or 1, or the value of a regression."""
        return self._task.predicted(answer, self._threshold)

    def _compare(self, answers: Sequence[float], chosen: Sequence[LabelledRow]) -> float:
        """Add predictions and errors to the report; the sum of the errors."""
        predicted = [self.value(answer) for answer in answers]
        error = sum(abs(one - row.truth) for one, row in zip(predicted, chosen, strict=False))
        self.report.predicted += sum(predicted)
        self.report.error += error
        return error

    def _feedback(
        self, asked: dict[str, Any], reply: _Reply, chosen: Sequence[LabelledRow], error: float
    ) -> dict[str, Any]:
        """The truth of a request in Seldon's protocol; a regression has no reward.

        It names the prediction by its identifier, so that a server counts it once although it may be sent again.
        """
        meta = {**(reply.body or {}).get("meta", {}), **({"puid": reply.puid} if reply.puid else {})}
        truth = [[self._task.truth(row.truth)] for row in chosen]
        return {
            "request": asked,
            "response": {"meta": meta},
            **self._task.reward(error, len(chosen)),
            "truth": {"data": {"ndarray": truth}},
        }

    def _post(self, connection: http.client.HTTPConnection, path: str, content: dict[str, Any]) -> _Reply:
        kept = connection.sock is not None
        try:
            headers = {"Content-Type": "application/json"}
            if self._token and path.endswith("/feedback"):
                headers["Authorization"] = f"Bearer {self._token}"
            connection.request("POST", self._url.path + path, json.dumps(content).encode(), headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            # The server may have closed a kept connection meanwhile: that is no failure of an answer.
            gone = isinstance(error, ConnectionError | http.client.RemoteDisconnected)
            return self._post(connection, path, content) if kept and gone else _Reply()
        predictor, puid = answer.getheader("x-predictor", ""), answer.getheader("seldon-puid", "")
        try:
            return _Reply(answer.status, predictor, puid, json.loads(text))
        except ValueError:
            return _Reply(answer.status)


class Traffic:
    """One plan against one deployment, from threads of its own."""

    def __init__(self, url: str, labelled: LabelledRows, plan: Plan, *, task: str = CLASSIFICATION) -> None:
        self._caller, self._plan, self._rows = Caller(url, labelled, task=task), plan, labelled.rows
        self._random = random.Random(plan.seed)  # noqa: S311 a sample, no secret
        self._lock, self._stopped, self._next = Lock(), Event(), 0
        self._threads: list[Thread] = []
        self._began = 0.0
        self.report = self._caller.report

    def start(self) -> None:
        """Begin to send; returns at once."""
        self._began = time.monotonic()
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(self._plan.connections)]
        for thread in self._threads:
            thread.start()

    def halt(self) -> None:
        """Send no more."""
        self._stopped.set()

    def stop(self) -> Report:
        """Send no more, wait for the answers that are due, and return what came back."""
        self.halt()
        return self.wait()

    def wait(self) -> Report:
        """Wait until the plan is done."""
        for thread in self._threads:
            thread.join()
        self.report.seconds = time.monotonic() - self._began
        return self.report

    def _work(self) -> None:
        connection = self._caller.connect()
        while (taken := self._take()) is not None:
            at, chosen, wrong, with_truth = taken
            if self._stopped.wait(max(0.0, at - time.monotonic())):
                break
            if time.monotonic() - at > 1.0:
                self._caller.count_late()
            asked = self._caller.ask(connection, chosen, wrong=wrong)
            if with_truth and asked:
                self._caller.send_truth(connection, asked)
        connection.close()

    def _take(self) -> tuple[float, list[LabelledRow], bool, bool] | None:
        """When the next request is due, its rows, whether it is a mistake, and whether its truth follows."""
        plan = self._plan
        with self._lock:
            number, self._next = self._next, self._next + 1
            due = number / plan.rate
            if self._stopped.is_set() or due >= plan.seconds or (plan.requests and number >= plan.requests):
                return None
            chosen = [self._random.choice(self._rows) for _ in range(plan.rows)]
            wrong, with_truth = self._random.random() < plan.mistakes, self._random.random() < plan.feedback
            return self._began + due, chosen, wrong, with_truth


def _outputs(body: Any) -> list[float]:
    """The last output of each row: the positive class's probability, or the value; none for another body."""
    try:
        return [float(outputs[-1]) for outputs in body["data"]["ndarray"]]
    except (KeyError, IndexError, TypeError, ValueError):
        return []


# -- the options of a command that sends traffic -------------------------------------------------------------------


def add_plan(parser: argparse.ArgumentParser) -> None:
    """The options that describe a plan."""
    parser.add_argument("--rate", type=_positive, default=20.0, metavar="R", help="requests a second (default: 20)")
    parser.add_argument("--rows", type=int, default=1, metavar="N", help="rows in a request (default: 1)")
    parser.add_argument("--seconds", type=_positive, default=0.0, help="for how long (default: 10, or --requests)")
    parser.add_argument("--requests", type=int, default=0, metavar="N", help="how many (default: as --seconds says)")
    parser.add_argument("--feedback", type=_share, nargs="?", const=1.0, default=0.0, metavar="SHARE",
                        help="send the truth for this share of the requests (alone: for all)")  # fmt: skip
    parser.add_argument("--mistakes", type=_share, default=0.0, metavar="SHARE", help="requests a column short")
    parser.add_argument("--connections", type=int, default=4, metavar="N", help="open at once (default: 4)")
    parser.add_argument("--seed", type=int, default=None, help="the same rows again")
    add_output(parser)


def plan_of(given: argparse.Namespace) -> Plan:
    """The plan that the options describe."""
    seconds = given.seconds or (float("inf") if given.requests else 10.0)
    return Plan(given.rate, max(given.rows, 1), seconds, given.requests, given.feedback, given.mistakes,
                max(given.connections, 1), given.seed)  # fmt: skip


def send(traffic: Traffic, task: str, of: str, output: str, positive: str = "positive") -> int:
    """Send until the plan is done or the process is interrupted; 1 when a request got a 5xx or no answer.

    `of` names the rows: `month 7`; `positive` the positive class.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: traffic.halt())
    traffic.start()
    report = traffic.wait()
    summary = {"of": of, **report.summary(task)}
    say(json.dumps(summary) if output == "json" else _text(summary, task, positive))
    return 1 if report.failed else 0


def _text(summary: dict[str, Any], task: str, positive: str) -> str:
    def listed(counts: dict[str, int]) -> str:
        return ", ".join(f"{name or 'no answer'}: {count}" for name, count in counts.items()) or "none"

    lines = [
        f"{summary['requests']} requests of {summary['of']} in {summary['seconds']} s",
        f"  codes       {listed({('' if code == '0' else code): n for code, n in summary['codes'].items()})}",
        f"  predictors  {listed(summary['predictors'])}",
        f"  latency     p50 {summary['p50_ms']} ms, p95 {summary['p95_ms']} ms, p99 {summary['p99_ms']} ms",
    ]
    if summary["rows"]:
        lines.append(f"  rows        {summary['rows']}: {TASKS[task].text(summary, positive)}")
    if summary["feedback"]:
        lines.append(f"  feedback    {listed(summary['feedback'])}")
    if summary["sent_late"]:
        lines.append(f"  {summary['sent_late']} were sent over 1 s late: more --connections or a smaller --rate")
    return "\n".join(lines)


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
