"""`monitoring.coreos.com/v1alpha1`: AlertmanagerConfig.

Fields, patterns and allowed values are those of the CRD of prometheus-operator 0.78 (OpenShift 4.18).
`workshop.lab.monitoring.support` lists the fields that the lab refuses.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from workshop.manifests.meta import ATOMIC, PRESERVE, Anything, Resource, Typed

Named = Annotated[str, Meta(min_length=1)]
Given = Annotated[list[Anything] | None, ATOMIC]


class SecretKey(Typed, frozen=True, kw_only=True):
    """A key of a Secret in the namespace of the object."""

    key: str
    name: str | None = None
    optional: bool | None = None


class Authorization(Typed, frozen=True, kw_only=True):
    """The header `Authorization`; its type is `Bearer` unless `type` names another."""

    type: str | None = None
    credentials: SecretKey | None = None


class HTTPConfig(Typed, frozen=True, kw_only=True):
    """How Alertmanager sends requests."""

    authorization: Authorization | None = None
    basic_auth: Anything | None = None
    oauth2: Anything | None = None
    bearer_token_secret: Anything | None = None
    tls_config: Anything | None = None
    proxy_url: str | None = msgspec.field(name="proxyURL", default=None)
    proxy_url_original: str | None = msgspec.field(name="proxyUrl", default=None)
    no_proxy: str | None = None
    proxy_from_environment: bool | None = None
    proxy_connect_header: Anything | None = None
    follow_redirects: bool | None = None


class WebhookConfig(Typed, frozen=True, kw_only=True):
    """A POST of each notification, as JSON, to an address. `urlSecret` goes before `url`."""

    url: str | None = None
    url_secret: SecretKey | None = None
    send_resolved: bool | None = None
    max_alerts: Annotated[int, Meta(ge=0)] | None = None
    http_config: HTTPConfig | None = None


class Receiver(Typed, frozen=True, kw_only=True):
    """Where notifications go."""

    name: Named
    webhook_configs: Annotated[list[WebhookConfig] | None, ATOMIC] = None
    discord_configs: Given = None
    email_configs: Given = None
    msteams_configs: Given = None
    opsgenie_configs: Given = None
    pagerduty_configs: Given = None
    pushover_configs: Given = None
    slack_configs: Given = None
    sns_configs: Given = None
    telegram_configs: Given = None
    victorops_configs: Given = None
    webex_configs: Given = None
    wechat_configs: Given = None


class AlertMatcher(Typed, frozen=True, kw_only=True):
    """A condition on one label of an alert. `regex` is the older form of `matchType: "=~"`."""

    name: Named
    value: str | None = None
    match_type: Literal["!=", "=", "=~", "!~"] | None = None
    regex: bool | None = None


class AlertRoute(Typed, frozen=True, kw_only=True):
    """Which alerts go to a receiver, in which groups, and how often. `routes` are AlertRoutes."""

    receiver: str | None = None
    group_by: Annotated[list[str] | None, ATOMIC] = None
    group_wait: str | None = None
    group_interval: str | None = None
    repeat_interval: str | None = None
    matchers: Annotated[list[AlertMatcher] | None, ATOMIC] = None
    continue_: bool | None = msgspec.field(name="continue", default=None)
    routes: Annotated[list[Annotated[Any, Meta(extra_json_schema=PRESERVE)]] | None, ATOMIC] = None
    mute_time_intervals: Annotated[list[str] | None, ATOMIC] = None
    active_time_intervals: Annotated[list[str] | None, ATOMIC] = None


class InhibitRule(Typed, frozen=True, kw_only=True):
    """Alerts that are not sent while another one fires."""

    source_match: Annotated[list[AlertMatcher] | None, ATOMIC] = None
    target_match: Annotated[list[AlertMatcher] | None, ATOMIC] = None
    equal: Annotated[list[str] | None, ATOMIC] = None


class AlertmanagerConfigSpec(Typed, frozen=True, kw_only=True):
    """The routes, receivers and inhibitions of one namespace."""

    route: AlertRoute | None = None
    receivers: Annotated[list[Receiver] | None, ATOMIC] = None
    inhibit_rules: Annotated[list[InhibitRule] | None, ATOMIC] = None
    mute_time_intervals: Given = None


class AlertmanagerConfig(Resource, frozen=True, kw_only=True):
    """Where Alertmanager sends the alerts of a namespace."""

    spec: AlertmanagerConfigSpec
