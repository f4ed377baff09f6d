"""`monitoring.coreos.com/v1`: PodMonitor, ServiceMonitor and PrometheusRule.

Fields, patterns and allowed values are those of the CRDs of prometheus-operator 0.78 (OpenShift 4.18).
`workshop.lab.monitoring.support` lists the fields that the lab refuses.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from workshop.manifests.meta import (
    ATOMIC,
    Anything,
    IntOrString,
    Labels,
    LabelSelector,
    Resource,
    Typed,
    keyed,
)

Duration = Annotated[
    str,
    Meta(
        pattern=r"^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$",
        description="A time as Prometheus writes it: 30s, 1m, 1h30m.",
    ),
]
ByteSize = Annotated[str, Meta(pattern=r"(^0|([0-9]*[.])?[0-9]+((K|M|G|T|E|P)i?)?B)$")]
Count = Annotated[int, Meta(ge=0)]


class Relabeling(Typed, frozen=True, kw_only=True):
    """One change of labels, before or after a scrape: Prometheus' relabel_config."""

    source_labels: Annotated[list[str] | None, ATOMIC] = None
    separator: str | None = None
    target_label: str | None = None
    regex: str | None = None
    modulus: Count | None = None
    replacement: str | None = None
    action: (
        Literal[
            "replace",
            "Replace",
            "keep",
            "Keep",
            "drop",
            "Drop",
            "hashmod",
            "HashMod",
            "labelmap",
            "LabelMap",
            "labeldrop",
            "LabelDrop",
            "labelkeep",
            "LabelKeep",
            "lowercase",
            "Lowercase",
            "uppercase",
            "Uppercase",
            "keepequal",
            "KeepEqual",
            "dropequal",
            "DropEqual",
        ]
        | None
    ) = None


class MetricsEndpoint(Typed, frozen=True, kw_only=True):
    """One port that Prometheus scrapes, its interval, and its changes of labels."""

    port: str | None = None
    target_port: IntOrString | None = None
    path: str | None = None
    scheme: Literal["http", "https"] | None = None
    interval: Duration | None = None
    scrape_timeout: Duration | None = None
    params: dict[str, list[str]] | None = None
    honor_labels: bool | None = None
    honor_timestamps: bool | None = None
    track_timestamps_staleness: bool | None = None
    filter_running: bool | None = None
    relabelings: Annotated[list[Relabeling] | None, ATOMIC] = None
    metric_relabelings: Annotated[list[Relabeling] | None, ATOMIC] = None
    tls_config: Anything | None = None
    authorization: Anything | None = None
    basic_auth: Anything | None = None
    oauth2: Anything | None = None
    bearer_token_secret: Anything | None = None
    follow_redirects: bool | None = None
    enable_http2: bool | None = None
    proxy_url: str | None = None


class PodMetricsEndpoint(MetricsEndpoint, frozen=True, kw_only=True):
    """A port of the Pods that a PodMonitor selects."""

    port_number: Annotated[int, Meta(ge=1, le=65535)] | None = None


class ServiceMetricsEndpoint(MetricsEndpoint, frozen=True, kw_only=True):
    """A port of the Services that a ServiceMonitor selects."""

    bearer_token_file: str | None = None


class MonitoredNamespaces(Typed, frozen=True, kw_only=True):
    """The namespaces in which a monitor selects; without it, its own."""

    any: bool | None = None
    match_names: Annotated[list[str] | None, ATOMIC] = None


class MonitorSpec(Typed, frozen=True, kw_only=True):
    """The fields of both kinds of monitors."""

    selector: LabelSelector
    namespace_selector: MonitoredNamespaces | None = None
    selector_mechanism: Literal["RelabelConfig", "RoleSelector"] | None = None
    job_label: str | None = None
    pod_target_labels: Annotated[list[str] | None, ATOMIC] = None
    sample_limit: Count | None = None
    target_limit: Count | None = None
    label_limit: Count | None = None
    label_name_length_limit: Count | None = None
    label_value_length_limit: Count | None = None
    keep_dropped_targets: Count | None = None
    body_size_limit: ByteSize | None = None
    scrape_protocols: Annotated[list[str] | None, ATOMIC] = None
    attach_metadata: Anything | None = None
    scrape_class: str | None = None


class PodMonitorSpec(MonitorSpec, frozen=True, kw_only=True):
    """The Pods that are scraped, and their ports."""

    pod_metrics_endpoints: Annotated[list[PodMetricsEndpoint] | None, ATOMIC] = None


class ServiceMonitorSpec(MonitorSpec, frozen=True, kw_only=True):
    """The Services whose Pods are scraped, and their ports."""

    endpoints: Annotated[list[ServiceMetricsEndpoint], ATOMIC]
    target_labels: Annotated[list[str] | None, ATOMIC] = None


class PodMonitor(Resource, frozen=True, kw_only=True):
    """Makes Prometheus scrape Pods."""

    spec: PodMonitorSpec
    status: Anything | None = None


class ServiceMonitor(Resource, frozen=True, kw_only=True):
    """Makes Prometheus scrape the Pods of Services."""

    spec: ServiceMonitorSpec
    status: Anything | None = None


class Rule(Typed, frozen=True, kw_only=True):
    """One alert, or one recorded query."""

    expr: IntOrString
    alert: str | None = None
    record: str | None = None
    for_: Duration | None = msgspec.field(name="for", default=None)
    keep_firing_for: Annotated[Duration, Meta(min_length=1)] | None = msgspec.field(
        name="keep_firing_for", default=None
    )
    labels: Labels | None = None
    annotations: Labels | None = None


class RuleGroup(Typed, frozen=True, kw_only=True):
    """Rules that are evaluated together."""

    name: Annotated[str, Meta(min_length=1)]
    rules: Annotated[list[Rule] | None, ATOMIC] = None
    interval: Duration | None = None
    labels: Labels | None = None
    limit: int | None = None
    partial_response_strategy: Annotated[str, Meta(pattern="^((?i:abort|warn))?$")] | None = msgspec.field(
        name="partial_response_strategy", default=None
    )
    query_offset: Duration | None = msgspec.field(name="query_offset", default=None)


class PrometheusRuleSpec(Typed, frozen=True, kw_only=True):
    """Groups of alerts and recorded queries."""

    groups: Annotated[list[RuleGroup] | None, keyed("name")] = None


class PrometheusRule(Resource, frozen=True, kw_only=True):
    """Alerts and recorded queries for Prometheus."""

    spec: PrometheusRuleSpec
    status: Anything | None = None
