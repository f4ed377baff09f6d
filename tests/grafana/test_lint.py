"""The rules of Grafana's dashboard-linter about Prometheus, with the names that they have there.

The linter itself is a Go program that is in no package registry. EXCLUDED has the exceptions with their reasons; an
exception that is no longer needed fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from grafana_foundation_sdk.models import units

from tests.grafana.boards import FILES, filled, load

Board = dict[str, Any]
WITHOUT_QUERIES = ("row", "text", "dashlist", "news")
COUNTER = re.compile(r"_(total|count|bucket|sum)$")

EXCLUDED = {
    "template-job-rule": "a deployment is chosen by its own label, deployment_name, which every predictor of it has",
    "template-instance-rule": "an instance is a pod's address; people choose predictors and versions",
    "target-job-rule": "queries select by namespace and deployment_name: a job is a PodMonitor, of several deployments",
    "target-instance-rule": "sums over replicas are what matters; the panels of servers show each pod",
}


def _targets(board: Board) -> Iterator[tuple[str, dict[str, Any]]]:
    for panel in _with_queries(board):
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target


def _with_queries(board: Board) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] not in WITHOUT_QUERIES]


def _variables(board: Board, kind: str) -> list[dict[str, Any]]:
    return [one for one in board["templating"]["list"] if one["type"] == kind]


def _walk(expr: str) -> list[promql_parser.Expr]:
    found: list[promql_parser.Expr] = []
    promql_parser.walk(promql_parser.parse(filled(expr)), pre_visit=lambda node: found.append(node))
    return found


def _label_selectors(expr: str, label: str) -> bool:
    return all(re.search(rf'\b{label}=~?"', inside) for inside in re.findall(r"\{([^}]*)\}", expr))


def template_datasource(board: Board) -> list[str]:
    found = _variables(board, "datasource")
    good = len(found) == 1 and found[0]["name"] == "datasource" and found[0]["query"] == "prometheus"
    return [] if good and found[0]["label"] == "Data source" else [f"datasource variables: {found}"]


def template_job(board: Board) -> list[str]:
    return [] if any(one["name"] == "job" for one in _variables(board, "query")) else ["no variable job"]


def template_instance(board: Board) -> list[str]:
    return [] if any(one["name"] == "instance" for one in _variables(board, "query")) else ["no variable instance"]


def template_label_promql(board: Board) -> list[str]:
    faults = []
    for one in _variables(board, "query"):
        inside = re.fullmatch(r"label_values\((.+), \w+\)", one["query"]["query"])
        try:
            promql_parser.parse(filled(inside[1] if inside else ""))
        except ValueError as error:
            faults.append(f"{one['name']}: {error}")
    return faults


def template_on_time_change_reload(board: Board) -> list[str]:
    return [one["name"] for one in _variables(board, "query") if one["refresh"] != 2]


def panel_datasource(board: Board) -> list[str]:
    sources = [(panel["title"], panel["datasource"]["uid"]) for panel in _with_queries(board)]
    sources += [(at, target["datasource"]["uid"]) for at, target in _targets(board)]
    sources += [(one["name"], one["datasource"]["uid"]) for one in board["annotations"]["list"]]
    return [title for title, uid in sources if uid != "${datasource}"]


def panel_title_description(board: Board) -> list[str]:
    titles = [panel["title"] for panel in _with_queries(board)]
    twice = [title for title in titles if titles.count(title) > 1]
    return twice + [
        p["title"] or str(p["id"]) for p in _with_queries(board) if not (p["title"] and len(p["description"]) > 20)
    ]


def panel_units(board: Board) -> list[str]:
    known = {value for value in vars(units).values() if isinstance(value, str)}
    return [p["title"] for p in _with_queries(board) if p["fieldConfig"]["defaults"].get("unit") not in known]


def panel_no_targets(board: Board) -> list[str]:
    return [panel["title"] for panel in _with_queries(board) if not panel.get("targets")]


def target_promql(board: Board) -> list[str]:
    faults = []
    for at, target in _targets(board):
        try:
            promql_parser.parse(filled(target["expr"]))
        except ValueError as error:
            faults.append(f"{at}: {error}")
    return faults


def target_rate_interval(board: Board) -> list[str]:
    """A rate is over `$__rate_interval`; an increase may be over a window that is chosen."""
    faults = []
    for at, target in _targets(board):
        for function, window in re.findall(r"\b(i?rate)\(\w+\{[^}]*\}\[([^\]]+)\]", target["expr"]):
            if window != "$__rate_interval":
                faults.append(f"{at}: {function} over {window}")
    return faults


def target_job(board: Board) -> list[str]:
    return [at for at, target in _targets(board) if not _label_selectors(target["expr"], "job")]


def target_instance(board: Board) -> list[str]:
    return [at for at, target in _targets(board) if not _label_selectors(target["expr"], "instance")]


def target_counter_agg(board: Board) -> list[str]:
    """A counter is read through rate, irate or increase, and an aggregation comes after."""
    faults = []
    for at, target in _targets(board):
        nodes = _walk(target["expr"])
        read = [
            call.args[0].vector_selector.name
            for call in nodes
            if isinstance(call, promql_parser.Call)
            and call.func.name in ("rate", "irate", "increase")
            and isinstance(call.args[0], promql_parser.MatrixSelector)
        ]
        every = [node.name for node in nodes if isinstance(node, promql_parser.VectorSelector)]
        for name in set(every):
            if COUNTER.search(name or "") and every.count(name) > read.count(name):
                faults.append(f"{at}: {name} is read as it is")
    return faults


def uneditable_dashboard(board: Board) -> list[str]:
    return ["the dashboard can be edited"] if board["editable"] else []


RULES: dict[str, Callable[[Board], list[str]]] = {
    "panel-datasource-rule": panel_datasource,
    "panel-no-targets-rule": panel_no_targets,
    "panel-title-description-rule": panel_title_description,
    "panel-units-rule": panel_units,
    "target-counter-agg-rule": target_counter_agg,
    "target-instance-rule": target_instance,
    "target-job-rule": target_job,
    "target-promql-rule": target_promql,
    "target-rate-interval-rule": target_rate_interval,
    "template-datasource-rule": template_datasource,
    "template-instance-rule": template_instance,
    "template-job-rule": template_job,
    "template-label-promql-rule": template_label_promql,
    "template-on-time-change-reload-rule": template_on_time_change_reload,
    "uneditable-dashboard": uneditable_dashboard,
}
"""The two rules that are left out, target-logql and target-logql-auto, are of Loki."""


@pytest.mark.parametrize("rule", sorted(RULES.keys() - EXCLUDED.keys()))
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_dashboards_pass_the_linters_rule(path: Path, rule: str) -> None:
    assert RULES[rule](load(path)) == []


@pytest.mark.parametrize("rule", sorted(EXCLUDED))
def test_an_exclusion_is_needed_and_has_a_reason(rule: str) -> None:
    assert EXCLUDED[rule]
    assert any(RULES[rule](load(path)) for path in FILES), f"{rule} holds: take it out of EXCLUDED"


def _no_unit(board: Board) -> None:
    board["panels"][1]["fieldConfig"]["defaults"]["unit"] = "parsecs"


def _other_source(board: Board) -> None:
    board["panels"][1]["targets"][0]["datasource"]["uid"] = "prometheus-1"


def _expr(text: str) -> Callable[[Board], None]:
    return lambda board: board["panels"][1]["targets"][0].update(expr=text)


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("panel-datasource-rule", _other_source),
        ("panel-no-targets-rule", lambda board: board["panels"][1].update(targets=[])),
        ("panel-title-description-rule", lambda board: board["panels"][1].update(description="")),
        ("panel-title-description-rule", lambda board: board["panels"][1].update(title=board["panels"][2]["title"])),
        ("panel-units-rule", _no_unit),
        ("target-counter-agg-rule", _expr("sum(a_total) / sum(rate(a_total[$__rate_interval]))")),
        ("target-promql-rule", _expr("sum(rate(a_total[$__rate_interval])")),
        ("target-rate-interval-rule", _expr("sum(rate(a_total{a='b'}[5m]))")),
        ("template-datasource-rule", lambda board: board["templating"]["list"].pop(0)),
        (
            "template-label-promql-rule",
            lambda b: b["templating"]["list"][1]["query"].update(query="label_values(x{, y)"),
        ),
        ("template-on-time-change-reload-rule", lambda board: board["templating"]["list"][1].update(refresh=0)),
        ("uneditable-dashboard", lambda board: board.update(editable=True)),
    ],
)
def test_a_breach_of_the_rule_is_noticed(rule: str, spoil: Callable[[Board], None]) -> None:
    board = load(FILES[-1])
    assert RULES[rule](board) == []
    spoil(board)
    assert RULES[rule](board)
