"""The requests to both servers, and the findings when their answers differ."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.s2i.parity.servers import Answer, Series, Server, run_check

PREDICT, FEEDBACK = "/api/v1.0/predictions", "/api/v1.0/feedback"
COLUMNS = ["carrier", "hour", "distance", "age"]
ROW = ["UA", 12, 100, None]
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=edge"


def form(*parts: tuple[str, bytes], file: bool = False) -> bytes:
    """A multipart body."""
    name = b'content-disposition: form-data; name="%s"' + (b'; filename="f"' if file else b"")
    return (
        b"".join(b"--edge\r\n" + name % key.encode() + b"\r\n\r\n" + value + b"\r\n" for key, value in parts)
        + b"--edge--"
    )


@dataclass(frozen=True)
class Probe:
    """One request; its name is what findings and the table of differences call it."""

    name: str
    body: object = None
    path: str = PREDICT
    method: str = "POST"
    content_type: str = "application/json"
    header: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Both:
    """The two servers with the same model and the same environment."""

    stock: Server
    own: Server

    def ask(self, probe: Probe) -> tuple[Answer, Answer]:
        headers = {"origin": "http://elsewhere", **probe.headers}
        if probe.method != "GET":
            headers["content-type"] = probe.content_type
        stock, own = (s.ask(probe.method, probe.path, probe.body, **headers) for s in (self.stock, self.own))
        return stock, own


def rows(*values: object, names: list[str] | None = None) -> dict[str, object]:
    """A message with an ndarray."""
    data: dict[str, object] = {"ndarray": list(values)}
    return {"data": data if names is None else {"names": names, **data}}


GOOD = rows(ROW, names=COLUMNS)
LATE = [
    Probe("good", GOOD),
    Probe("two rows", rows(ROW, ["DL", 0, 0.5, 3], names=COLUMNS)),
    Probe("/predict", GOOD, "/predict"),
    Probe("v0.1", GOOD, "/api/v0.1/predictions"),
    Probe("puid and tags", {"meta": {"puid": "p1", "tags": {"a": 1}}, **GOOD}),
    Probe("caller's metrics", {"meta": {"metrics": [{"key": "k", "type": "GAUGE", "value": 1}]}, **GOOD}),
    Probe("no names", rows(ROW)),
    Probe("other order", rows([12, "UA", 100, None], names=["hour", "carrier", "distance", "age"])),
    Probe(
        "column missing",
        {"data": {"names": ["hour", "distance"], "tensor": {"shape": [1, 2], "values": [1, 2]}}},
    ),
    Probe("unknown value", rows(["XX", 12, 100, None], names=COLUMNS)),
    Probe("too few values", rows(["UA", 12], names=COLUMNS)),
    Probe("text", {"strData": "x"}),
    Probe("model fails", rows(["UA", 12, 4242, None], names=COLUMNS)),
    Probe("NaN from the model", rows(["UA", 12, 4243, None], names=COLUMNS)),
    Probe("feedback", {"request": GOOD, "reward": 0.5, "truth": rows([1])}, FEEDBACK),
    Probe("feedback on /send-feedback", {"request": GOOD, "reward": 0.25, "truth": rows([1])}, "/send-feedback"),
    Probe("feedback with reward 0", {"request": GOOD, "reward": 0, "truth": rows([1])}, FEEDBACK),
    Probe("feedback with an unknown field", {"requestt": 1}, FEEDBACK),
    Probe("feedback with a reward that is no number", {"request": GOOD, "reward": "x"}, FEEDBACK),
    Probe("feedback by GET", None, "/send-feedback?json=%7B%22reward%22%3A1%7D", "GET"),
    Probe(
        "feedback as a form",
        b"json=" + quote(json.dumps({"request": GOOD, "reward": 1, "truth": rows([1])})).encode(),
        "/send-feedback",
        content_type=FORM,
    ),
    Probe("feedback as a form on the public path", b"json=%7B%22reward%22%3A1%7D", FEEDBACK, content_type=FORM),
    Probe("feedback on v0.1", {"request": GOOD, "reward": 1, "truth": rows([1])}, "/api/v0.1/feedback"),
    Probe("large reward", {"request": GOOD, "reward": 1e7}, FEEDBACK),
    Probe("from another site", GOOD, headers={"sec-fetch-site": "cross-site"}),
    Probe("POST /transform-input", GOOD, "/transform-input"),
    *(Probe(f"GET {path}", None, path, "GET") for path in ("/health/ping", "/health/status", "/metadata")),
    *(Probe(f"GET {path}", None, path, "GET") for path in ("/api/v1.0/health/status", "/api/v1.0/metadata")),
]
COUNTED = (
    "good", "two rows", "/predict", "feedback", "feedback on /send-feedback", "feedback with reward 0",
    "GET /health/status",
)  # fmt: skip
"""Whose effect on the metrics is compared."""
ECHO = [
    Probe("numbers", rows([1, 2], [3, 4.5])),
    Probe("names", rows([1, 2], names=["a", "b"])),
    Probe("texts", rows(["a", "b"])),
    Probe("one dimension", rows(1, 2)),
    Probe("three dimensions", rows([[1, 2], [3, 4]])),
    Probe("booleans", rows([True, False])),
    Probe("nulls", rows([None, 1])),
    Probe("no rows", rows()),
    Probe("tensor", {"data": {"tensor": {"shape": [2, 2], "values": [1, 2, 3, 4]}}}),
    Probe("jsonData", {"jsonData": {"a": [1, None, "x"]}}),
    Probe("jsonData is a list", {"jsonData": [1, 2]}),
    Probe("jsonData is text", {"jsonData": "x"}),
    Probe("jsonData is a number", {"jsonData": 1}),
    Probe("jsonData is null", {"jsonData": None}),
    Probe("strData", {"strData": "hello"}),
    Probe("binData", {"binData": "aGVsbG8="}),
    Probe("answer of another kind", {"strData": "greet"}),
    Probe("list of numpy's numbers", rows(["numbers"])),
    Probe("list for a text", {"strData": "numbers"}),
    Probe("refused", {"strData": "refuse"}),
    Probe("TypeError", {"strData": "type"}),
    Probe("feedback without send_feedback", {"request": rows([1]), "reward": 1}, FEEDBACK),
    Probe("empty body", b""),
    Probe("null", b"null"),
    Probe("a list", b"[1]"),
    Probe("no payload", {}),
    Probe("cut off", b"{"),
    Probe("NaN", b'{"data":{"ndarray":[[NaN]]}}'),
    Probe("ragged", rows([1, 2], [3])),
    Probe("wrong shape", {"data": {"tensor": {"shape": [3], "values": [1]}}}),
    Probe("data is null", {"data": None}),
    Probe("data is empty", {"data": {}}),
    Probe("ndarray is text", {"data": {"ndarray": "x"}}),
    Probe("strData is a number", {"strData": 1}),
    Probe("not base64", {"binData": "!!"}),
    Probe("large body", {"strData": "x" * 2_200_000}),
    Probe("multipart data", form(("data", b'{"ndarray":[[1,2]]}'), ("meta", b'{"puid":"p"}')), content_type=MULTIPART),
    Probe("multipart strData", form(("strData", b"a \xc3\xa4 b")), content_type=MULTIPART),
    Probe("multipart binData", form(("binData", b"\x00\r\n\xff"), file=True), content_type=MULTIPART),
    Probe("multipart strData as a file", form(("strData", b"word"), file=True), content_type=MULTIPART),
    Probe("multipart without parts", b"--edge--", content_type=MULTIPART),
    Probe("byte order mark", b'\xef\xbb\xbf{"strData":"hello"}'),
    Probe("UTF-16", '{"strData":"hello"}'.encode("utf-16")),
    Probe("gzip", gzip.compress(b'{"strData":"hello"}', mtime=0), headers={"content-encoding": "gzip"}),
    Probe("ragged answer", {"strData": "ragged"}),
    Probe("sys.exit", {"strData": "exit"}),
    Probe("text/plain", {"strData": "hello"}, content_type="text/plain"),
    Probe("PUT", rows([1]), method="PUT"),
    Probe("GET predictions", None, PREDICT, "GET"),
    Probe("message in the query", None, "/predict?json=%7B%22strData%22%3A%22hello%22%7D", "GET"),
    Probe("origin", rows([1]), header="access-control-allow-origin"),
    *(Probe(f"GET {path}", None, path, "GET") for path in ("/health/ping", "/health/status", "/metadata")),
    *(
        Probe(f"GET {path}", None, path, "GET")
        for path in ("/predict", "/nope", "/seldon.json", "/live", "/ready", "/v2")
    ),
]


STARTS = {
    "predict_raw": "class Node:\n def predict(self, X): return X\n def predict_raw(self, message): return message\n",
    "router": "class Node:\n def route(self, X, names): return 0\n",
    "model": "class Node:\n def predict(self, X): return X\n",
}
"""Classes that may start under one server alone."""


def found_at_the_start(name: str, folder: Path) -> Iterator[str]:
    """What differs when each server checks that the class starts."""
    (folder / "Node.py").write_text(STARTS[name])
    stock, own = (run_check(server, "Node", folder).returncode for server in ("seldon-core", "modelserver"))
    if stock != own:
        yield f"start/{name}: exit code {stock} -> {own}"


def found_in_answers(model: str, probe: Probe, stock: Answer, own: Answer) -> Iterator[str]:
    """What differs between two answers, one finding each."""
    where = f"{model}/{probe.name}: "
    if stock.status != own.status:
        yield f"{where}status {stock.status} -> {own.status}"
        return
    if stock.content_type != own.content_type:
        yield f"{where}content type {stock.content_type} -> {own.content_type}"
    if probe.header and stock.headers.get(probe.header) != own.headers.get(probe.header):
        yield f"{where}header {probe.header}"
    if stock.json is None or own.json is None:
        if stock.text.strip() != own.text.strip():
            yield f"{where}text"
        return
    left, right = parts(stock.json), parts(own.json)
    for part in sorted(left.keys() | right.keys()):
        # As text: NaN is not equal to itself.
        if repr(left.get(part)) != repr(right.get(part)) and left.get(part) != right.get(part):
            yield where + (f"text of a {own.status}" if part == "status.info" else part)


def parts(message: Any) -> dict[str, Any]:
    """A message's parts that are compared one by one: `meta` and `status` a level deeper."""
    flat: dict[str, Any] = {}
    for key, value in message.items() if isinstance(message, dict) else [("value", message)]:
        if key in ("meta", "status") and isinstance(value, dict):
            flat |= {f"{key}.{name}": part for name, part in value.items()}
        else:
            flat[key] = value
    return flat


def found_in_series(stock: Series, own: Series) -> Iterator[str]:
    """What differs between two expositions; the bounds of buckets count as equal to 12 digits."""
    left, right = _by_rounded_bound(stock), _by_rounded_bound(own)
    if left.keys() & right.keys() and _bounds(stock) != _bounds(own):
        yield "metrics: last digits of le"
    for key in sorted(left.keys() | right.keys()):
        name = f"{key[0]}{{{','.join('='.join(label) for label in key[1])}}}"
        if key not in right:
            yield f"metrics: only stock {name}"
        elif key not in left:
            yield f"metrics: only own {name}"
        elif left[key] != right[key]:
            yield f"metrics: {name} {left[key]:g} -> {right[key]:g}"


def _bounds(series: Series) -> set[str]:
    return {value for name, labels in series if name == "late_time_bucket" for key, value in labels if key == "le"}


def _by_rounded_bound(series: Series) -> Series:
    def rounded(labels: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((key, f"{float(value):.12g}" if key == "le" else value) for key, value in labels)

    return {(name, rounded(labels)): value for (name, labels), value in series.items()}
