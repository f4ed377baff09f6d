"""What callers may send within the protocol is answered alike, whatever it is."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.s2i.parity.probes import COLUMNS, FEEDBACK, PREDICT, Both, Probe, found_in_answers, rows

quick = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
KIT = Path(__file__).resolve().parents[3]

numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
names = st.none() | st.lists(st.text(max_size=5), min_size=3, max_size=3)
tables = st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=4)
texts = st.lists(st.lists(st.text(max_size=5), min_size=3, max_size=3), min_size=1, max_size=4)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
tags = st.dictionaries(st.sampled_from("abc"), st.text(max_size=5) | st.booleans(), max_size=2)


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    """A message of any kind, with the meta that a caller may add."""
    kind = draw(st.sampled_from(["ndarray", "text", "tensor", "jsonData", "strData", "binData"]))
    message: dict[str, Any]
    if kind in ("ndarray", "text"):
        table: list[list[Any]] = draw(tables if kind == "ndarray" else texts)
        message = rows(*table, names=draw(names))
    elif kind == "tensor":
        flat = [value for row in draw(tables) for value in row]
        message = {"data": {"tensor": {"shape": [len(flat) // 3, 3], "values": flat}}}
    elif kind == "jsonData":
        message = {"jsonData": draw(st.dictionaries(st.text(max_size=5), values, max_size=4))}
    elif kind == "strData":
        # Some words make this model do other things.
        message = {"strData": draw(st.text(max_size=20)) + "."}
    else:
        message = {"binData": base64.b64encode(draw(st.binary(max_size=20))).decode()}
    if draw(st.booleans()):
        message["meta"] = {"puid": draw(st.text("abc123", min_size=1)), "tags": draw(tags)}
    return message


flights_of_late: st.SearchStrategy[tuple[Any, ...]] = st.tuples(
    st.sampled_from(["DL", "UA"]),
    st.integers(0, 23),
    st.floats(0, 4000, width=32),
    st.none() | st.floats(0, 60, width=32),
)


@quick
@given(message=messages())
def test_every_kind_of_payload_comes_back_alike(echo: Both, message: dict[str, Any]) -> None:
    probe = Probe("generated", message)
    assert list(found_in_answers("echo", probe, *echo.ask(probe))) == []


@quick
@given(batch=st.lists(flights_of_late, min_size=1, max_size=5))
def test_a_model_with_a_schema_gets_the_same_rows(late: Both, batch: list[tuple[Any, ...]]) -> None:
    # A null in the first row keeps the types apart: without one, the wrapper makes texts of all values.
    first = [*batch[0][:3], None]
    probe = Probe("generated", rows(first, *map(list, batch[1:]), names=COLUMNS))
    assert list(found_in_answers("late", probe, *late.ask(probe))) == ["late/generated: meta.metrics"]


@quick
@given(reward=st.floats(0, 1), truth=st.integers(0, 1), batch=st.lists(flights_of_late, min_size=1, max_size=3))
def test_feedback_is_taken_alike(late: Both, reward: float, truth: int, batch: list[tuple[Any, ...]]) -> None:
    request = rows(*([*row[:3], None] for row in batch), names=COLUMNS)
    probe = Probe("generated", {"request": request, "reward": reward, "truth": rows([truth])}, FEEDBACK)
    assert list(found_in_answers("late", probe, *late.ask(probe))) == ["late/generated: meta.metrics"]


def schema(both: Both) -> list[dict[str, Any]]:
    """The columns of the workshop's model, as its card says them."""
    found: list[dict[str, Any]] = json.loads((both.own.folder / "models/serving/model.json").read_text())["inputs"]
    return found


def cells(column: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a column allows."""
    low, high = column.get("minimum"), column.get("maximum")
    if column["type"] == "string":
        kept = st.sampled_from(column["enum"]) if "enum" in column else st.just("x")
    elif column["type"] == "integer":
        kept = st.integers(low, high)
    else:
        kept = st.floats(low, high, width=32)
    return kept | st.none() if column.get("nullable") else kept


@quick
@given(data=st.data())
def test_the_workshops_model_answers_alike(flight_delay: Both, data: st.DataObject) -> None:
    columns = schema(flight_delay)
    row = data.draw(st.tuples(*map(cells, columns)))
    message = rows(list(row), names=[column["name"] for column in columns])
    stock, own = flight_delay.ask(Probe("generated", message, PREDICT))
    assert (stock.status, own.status) == (200, 200), (stock.text, own.text)
    assert stock.json["data"] == own.json["data"]
    assert stock.json["meta"]["tags"] == own.json["meta"]["tags"]
