"""AlertmanagerConfigs as a configuration that Alertmanager's own tool accepts, with the operator's semantics."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from workshop.lab.monitoring import checking
from workshop.lab.monitoring.routing import Routing, Sources, check, parse, routing, text

Json = dict[str, Any]
SOURCES = Sources(lambda namespace, name, key: f"{namespace}.{name}.{key}", lambda url: url)


def obj(route: Json | None = None, *, webhook: Json | None = None, name: str = "a", **spec: Any) -> Json:
    """An AlertmanagerConfig of the namespace `one` with one webhook."""
    receivers = [{"name": "hook", "webhookConfigs": [webhook or {"url": "http://here/x"}]}]
    return {
        "metadata": {"name": name, "namespace": "one"},
        "spec": {"route": {"receiver": "hook", **(route or {})}, "receivers": receivers, **spec},
    }


def made(of: Json, sources: Sources = SOURCES) -> Routing:
    return routing(parse(of), sources)


def test_an_object_gets_the_alerts_of_its_own_namespace_and_no_other_object_loses_them() -> None:
    route = {
        "groupBy": ["deployment_name"],
        "groupWait": "5s",
        "groupInterval": "1m",
        "repeatInterval": "4h",
        "matchers": [{"name": "starts", "value": "retrain"}, {"name": "a", "value": 'b"\\', "matchType": "!~"}],
        "continue": False,
        "routes": [{"receiver": "hook", "continue": True, "matchers": [{"name": "c", "regex": True, "value": ".+"}]}],
    }
    assert made(obj(route)).route == {
        "receiver": "one/a/hook",
        "group_by": ["deployment_name"],
        "group_wait": "5s",
        "group_interval": "1m",
        "repeat_interval": "4h",
        "matchers": ['starts="retrain"', 'a!~"b\\"\\\\"', 'namespace="one"'],
        "continue": True,
        "routes": [{"receiver": "one/a/hook", "continue": True, "matchers": ['c=~".+"']}],
    }


def test_a_webhook_gets_its_address_and_its_token_from_secrets_of_its_namespace() -> None:
    credentials = {"name": "s", "key": "token"}
    webhook = {
        "urlSecret": {"name": "s", "key": "url"},
        "sendResolved": False,
        "maxAlerts": 3,
        "httpConfig": {"authorization": {"credentials": credentials}, "followRedirects": False},
    }
    (receiver,) = made(obj(webhook=webhook)).receivers
    authorization = {"type": "Bearer", "credentials": "one.s.token"}
    assert receiver == {
        "name": "one/a/hook",
        "webhook_configs": [
            {
                "url": "one.s.url",
                "send_resolved": False,
                "max_alerts": 3,
                "http_config": {"authorization": authorization, "follow_redirects": False},
            }
        ],
    }


def test_an_inhibition_is_about_alerts_of_one_namespace() -> None:
    rule = {"sourceMatch": [{"name": "a", "value": "1"}], "targetMatch": [], "equal": ["b"]}
    (inhibition,) = made(obj(inhibitRules=[rule])).inhibit_rules
    both = ['namespace="one"']
    assert inhibition == {"source_matchers": ['a="1"', *both], "target_matchers": both, "equal": ["b"]}


def test_the_configuration_of_several_objects_is_one_that_alertmanager_loads() -> None:
    without_route = obj()
    del without_route["spec"]["route"]
    parts = [made(obj()), made(obj(name="b", inhibitRules=[{"equal": ["x"]}])), made(without_route)]
    written = yaml.safe_load(text(parts))
    assert written["route"]["receiver"] == "null"
    assert [one["name"] for one in written["receivers"]] == ["null", "one/a/hook", "one/b/hook"]
    assert checking.alertmanager_errors(text(parts)) == () == checking.alertmanager_errors(text([]))


WRONG: dict[str, tuple[Json, str]] = {
    "a route without a receiver": (obj({"receiver": ""}), "root route must define a receiver"),
    "an unknown receiver": (obj({"routes": [{"receiver": "other"}]}), 'receiver "other" not found'),
    "a label twice": (obj({"groupBy": ["a", "a"]}), 'duplicate label "a"'),
    "two receivers of one name": (obj(receivers=[{"name": "hook"}, {"name": "hook"}]), "is not unique"),
    "a webhook without an address": (obj(webhook={"sendResolved": True}), "one of 'url' or 'urlSecret'"),
    "a pattern that is none": (
        obj({"matchers": [{"name": "a", "value": "(", "matchType": "=~"}]}),
        "missing closing )",
    ),
    "a duration that is none": (obj({"groupWait": "5 minutes"}), "not a valid duration"),
    "an unknown field in an inner route": (obj({"routes": [{"recipient": "hook"}]}), "recipient"),
    "a route that is none": (obj({"routes": ["hook"]}), "Expected `object`"),
    "an address that is none": (obj(webhook={"url": "here"}), "unsupported scheme"),
}


@pytest.mark.parametrize(("of", "message"), WRONG.values(), ids=WRONG)
def test_what_the_operator_or_alertmanager_would_not_take_is_refused(of: Json, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        check(parse(of))
    assert message in str(caught.value)


def test_routes_end_at_a_depth() -> None:
    route: Json = {"receiver": "hook"}
    for _ in range(30):
        route = {"receiver": "hook", "routes": [route]}
    with pytest.raises(ValueError, match="inside each other"):
        check(parse(obj(route)))
