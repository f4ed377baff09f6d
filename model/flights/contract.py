"""Check that an answering server is the model that was trained, and that it refuses what it must.

    python -m flights.contract --url http://127.0.0.1:9000 --model models/serving/model.json

Waits until the server is ready, sends the sample rows of model.json and compares each probability with
training's, sends the mistakes callers make, and wants a 4xx for each and a 5xx for none. With --requests it
also sends that many good rows and can hold the 95th percentile of their time to a bound. Standard library
only, one request at a time over a new connection each: a bound that callers meet, not a load test.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flights import card
from flights.card import CLASSES, Card
from flights.cli import exit_code, say
from flights.errors import FlightsError

TOLERANCE = 1e-5
"""Largest difference in probability between what is served and what scikit-learn gave in training."""
_PREDICT = "/api/v1.0/predictions"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of one answer; the body is None when it is no JSON."""

    status: int
    body: Any
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """One check: its name, whether it passed, and what was seen."""

    name: str
    passed: bool
    seen: str


class Server:
    """A server by its base URL or its prediction URL, asked with a bound on every wait."""

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        self.url, self.timeout = url.rstrip("/").removesuffix(_PREDICT), timeout

    def get(self, path: str) -> Answer:
        """GET a path, or a whole URL."""
        return self._ask(path, None)

    def post(self, body: bytes | dict[str, Any], path: str = _PREDICT) -> Answer:
        """POST JSON, or bytes that claim to be JSON."""
        return self._ask(path, body if isinstance(body, bytes) else json.dumps(body).encode())

    def _ask(self, path: str, body: bytes | None) -> Answer:
        url = path if "://" in path else f"{self.url}{path}"
        request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:  # noqa: S310
                status, text = response.status, response.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode("utf-8", "replace")
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            return Answer(0, None, f"no answer from {url}: {reason}")
        try:
            return Answer(status, json.loads(text, parse_constant=_no_constant), text)
        except ValueError:
            return Answer(status, None, text)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def wait(server: Server, seconds: float) -> float:
    """Seconds until the model was loaded; FlightsError when it is not within the bound.

    /health/ping alone may answer before that, so /health/status is asked too.
    """
    started = time.monotonic()
    while True:
        path = "/health/ping"
        answer = server.get(path)
        if answer.status == 200:
            path = "/health/status"
            answer = server.get(path)
        waited = time.monotonic() - started
        if answer.status == 200:
            return waited
        if waited > seconds:
            raise FlightsError(
                f"{server.url}{path}: not ready after {waited:.1f} s ({answer.text[:200]}), allowed: "
                f"{seconds:g} s, next: look at the server's log"
            )
        time.sleep(0.05)


def checks(server: Server, made: Card, metrics_url: str = "") -> Iterator[Result]:
    """Every check in turn, each as soon as it is done."""
    yield _parity("sample rows one by one", server, made, [[row] for row in made.sample.rows])
    yield _parity("sample rows as a batch", server, made, [made.sample.rows])
    yield _names(server, made)
    yield _shuffled(server, made)
    for name, body in mistakes(made):
        yield _refused(name, server.post(body))
    yield _answers("metadata", server.get("/metadata"), lambda body: body["name"] == made.name, made.name)
    if metrics_url:
        answer = server.get(metrics_url)
        found = "model_predictions_total" in answer.text
        seen = "model_predictions_total is there" if found else f"{answer.status}, no model_predictions_total"
        yield Result("metrics", answer.status == 200 and found, seen)


