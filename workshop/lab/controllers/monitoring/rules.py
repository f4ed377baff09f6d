"""PrometheusRules become the rule files of the lab's Prometheus, a file each.

As OpenShift's monitoring of user projects does, a rule sees its own namespace only: the matcher goes into each
selector, and the label onto each alert. So the same rules in staging and in production make an alert each where they
are true. An object with a query that does not parse is left out as a whole and told by an event, and the others stay.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import promql_parser
import yaml

from workshop.lab.controllers.events import Events
from workshop.lab.kinds import Object, built_in
from workshop.lab.store import Store


def write_rules(store: Store, folder: Path) -> bool:
    """Bring the files in line with the objects; whether anything changed."""
    wanted = {}
    for rule in store.list(built_in("PrometheusRule")):
        meta = rule["metadata"]
        try:
            body = {"groups": [_group(group, meta) for group in (rule.get("spec") or {}).get("groups") or []]}
        except ValueError as e:
            Events(store, "prometheus-operator").emit(rule, "InvalidConfiguration", str(e), warning=True)
            continue
        wanted[f"{meta['namespace']}-{meta['name']}.yaml"] = yaml.safe_dump(body, sort_keys=False)
    folder.mkdir(parents=True, exist_ok=True)
    there = {path.name: path.read_text() for path in folder.glob("*.yaml")}
    for name in there.keys() - wanted.keys():
        (folder / name).unlink()
    for name, text in wanted.items():
        if there.get(name) != text:
            partial = folder / f"{name}.new"
            partial.write_text(text)
            partial.replace(folder / name)
    return there != wanted


def in_namespace(query: str, namespace: str) -> str:
    """The query with the namespace in each of its selectors. Raises ValueError when it does not parse."""

    def matched(node: promql_parser.Expr) -> promql_parser.Expr | None:
        if not isinstance(node, promql_parser.VectorSelector):
            return None
        text, name = node.prettify(), node.name or ""
        matchers, rest = [f'namespace="{namespace}"'], text[len(name) :]
        if rest.startswith("{"):
            rest = rest[1:]
            if not rest.startswith("}"):
                matchers.append("")
        else:
            rest = "}" + rest
        return promql_parser.parse(f"{name}{{{','.join(matchers)}{rest}")

    return str(promql_parser.transform(promql_parser.parse(query), post_visit=matched).prettify())


def _group(group: Object, meta: Object) -> dict[str, Any]:
    """A group under a name of its own: two namespaces may have groups of the same name.

    `partial_response_strategy` is of Thanos, and the operator does not hand it to Prometheus either.
    """
    if "query_offset" in group:
        raise ValueError(
            f"group {group['name']}: query_offset is newer than the Prometheus of the lab; allowed: offset"
        )
    made: dict[str, Any] = {"name": f"{meta['namespace']}/{meta['name']}/{group['name']}"}
    made |= {key: group[key] for key in ("interval", "limit") if key in group}
    made["rules"] = [_rule(rule, meta["namespace"], group) for rule in group.get("rules") or []]
    return made


def _rule(rule: Object, namespace: str, group: Object) -> dict[str, Any]:
    """A rule with its namespace, and with the group's labels, which older versions of Prometheus do not know."""
    try:
        expr = in_namespace(str(rule["expr"]), namespace)
    except ValueError as e:
        name = rule.get("alert") or rule.get("record")
        raise ValueError(f"group {group['name']}, rule {name}: the query does not parse: {e}") from e
    labels = {**(group.get("labels") or {}), **(rule.get("labels") or {}), "namespace": namespace}
    return {**rule, "expr": expr, "labels": labels}
