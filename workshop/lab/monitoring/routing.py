"""AlertmanagerConfigs as Alertmanager's configuration.

The semantics are those of prometheus-operator 0.78 (`pkg/alertmanager/amcfg.go`) with its default strategy, which
OpenShift's monitoring of user projects has: each object receives the alerts of its own namespace only. Its route gets
the matcher of the namespace and `continue: true`, its receivers the name `<namespace>/<object>/<receiver>`, and both
sides of its inhibitions the matcher. Alerts that no object receives go to a receiver that sends nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from workshop.lab.monitoring import checking
from workshop.lab.monitoring.monitors import Refusal, refused
from workshop.lab.monitoring.text import to_yaml
from workshop.manifests.alerting import (
    AlertmanagerConfig,
    AlertMatcher,
    AlertRoute,
    HTTPConfig,
    InhibitRule,
    Receiver,
    SecretKey,
    WebhookConfig,
)

NOWHERE = "null"
"""The name of the receiver that sends nothing, as OpenShift calls its own."""
MAX_DEPTH = 10
"""Routes inside routes; the operator has no limit."""
Json = dict[str, Any]


@dataclass(frozen=True)
class Sources:
    """What a configuration takes from other objects.

    `secret(namespace, name, key)` returns a value of a Secret, or raises ValueError. `address` returns the address in
    the lab of a URL that names a Service of the cluster, and any other URL as it is.
    """

    secret: Callable[[str, str, str], str]
    address: Callable[[str], str] = str


@dataclass(frozen=True)
class Routing:
    """One object's part of the configuration."""

    route: Json | None = None
    receivers: Sequence[Json] = ()
    inhibit_rules: Sequence[Json] = field(default=())


def parse(obj: Json) -> AlertmanagerConfig:
    """The object as its type. Raises ValueError when it is invalid."""
    try:
        return msgspec.convert(obj, AlertmanagerConfig)
    except msgspec.ValidationError as e:
        raise ValueError(str(e)) from e


def check(config: AlertmanagerConfig) -> None:
    """Raises ValueError with all errors, one a line, when the operator or Alertmanager would not take the object.

    Secrets are not read: they may come later.
    """
    placeholder = Sources(lambda *_: "http://127.0.0.1", str)
    errors = [f"{path}: {why}" for path, why in refusals(config)] or list(_errors(config))
    if not errors:
        errors = [*checking.alertmanager_errors(text([routing(config, placeholder)]))]
    if errors:
        raise ValueError("\n".join(errors))


def check_values(part: Routing) -> None:
    """Raises ValueError, without the values, when Alertmanager would not load an object with those of its Secrets.

    One such object would make Alertmanager refuse the whole file.
    """
    if checking.alertmanager_errors(text([part])):
        raise ValueError("Alertmanager would not load it with the values of its Secrets")


def text(parts: Iterable[Routing]) -> str:
    """The configuration file. It contains the values of Secrets."""
    parts = list(parts)
    return to_yaml(
        {
            "route": {"receiver": NOWHERE, "routes": [part.route for part in parts if part.route]},
            "receivers": [{"name": NOWHERE}, *(one for part in parts for one in part.receivers)],
            "inhibit_rules": [one for part in parts for one in part.inhibit_rules],
        }
    )


def routing(config: AlertmanagerConfig, sources: Sources) -> Routing:
    """An object's part of the configuration. Raises ValueError when a Secret has no value for a key."""
    spec, namespace = config.spec, config.metadata.namespace or ""
    rules = [_inhibition(one, namespace) for one in spec.inhibit_rules or []]
    if spec.route is None:
        # The operator takes no receivers of an object without a route.
        return Routing(inhibit_rules=rules)
    prefix = f"{namespace}/{config.metadata.name}/"
    top = _route(spec.route, prefix)
    top["matchers"] = [*top.get("matchers", []), _own(namespace)]
    top["continue"] = True
    receivers = [_receiver(one, prefix, namespace, sources) for one in spec.receivers or []]
    return Routing(top, receivers, rules)


def refusals(config: AlertmanagerConfig) -> Iterator[Refusal]:
    """The fields that the lab does not support."""
    spec = config.spec
    yield from refused(spec, "spec")
    for path, route in _routes(spec.route, "spec.route"):
        yield from refused(route, path)
    for index, receiver in enumerate(spec.receivers or []):
        path = f"spec.receivers[{index}]"
        yield from refused(receiver, path)
        for number, webhook in enumerate(receiver.webhook_configs or []):
            if webhook.http_config is not None:
                yield from refused(webhook.http_config, f"{path}.webhookConfigs[{number}].httpConfig")


