"""The lab's support for each field of PodMonitors, ServiceMonitors, PrometheusRules and AlertmanagerConfigs.

Every field of the types in `workshop.manifests.monitoring` and `workshop.manifests.alerting` is in one of the three
tables. Rows of some values are `Type.field: value`. A test compares the tables with the types and with admission.
"""

from __future__ import annotations

_PLAIN_HTTP = "the lab's Pods serve their metrics as plain HTTP without credentials; remove the field"
_NEWER = "Prometheus 2.42, which the lab supports, does not have it; remove the field"
HTTPS_REFUSED = _PLAIN_HTTP.replace("remove the field", "use http")
NOT_RUNNING_REFUSED = "the lab scrapes running Pods only; remove the field"
NODE_REFUSED = "the lab has no nodes; remove the field"

_WEBHOOKS = "the lab sends notifications to webhooks only; use webhookConfigs"
_LOCAL = "the lab sends notifications to this machine only; remove the field"
_TIMES = "the lab sends notifications at all times; remove the field"

SUPPORTED: dict[str, str] = {
    "AlertMatcher": "name value matchType regex",
    "AlertRoute": "receiver groupBy groupWait groupInterval repeatInterval matchers continue routes",
    "AlertmanagerConfigSpec": "route receivers inhibitRules",
    "Authorization": "type credentials",
    "HTTPConfig": "authorization followRedirects",
    "LabelSelector": "matchLabels matchExpressions",
    "InhibitRule": "sourceMatch targetMatch equal",
    "MetricsEndpoint": "port targetPort path scheme interval scrapeTimeout params honorLabels honorTimestamps "
    "filterRunning relabelings metricRelabelings followRedirects enableHttp2",
    "MonitoredNamespaces": "any matchNames",
    "MonitorSpec": "selector namespaceSelector jobLabel podTargetLabels sampleLimit targetLimit labelLimit "
    "labelNameLengthLimit labelValueLengthLimit bodySizeLimit attachMetadata",
    "PodMetricsEndpoint": "portNumber",
    "PodMonitorSpec": "podMetricsEndpoints",
    "PrometheusRuleSpec": "groups",
    "Relabeling": "sourceLabels separator targetLabel regex modulus replacement action",
    "Rule": "expr alert record for keep_firing_for labels annotations",
    "Receiver": "name webhookConfigs",
    "RuleGroup": "name rules interval labels limit",
    "SecretKey": "key name optional",
    "SelectorRequirement": "key operator values",
    "ServiceMonitorSpec": "endpoints targetLabels",
    "WebhookConfig": "url urlSecret sendResolved maxAlerts httpConfig",
}
"""Fields that have the same effect as on a cluster, by type."""

ACCEPTED: dict[str, str] = {
    "MonitorSpec.selectorMechanism": "the lab finds the targets itself; each mechanism finds the same ones",
    "RuleGroup.partial_response_strategy": "it is for Thanos; the operator does not give it to Prometheus either",
}
"""Fields that are accepted and have no effect in the lab, with the reason."""

REFUSED: dict[str, str] = {
    "AlertRoute.activeTimeIntervals": _TIMES,
    "AlertRoute.muteTimeIntervals": _TIMES,
    "AlertmanagerConfigSpec.muteTimeIntervals": _TIMES,
    "HTTPConfig.basicAuth": "use authorization, with a token",
    "HTTPConfig.bearerTokenSecret": "use authorization, which replaces it",
    "HTTPConfig.noProxy": _LOCAL,
    "HTTPConfig.oauth2": _LOCAL,
    "HTTPConfig.proxyConnectHeader": _LOCAL,
    "HTTPConfig.proxyFromEnvironment": _LOCAL,
    "HTTPConfig.proxyURL": _LOCAL,
    "HTTPConfig.proxyUrl": _LOCAL,
    "HTTPConfig.tlsConfig": _LOCAL,
    "MetricsEndpoint.authorization": _PLAIN_HTTP,
    "MetricsEndpoint.basicAuth": _PLAIN_HTTP,
    "MetricsEndpoint.bearerTokenSecret": _PLAIN_HTTP,
    "MetricsEndpoint.filterRunning: false": NOT_RUNNING_REFUSED,
    "MetricsEndpoint.oauth2": _PLAIN_HTTP,
    "MetricsEndpoint.proxyUrl": "the lab's Pods are on this machine; remove the field",
    "MetricsEndpoint.scheme: https": HTTPS_REFUSED,
    "MetricsEndpoint.tlsConfig": _PLAIN_HTTP,
    "MetricsEndpoint.trackTimestampsStaleness": _NEWER,
    "MonitorSpec.attachMetadata: node": NODE_REFUSED,
    "MonitorSpec.keepDroppedTargets": _NEWER,
    "MonitorSpec.scrapeClass": "the lab has no scrape classes; remove the field",
    "MonitorSpec.scrapeProtocols": _NEWER,
    "Receiver.discordConfigs": _WEBHOOKS,
    "Receiver.emailConfigs": _WEBHOOKS,
    "Receiver.msteamsConfigs": _WEBHOOKS,
    "Receiver.opsgenieConfigs": _WEBHOOKS,
    "Receiver.pagerdutyConfigs": _WEBHOOKS,
    "Receiver.pushoverConfigs": _WEBHOOKS,
    "Receiver.slackConfigs": _WEBHOOKS,
    "Receiver.snsConfigs": _WEBHOOKS,
    "Receiver.telegramConfigs": _WEBHOOKS,
    "Receiver.victoropsConfigs": _WEBHOOKS,
    "Receiver.webexConfigs": _WEBHOOKS,
    "Receiver.wechatConfigs": _WEBHOOKS,
    "RuleGroup.query_offset": _NEWER,
    "ServiceMetricsEndpoint.bearerTokenFile": _PLAIN_HTTP,
}
"""Fields that admission refuses, with the messages."""
