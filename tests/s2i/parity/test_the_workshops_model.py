"""The flights model under both servers: its requests, its metadata, its counters, its refusals; and how each ends."""

from __future__ import annotations

import json

from tests.s2i.parity.probes import FEEDBACK, Both, Probe
from tests.s2i.parity.servers import KIT, Series

MODEL = ("model_predictions", "model_output_decile", "model_feedback")
"""The counters of the workshop's model."""


def request(name: str = "flight") -> dict[str, object]:
    found: dict[str, object] = json.loads((KIT / "seldon" / "requests" / f"{name}.json").read_text())
    return found


def counters(series: Series) -> dict[str, float]:
    """The model's own counters, with the labels that it gave them."""
    own = ("class", "decile", "predicted", "actual", "bin", "slice", "value", "method")
    return {
        f"{name}{[value for key, value in labels if key in own]}": count
        for (name, labels), count in series.items()
        if name.startswith(MODEL) and name.endswith("_total") and count and ("method", "health") not in labels
    }


def test_requests_are_answered_alike_and_counted_alike(flight_delay: Both) -> None:
    before = [counters(server.series()) for server in (flight_delay.stock, flight_delay.own)]
    for _ in range(3):
        stock, own = flight_delay.ask(Probe("flight", request()))
        assert (stock.status, own.status) == (200, 200)
        assert stock.json["data"] == own.json["data"]
    for label in (["late"], [1]):
        truth = {"data": {"ndarray": [label]}}
        stock, own = flight_delay.ask(Probe("feedback", {"request": request(), "reward": 1, "truth": truth}, FEEDBACK))
        assert stock.status == own.status, (stock.text, own.text)
    after = [counters(server.series()) for server in (flight_delay.stock, flight_delay.own)]
    added = [
        {name: count - was.get(name, 0) for name, count in now.items() if count != was.get(name, 0)}
        for was, now in zip(before, after, strict=True)
    ]
    assert added[0] == added[1]
    assert any(name.startswith("model_predictions_total") for name in added[0])
    for counted in ("model_feedback_total", "model_feedback_bin_total", "model_feedback_slice_total"):
        assert any(name.startswith(counted) for name in added[0]), counted


def test_metadata_is_the_same(flight_delay: Both) -> None:
    stock, own = flight_delay.ask(Probe("metadata", None, "/metadata", "GET"))
    assert stock.json == own.json


def test_a_model_refuses_alike_under_both(flight_delay: Both) -> None:
    message = request()
    message["data"]["ndarray"][0][0] = "no such carrier"  # type: ignore[index]
    stock, own = flight_delay.ask(Probe("refused", message))
    assert (stock.status, own.status) == (400, 400), (stock.text, own.text)


def test_both_servers_explain_alike_and_count_no_prediction(flight_delay: Both) -> None:
    before = [counters(server.series()) for server in (flight_delay.stock, flight_delay.own)]
    asked = {"jsonData": {"explain": request()["data"]}}
    stock, own = flight_delay.ask(Probe("explain", asked))
    assert stock.status == own.status == 200
    assert stock.json["jsonData"] == own.json["jsonData"]
    assert len(own.json["jsonData"]["explanation"]["parts"]) == 5
    assert [counters(server.series()) for server in (flight_delay.stock, flight_delay.own)] == before
    asked["jsonData"]["explain"]["ndarray"][0][3] = "ZZ"  # type: ignore[index]
    stock, own = flight_delay.ask(Probe("explain", asked))
    assert stock.status == own.status == 400
    assert stock.json["status"]["info"] == own.json["status"]["info"]
    assert "row 0, carrier: got 'ZZ', allowed: one of 9E, AA" in own.json["status"]["info"]


def test_both_end_on_sigterm(findings: list[str], counted: Both) -> None:
    # After `findings` has read what they counted.
    assert [server.stop() for server in (counted.stock, counted.own)] == [0, 0]