def secrets_of(config: AlertmanagerConfig) -> Iterator[SecretKey]:
    """The keys of Secrets that an object names."""
    for receiver in config.spec.receivers or []:
        for webhook in receiver.webhook_configs or []:
            if webhook.url_secret is not None:
                yield webhook.url_secret
            authorization = webhook.http_config.authorization if webhook.http_config else None
            if authorization is not None and authorization.credentials is not None:
                yield authorization.credentials


def _errors(config: AlertmanagerConfig) -> Iterator[str]:
    """The operator's own rules (`pkg/alertmanager/validation/v1alpha1`), in its words."""
    names = [receiver.name for receiver in config.spec.receivers or []]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f'"{name}" receiver is not unique: {", ".join(names)}'
    for receiver in config.spec.receivers or []:
        for index, webhook in enumerate(receiver.webhook_configs or []):
            if not webhook.url and webhook.url_secret is None:
                path = f'receiver "{receiver.name}", webhookConfigs[{index}]'
                yield f"{path}: one of 'url' or 'urlSecret' must be specified"
    for path, route in _routes(config.spec.route, "spec.route"):
        if path == "spec.route" and not route.receiver:
            yield f"{path}: root route must define a receiver"
        if route.receiver and route.receiver not in names:
            yield f'{path}: receiver "{route.receiver}" not found'
        labels = route.group_by or []
        for label in sorted({label for label in labels if labels.count(label) > 1}):
            yield f'{path}: duplicate label "{label}" in groupBy'


def _routes(route: AlertRoute | None, path: str, depth: int = MAX_DEPTH) -> Iterator[tuple[str, AlertRoute]]:
    """A route and those inside it, with their paths. Raises ValueError when one of them is none."""
    if route is None:
        return
    if depth == 0:
        raise ValueError(f"{path}: the lab takes {MAX_DEPTH} routes inside each other")
    yield path, route
    for index, one in enumerate(_inner(route)):
        yield from _routes(one, f"{path}.routes[{index}]", depth - 1)


def _inner(route: AlertRoute) -> list[AlertRoute]:
    try:
        return [msgspec.convert(one, AlertRoute) for one in route.routes or []]
    except msgspec.ValidationError as e:
        raise ValueError(f"routes: {e}") from e


def _route(route: AlertRoute, prefix: str) -> Json:
    made = {
        "receiver": f"{prefix}{route.receiver}" if route.receiver else None,
        "group_by": route.group_by,
        "group_wait": route.group_wait,
        "group_interval": route.group_interval,
        "repeat_interval": route.repeat_interval,
        "matchers": [_matcher(one) for one in route.matchers or []],
        "continue": route.continue_,
        "routes": [_route(one, prefix) for one in _inner(route)],
    }
    return {key: value for key, value in made.items() if value not in (None, "", [])}


def _matcher(one: AlertMatcher) -> str:
    kind = one.match_type or ("=~" if one.regex else "=")
    return f"{one.name}{kind}{json.dumps(one.value or '', ensure_ascii=False)}"


def _own(namespace: str) -> str:
    return f'namespace="{namespace}"'


def _inhibition(rule: InhibitRule, namespace: str) -> Json:
    made: Json = {
        "source_matchers": [*map(_matcher, rule.source_match or []), _own(namespace)],
        "target_matchers": [*map(_matcher, rule.target_match or []), _own(namespace)],
    }
    return {**made, "equal": rule.equal} if rule.equal else made


def _receiver(receiver: Receiver, prefix: str, namespace: str, sources: Sources) -> Json:
    webhooks = [_webhook(one, namespace, sources) for one in receiver.webhook_configs or []]
    made: Json = {"name": f"{prefix}{receiver.name}"}
    return {**made, "webhook_configs": webhooks} if webhooks else made


def _webhook(one: WebhookConfig, namespace: str, sources: Sources) -> Json:
    url = _value(one.url_secret, namespace, sources) if one.url_secret else one.url or ""
    made: Json = {
        "url": sources.address(url.strip()),
        "send_resolved": one.send_resolved,
        "max_alerts": one.max_alerts,
        "http_config": _http(one.http_config, namespace, sources) if one.http_config else None,
    }
    return {key: value for key, value in made.items() if value not in (None, {})}


def _http(one: HTTPConfig, namespace: str, sources: Sources) -> Json:
    made: Json = {}
    if one.authorization is not None and one.authorization.credentials is not None:
        value = _value(one.authorization.credentials, namespace, sources)
        made["authorization"] = {"type": one.authorization.type or "Bearer", "credentials": value}
    if one.follow_redirects is not None:
        made["follow_redirects"] = one.follow_redirects
    return made


def _value(key: SecretKey, namespace: str, sources: Sources) -> str:
    return sources.secret(namespace, key.name or "", key.key)