def latency(server: Server, made: Card, requests: int, max_milliseconds: float) -> Result:
    """Good rows in turn: all answered with 200, and 95 of 100 within the bound (0: no bound)."""
    times: list[float] = []
    for number in range(requests):
        body = request(made.sample.names, [made.sample.rows[number % len(made.sample.rows)]])
        started = time.perf_counter()
        answer = server.post(body)
        times.append((time.perf_counter() - started) * 1000)
        if answer.status != 200:
            return Result("latency", False, f"request {number}: {answer.status} {answer.text[:200]}")
    times.sort()
    median, slow = times[len(times) // 2], times[min(len(times) * 95 // 100, len(times) - 1)]
    bound = f", allowed: {max_milliseconds:g} ms" if max_milliseconds else ""
    seen = f"{requests} requests, half within {median:.1f} ms, 95 % within {slow:.1f} ms{bound}"
    return Result("latency", not max_milliseconds or slow <= max_milliseconds, seen)


def mistakes(made: Card) -> list[tuple[str, bytes | dict[str, Any]]]:
    """Bodies that a server must refuse with a 4xx."""
    names, good = made.sample.names, made.sample.rows[0]
    number = next(index for index, entry in enumerate(made.inputs) if entry["type"] != "string")
    found: list[tuple[str, bytes | dict[str, Any]]] = [
        ("a column too few", request(names, [good[:-1]])),
        ("a column too many", request(names, [[*good, 1]])),
        ("a name that no column has", request([*names[:-1], "nobody"], [good])),
        ("a word where a number is due", request(names, [_replaced(good, number, "abc")])),
        ("no rows", request(names, [])),
        ("no data", {}),
        ("malformed JSON", b'{"data": {"ndarray": [['),
        ("a body that is no object", b"[1, 2, 3]"),
    ]
    for index, entry in enumerate(made.inputs):
        if "enum" in entry:
            name = f"an unknown {entry['name']}"
            found.append((name, request(names, [_replaced(good, index, "no such value")])))
    return found


def request(names: list[str], rows: list[list[Any]]) -> dict[str, Any]:
    """The body of a prediction in Seldon's protocol."""
    return {"data": {"names": names, "ndarray": rows}}


def _replaced(row: list[Any], index: int, value: Any) -> list[Any]:
    return [*row[:index], value, *row[index + 1 :]]


def _parity(name: str, server: Server, made: Card, batches: list[list[list[Any]]]) -> Result:
    expected, worst, row = iter(made.sample.late), 0.0, 0
    for batch in batches:
        answer = server.post(request(made.sample.names, batch))
        late = _late(answer)
        if late is None or len(late) != len(batch):
            return Result(name, False, f"row {row}: {answer.status} {answer.text[:200]}")
        for served in late:
            trained = next(expected)
            worst = max(worst, abs(served - trained))
            if not worst <= TOLERANCE:
                return Result(
                    name, False, f"row {row}: {served:.7f}, training gave {trained:.7f}, allowed: {TOLERANCE}"
                )
            row += 1
    return Result(name, True, f"{row} rows, largest difference to training {worst:.1e}")


def _late(answer: Answer) -> list[float] | None:
    """The probability of late of each row, or None when the answer is no such table."""
    try:
        return [float(late) for _, late in answer.body["data"]["ndarray"]] if answer.status == 200 else None
    except (KeyError, TypeError, ValueError):
        return None


def _names(server: Server, made: Card) -> Result:
    answer = server.post(request(made.sample.names, made.sample.rows[:1]))
    got = answer.body.get("data", {}).get("names") if isinstance(answer.body, dict) else None
    return Result("names of the answer", got == list(CLASSES), f"{got}")


def _shuffled(server: Server, made: Card) -> Result:
    """The same row with its columns and names the other way round."""
    answer = server.post(request(made.sample.names[::-1], [made.sample.rows[0][::-1]]))
    late = _late(answer)
    passed = late is not None and len(late) == 1 and abs(late[0] - made.sample.late[0]) <= TOLERANCE
    return Result("columns in another order", passed, "the same probability" if passed else answer.text[:200])


def _refused(name: str, answer: Answer) -> Result:
    info = ""
    if isinstance(answer.body, dict):
        info = str((answer.body.get("status") or {}).get("info", ""))
    return Result(f"refuses {name}", 400 <= answer.status < 500, f"{answer.status} {info or answer.text[:200]}")


def _answers(name: str, answer: Answer, holds: Callable[[Any], bool], allowed: str) -> Result:
    try:
        passed = answer.status == 200 and holds(answer.body)
    except (KeyError, TypeError):
        passed = False
    return Result(name, passed, allowed if passed else f"{answer.status} {answer.text[:200]}, allowed: {allowed}")


def main(argv: list[str] | None = None) -> int:
    """One line a check; exit 1 when one fails."""
    parser = argparse.ArgumentParser(prog="python -m flights.contract", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--url", required=True, help="of the server, for example http://127.0.0.1:9000")
    parser.add_argument("--model", type=Path, default=Path("models/serving/model.json"), help="what it must serve")
    parser.add_argument("--metrics-url", default="", help="where its metrics are, when they are to be checked")
    parser.add_argument("--requests", type=int, default=0, metavar="N", help="time N good requests as well")
    parser.add_argument("--max-latency-ms", type=float, default=0.0, help="bound on 95 of 100 of them (default: none)")
    parser.add_argument("--max-start-seconds", type=float, default=30.0, help="how long it may take to be ready")
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    given = parser.parse_args(argv)
    made, server = card.load(given.model), Server(given.url)
    waited = wait(server, given.max_start_seconds)
    results = [Result("ready", True, f"after {waited:.2f} s")]
    _tell(results[0], given.output)
    for result in _all(server, made, given):
        results.append(result)
        _tell(result, given.output)
    failed = [result.name for result in results if not result.passed]
    if failed and given.output == "text":
        say(f"{len(failed)} of {len(results)} checks failed: {', '.join(failed)}")
    return 1 if failed else 0


def _all(server: Server, made: Card, given: argparse.Namespace) -> Iterator[Result]:
    yield from checks(server, made, given.metrics_url)
    if given.requests > 0:
        yield latency(server, made, given.requests, given.max_latency_ms)


def _tell(result: Result, output: str) -> None:
    if output == "json":
        say(json.dumps({"check": result.name, "passed": result.passed, "seen": result.seen}))
    else:
        say(f"{'ok  ' if result.passed else 'FAIL'} {result.name:<32} {result.seen}")


if __name__ == "__main__":
    sys.exit(exit_code(main))
