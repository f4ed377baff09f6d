"""What a rule allows, and which rules it covers."""

from __future__ import annotations

import pytest

from workshop.lab.rbac.attributes import Attributes
from workshop.lab.rbac.rules import Rule, rule_of, uncovered

PODS = Rule(("get", "list"), ("",), ("pods",))
GET = Attributes("get", "", "pods", "ns", "web")


@pytest.mark.parametrize(
    ("rule", "wanted", "allowed"),
    [
        (PODS, GET, True),
        (PODS, Attributes("watch", "", "pods", "ns"), False),
        (PODS, Attributes("get", "apps", "pods", "ns"), False),
        (PODS, Attributes("get", "", "pods/log", "ns", "web"), False),
        (Rule(("*",), ("*",), ("*",)), Attributes("deletecollection", "apps", "deployments/scale"), True),
        (Rule(("*",), ("*",), ("*",)), Attributes("get", path="/metrics"), False),
        (Rule(("get",), ("",), ("pods/*",)), Attributes("get", "", "pods/log"), False),
        (Rule(("get",), ("",), ("*/log",)), Attributes("get", "", "pods/log"), True),
        (Rule(("get",), ("",), ("*/log",)), Attributes("get", "", "pods"), False),
        (Rule(("get",), ("",), ("pods",), ("web",)), GET, True),
        (Rule(("get",), ("",), ("pods",), ("db",)), GET, False),
        (Rule(("list",), ("",), ("pods",), ("web",)), Attributes("list", "", "pods", "ns"), False),
        (Rule(("get",), urls=("/metrics",)), Attributes("get", path="/metrics"), True),
        (Rule(("get",), urls=("/metrics/*",)), Attributes("get", path="/metrics/slis"), True),
        (Rule(("get",), urls=("/metrics/*",)), Attributes("get", path="/metrics"), False),
        (Rule(("get",), urls=("*",)), Attributes("post", path="/metrics"), False),
    ],
)
def test_a_rule_allows_its_verbs_on_its_resources_names_and_paths(
    rule: Rule, wanted: Attributes, allowed: bool
) -> None:
    assert rule.allows(wanted) is allowed


@pytest.mark.parametrize(
    ("held", "wanted", "covered"),
    [
        (PODS, Rule(("get",), ("",), ("pods",)), True),
        (PODS, Rule(("get",), ("",), ("pods",), ("web",)), True),
        (PODS, Rule(("get",), ("",), ("pods/log",)), False),
        (PODS, Rule(("get", "delete"), ("",), ("pods",)), False),
        (Rule(("get",), ("",), ("pods",), ("web",)), Rule(("get",), ("",), ("pods",)), False),
        (Rule(("get",), ("",), ("pods",), ("web",)), Rule(("get",), ("",), ("pods",), ("web", "db")), False),
        (Rule(("*",), ("*",), ("*",)), Rule(("bind",), ("apps",), ("*/scale",)), True),
        (Rule(("get",), ("",), ("*/log",)), Rule(("get",), ("",), ("pods/log",)), True),
        (Rule(("get",), ("",), ("pods",)), Rule(("get",), ("*",), ("pods",)), False),
        (Rule(("get",), urls=("/a/*",)), Rule(("get",), urls=("/a/b",)), True),
        (Rule(("get",), urls=("/a",)), Rule(("get",), urls=("/a/*",)), False),
    ],
)
def test_a_rule_covers_what_it_allows_and_nothing_more(held: Rule, wanted: Rule, covered: bool) -> None:
    assert held.covers(wanted) is covered


def test_several_rules_cover_one_together() -> None:
    wanted = [Rule(("get", "list"), ("", "apps"), ("pods", "secrets"))]
    held = [Rule(("get", "list"), ("",), ("pods",)), Rule(("get", "list"), ("", "apps"), ("secrets",))]
    assert uncovered(wanted, held) == [Rule(("get", "list"), ("apps",), ("pods",))]
    assert uncovered(wanted, [*held, Rule(("*",), ("apps",), ("pods",))]) == []


def test_a_rule_is_shown_as_the_api_server_shows_it() -> None:
    stored = {"verbs": ["get", "list"], "apiGroups": ["", "apps"], "resources": ["pods"], "resourceNames": ["web"]}
    shown = '{APIGroups:["" "apps"], Resources:["pods"], ResourceNames:["web"], Verbs:["get" "list"]}'
    assert str(rule_of(stored)) == shown
    assert rule_of(stored).object() == stored
