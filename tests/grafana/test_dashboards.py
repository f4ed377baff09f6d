"""The dashboards: equal to the committed files, valid, with queries that parse and panels with descriptions."""

from __future__ import annotations

import copy
import enum
import json
import types
import typing
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.render import RENDERED, RULE, rendered
from tests.grafana.boards import FILES, expressions, filled, load, panels


def test_what_is_committed_is_what_renders() -> None:
    want = rendered()
    assert {path: path.read_text(encoding="utf-8") for path in [*RENDERED.glob("*.json"), RULE]} == want, (
        "run `make dashboards` and commit what it made"
    )


@pytest.mark.parametrize("expr", [pytest.param(expr, id=name) for name, expr in expressions()])
def test_every_query_parses(expr: str) -> None:
    promql_parser.parse(filled(expr))


def test_a_query_that_does_not_parse_is_noticed() -> None:
    with pytest.raises(ValueError):
        promql_parser.parse(filled("sum(rate(x[$__rate_interval])"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_panels_do_not_overlap(path: Path) -> None:
    cells: set[tuple[int, int]] = set()
    for panel in load(path)["panels"]:
        at = panel["gridPos"]
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not mine & cells and at["x"] + at["w"] <= 24, panel["title"]
        cells |= mine


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_ids_and_ref_ids_are_set_and_differ(path: Path) -> None:
    ids = [panel["id"] for panel in load(path)["panels"]]
    assert len(set(ids)) == len(ids) and 0 not in ids
    for panel in panels(path):
        refs = [target["refId"] for target in panel["targets"]]
        assert all(refs) and len(set(refs)) == len(refs), panel["title"]


def test_dashboards_have_uids_of_their_own() -> None:
    uids = [load(path)["uid"] for path in FILES]
    assert all(uids) and len(set(uids)) == len(uids)


# -- valid: the SDK's types, which are made from Grafana's own schema, read every key and every type of value ---


def faults(path: Path, body: dict[str, Any]) -> list[str]:
    """What of a dashboard's JSON the SDK's types do not hold: keys they drop, and values of another type."""
    register_default_plugins()
    decoded = Dashboard.from_json(copy.deepcopy(body))
    again = json.loads(JSONEncoder().encode(decoded))
    return [*_differences(body, again, path.stem), *_wrong_types(decoded, path.stem)]


def _differences(one: Any, other: Any, at: str) -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        lost = [f"{at}.{key}: no such key" for key in one.keys() - other.keys()]
        return lost + [
            f for key in one.keys() & other.keys() for f in _differences(one[key], other[key], f"{at}.{key}")
        ]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [f for i, (a, b) in enumerate(zip(one, other, strict=True)) for f in _differences(a, b, f"{at}[{i}]")]
    return [] if one == other else [f"{at}: {one!r} is read as {other!r}"]


def _wrong_types(value: Any, at: str) -> list[str]:
    """Each attribute against its annotation, down the tree."""
    found = []
    if isinstance(value, list | dict):
        items = enumerate(value) if isinstance(value, list) else value.items()
        return [fault for key, item in items for fault in _wrong_types(item, f"{at}[{key}]")]
    if not type(value).__module__.startswith("grafana_foundation_sdk.models") or isinstance(value, enum.Enum):
        return []
    hints = typing.get_type_hints(type(value))
    for name, attribute in vars(value).items():
        if name in hints and not _is_a(attribute, hints[name]):
            found.append(f"{at}.{name}: {attribute!r} is no {hints[name]}")
        found += _wrong_types(attribute, f"{at}.{name}")
    return found


def _is_a(value: Any, hint: Any) -> bool:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint in (typing.Any, object) or isinstance(hint, typing.TypeVar):
        return True
    if origin in (typing.Union, types.UnionType):
        return any(_is_a(value, arg) for arg in args)
    if origin is typing.Literal:
        return value in args
    if origin is list:
        return isinstance(value, list) and all(_is_a(item, args[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_is_a(item, args[1]) for item in value.values())
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return value in [member.value for member in hint]
    if isinstance(value, dict) and hasattr(hint, "from_json"):
        # The SDK leaves some parts as they came: they are read here.
        return _is_whole(hint, value)
    return not isinstance(hint, type) or isinstance(value, hint)


def _is_whole(model: Any, body: dict[str, Any]) -> bool:
    decoded = model.from_json(copy.deepcopy(body))
    return json.loads(JSONEncoder().encode(decoded)) == body and not _wrong_types(decoded, "")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_sdk_reads_every_key_and_type_of_the_json(path: Path) -> None:
    assert faults(path, load(path)) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda board: board.update(uids="x"), "serving.uids: no such key"),
        (lambda board: board.update(title=7), "title: 7 is no"),
        (lambda board: board["panels"][1]["gridPos"].update(w="6"), "grid_pos.w: '6' is no"),
        (lambda board: board["panels"][1]["options"].update(graph="area"), "options.graph: no such key"),
        (lambda board: board["panels"][1]["options"].update(graphMode="areas"), "'areas' is no"),
        (lambda board: board["panels"][1].update(transformations=[{"id": "merge", "option": {}}]), "transformations"),
    ],
)
def test_json_that_grafana_would_not_understand_is_noticed(change: Any, message: str) -> None:
    path = RENDERED / "serving.json"
    board = load(path)
    change(board)
    assert any(message in fault for fault in faults(path, board)), faults(path, board)
