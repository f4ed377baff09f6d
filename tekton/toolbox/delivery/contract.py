"""Check that an answering server is the model that was trained, and that it refuses what it must.

It waits until the server is ready, sends the sample rows of model.json and compares each answer with training's,
sends the mistakes that callers make, and expects a 4xx for each and a 5xx for none. Standard library only, one request
at a time over a new connection each: a bound that callers meet, not a load test.
"""

from __future__ import annotations

import json
import math
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from delivery.card import Card
from delivery.errors import DeliveryError

TOLERANCE = 1e-5
"""Largest difference between an output that is served and training's, as a share of the output where that is over 1."""
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
    """A server by its base URL or its prediction URL, a request takes at most `timeout` seconds."""

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
    """Seconds until the model was loaded; DeliveryError when it is not within the bound.

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
            raise DeliveryError(
                f"{server.url}{path}: not ready after {waited:.1f} s ({answer.text[:200]}), allowed: {seconds:g} s",
                next="look at the server's log",
            )
        time.sleep(0.05)


def checks(server: Server, made: Card, metrics_url: str = "") -> Iterator[Result]:
    """Every check in turn, each as soon as it is done."""
    yield _parity("sample rows one by one", server, made, [[row] for row in made.rows])
    yield _parity("sample rows as a batch", server, made, [made.rows])
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
        body = request(made.names, [made.rows[number % len(made.rows)]])
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
    names, good = made.names, made.rows[0]
    number = next((index for index, entry in enumerate(made.inputs) if entry["type"] != "string"), None)
    found: list[tuple[str, bytes | dict[str, Any]]] = [
        ("a column too few", request(names, [good[:-1]])),
        ("a column too many", request(names, [[*good, 1]])),
        ("a name that no column has", request([*names[:-1], "no such column"], [good])),
        ("no rows", request(names, [])),
        ("no data", {}),
        ("malformed JSON", b'{"data": {"ndarray": [['),
        ("a body that is no object", b"[1, 2, 3]"),
    ]
    if number is not None:
        found.append(("a word where a number is due", request(names, [_replaced(good, number, "abc")])))
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
    expected, worst, row = iter(made.answers), 0.0, 0
    for batch in batches:
        answer = server.post(request(made.names, batch))
        rows = _outputs(answer)
        if rows is None or len(rows) != len(batch):
            return Result(name, False, f"row {row}: {answer.status} {answer.text[:200]}")
        for served in rows:
            trained = next(expected)
            difference = _difference(served, trained)
            worst = max(worst, difference)
            if not difference <= TOLERANCE:
                shown = f"{_shown(served)}, training gave {_shown(trained)}, allowed: {TOLERANCE}"
                return Result(name, False, f"row {row}: {shown}")
            row += 1
    return Result(name, True, f"{row} rows, largest difference to training {worst:.1e}")


def _difference(served: list[float], trained: list[float]) -> float:
    """The largest difference of two rows of outputs; infinite for another number of outputs, or for NaN."""
    if len(served) != len(trained):
        return math.inf
    found = [abs(one - other) / max(1.0, abs(other)) for one, other in zip(served, trained, strict=True)]
    return math.inf if any(math.isnan(one) for one in found) else max(found)


def _shown(outputs: list[float]) -> str:
    return ", ".join(f"{one:.7g}" for one in outputs)


def _outputs(answer: Answer) -> list[list[float]] | None:
    """The outputs of each row, or None when the answer is no such table."""
    try:
        table = answer.body["data"]["ndarray"] if answer.status == 200 else None
        return None if table is None else [[float(one) for one in outputs] for outputs in table]
    except (KeyError, TypeError, ValueError):
        return None


def _names(server: Server, made: Card) -> Result:
    answer = server.post(request(made.names, made.rows[:1]))
    got = answer.body.get("data", {}).get("names") if isinstance(answer.body, dict) else None
    return Result("names of the answer", got == made.outputs, f"{got}")


def _shuffled(server: Server, made: Card) -> Result:
    """The same row with its columns and names in the opposite order."""
    answer = server.post(request(made.names[::-1], [made.rows[0][::-1]]))
    rows = _outputs(answer)
    passed = rows is not None and len(rows) == 1 and _difference(rows[0], made.answers[0]) <= TOLERANCE
    return Result("columns in another order", passed, "the same answer" if passed else answer.text[:200])


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
