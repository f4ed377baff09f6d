"""PrometheusRules as rules files.

As in OpenShift's monitoring of user projects, a rule sees its own namespace only: each selector gets the matcher, and
each alert gets the label. So the same rules in staging and in production make separate alerts.
"""

from __future__ import annotations

from typing import Any

import msgspec
import promql_parser

from workshop.lab.monitoring import checking
from workshop.lab.monitoring.monitors import refused
from workshop.lab.monitoring.text import to_yaml
from workshop.manifests.monitoring import PrometheusRule, Rule, RuleGroup


def rule_file(obj: dict[str, Any]) -> str:
    """The file of an object's rules, as Prometheus loads it.

    Raises ValueError with all errors, one a line, when Prometheus would not load it.
    """
    try:
        rule = msgspec.convert(obj, PrometheusRule)
    except msgspec.ValidationError as e:
        raise ValueError(str(e)) from e
    namespace, name = rule.metadata.namespace or "", rule.metadata.name or ""
    groups = rule.spec.groups or []
    plain = [_group(group, group.name, group.rules or []) for group in groups]
    unsupported = [
        f"{path}: {why}" for index, group in enumerate(groups) for path, why in refused(group, f"spec.groups[{index}]")
    ]
    if errors := unsupported or checking.rule_errors(_text(plain)):
        raise ValueError("\n".join(errors))
    made = []
    for group in groups:
        rules = [_confined(one, namespace, group) for one in group.rules or []]
        made.append(_group(group, f"{namespace}/{name}/{group.name}", rules))
    text = _text(made)
    if errors := checking.rule_errors(text):
        raise ValueError("\n".join(errors))
    return text


def in_namespace(query: str, namespace: str) -> str:
    """The query with the namespace in each of its selectors. Raises ValueError when it cannot be parsed."""

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


def _confined(rule: Rule, namespace: str, group: RuleGroup) -> Rule:
    """A rule with its namespace and the group's labels.

    Prometheus supports labels of a group only from version 3 on.
    """
    try:
        expr = in_namespace(str(rule.expr), namespace)
    except ValueError as e:
        raise ValueError(f'group "{group.name}", rule "{rule.alert or rule.record}": {e}') from e
    labels = {**(group.labels or {}), **(rule.labels or {}), "namespace": namespace}
    return msgspec.structs.replace(rule, expr=expr, labels=labels)


def _group(group: RuleGroup, name: str, rules: list[Rule]) -> dict[str, Any]:
    """A group as Prometheus reads it.

    `partial_response_strategy` belongs to Thanos; the operator does not pass it to Prometheus either. An empty duration
    means none, but Prometheus does not accept it.
    """
    made: dict[str, Any] = {"name": name}
    for key in ("interval", "limit"):
        value = getattr(group, key)
        if value not in (None, ""):
            made[key] = value
    made["rules"] = [
        {key: value for key, value in msgspec.to_builtins(rule).items() if value != "" or key == "expr"}
        for rule in rules
    ]
    return made


def _text(groups: list[dict[str, Any]]) -> str:
    return to_yaml({"groups": groups})
