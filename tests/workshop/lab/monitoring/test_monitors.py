"""The effect of each field of a monitor on Prometheus' configuration and on the targets."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from workshop.lab.monitoring.monitors import jobs, parse
from workshop.lab.monitoring.targets import Inventory, Port, ScrapedPod, target_groups
from workshop.manifests.kubernetes import Service

ENDPOINT = {"port": "metrics", "path": "/prometheus"}


def monitor(kind: str = "PodMonitor", *, endpoint: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    key = "endpoints" if kind == "ServiceMonitor" else "podMetricsEndpoints"
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": kind,
        "metadata": {"name": "m", "namespace": "one"},
        "spec": {"selector": {}, key: [ENDPOINT if endpoint is None else endpoint], **spec},
    }


def config(**kwargs: Any) -> dict[str, Any]:
    (job,) = jobs(parse(monitor(**kwargs)))
    return job.config


def pod(name: str, namespace: str = "one", **labels: str) -> ScrapedPod:
    ports = [Port("model", "http", 9000, 40001), Port("model", "metrics", 6000, 40002)]
    obj = {"metadata": {"name": name, "namespace": namespace, "labels": labels}}
    return ScrapedPod(obj, [*ports, Port("engine", "metrics", 8000, 40003, "/executor/metrics")])


PODS = [pod("a", app="x"), pod("b", app="y"), pod("c"), pod("d", "two", app="x")]


def targets(obj: dict[str, Any], pods: list[ScrapedPod] = PODS, *services: dict[str, Any]) -> list[tuple[str, str]]:
    """The Pod and the address of each target."""
    inventory = Inventory(pods, [msgspec.convert(one, Service) for one in services])
    return [
        (group["labels"]["__meta_kubernetes_pod_name"], address)
        for job in jobs(parse(obj))
        for group in target_groups(job, inventory)
        for address in group["targets"]
    ]


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ({}, "abc"),
        ({"matchLabels": {"app": "x"}}, "a"),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["x", "z"]}]}, "a"),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["x"]}]}, "bc"),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, "ab"),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, "c"),
        ({"matchLabels": {"app": "x"}, "matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, ""),
    ],
)
def test_the_selector_chooses_the_pods(selector: dict[str, Any], wanted: str) -> None:
    found = targets(monitor(selector=selector))
    assert "".join(dict.fromkeys(name for name, _ in found)) == wanted


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [({}, "abc"), ({"any": True}, "abcd"), ({"matchNames": ["two"]}, "d"), ({"matchNames": ["none"]}, "")],
)
def test_the_namespace_selector_chooses_the_namespaces(chosen: dict[str, Any], wanted: str) -> None:
    found = targets(monitor(namespaceSelector=chosen))
    assert "".join(dict.fromkeys(name for name, _ in found)) == wanted


@pytest.mark.parametrize(
    ("endpoint", "wanted"),
    [
        ({"port": "metrics"}, [40002, 40003]),
        ({"port": "http"}, [40001]),
        ({"port": "web"}, []),
        ({"portNumber": 6000}, [40002]),
        ({"targetPort": "http"}, [40001]),
        ({"targetPort": 9000}, [40001]),
        ({}, [40001, 40002, 40003]),
    ],
)
def test_the_endpoint_chooses_the_port(endpoint: dict[str, Any], wanted: list[int]) -> None:
    found = targets(monitor(endpoint=endpoint), [PODS[0]])
    assert [address for _, address in found] == [f"127.0.0.1:{port}" for port in wanted]


def service(name: str, target: int | str | None, namespace: str = "one", **selector: str) -> dict[str, Any]:
    port = {"name": "web", "port": 6000} | ({} if target is None else {"targetPort": target})
    meta = {"name": name, "namespace": namespace, "labels": {"scrape": name, "app": name}}
    return {"metadata": meta, "spec": {"selector": selector, "ports": [port]}}


@pytest.mark.parametrize(
    ("endpoint", "target", "wanted"),
    [
        ({"port": "web"}, "metrics", ["127.0.0.1:40002", "127.0.0.1:40003"]),
        ({"port": "web"}, 9000, ["127.0.0.1:40001"]),
        ({"port": "web"}, None, ["127.0.0.1:40002"]),
        ({"port": "other"}, "metrics", []),
        ({"targetPort": "http"}, "metrics", ["127.0.0.1:40001"]),
    ],
)
def test_a_service_monitor_scrapes_the_pods_of_its_services(
    endpoint: dict[str, Any], target: int | str | None, wanted: list[str]
) -> None:
    services = [service("s", target, app="x"), service("t", "metrics", app="y")]
    obj = monitor("ServiceMonitor", endpoint=endpoint, selector={"matchLabels": {"scrape": "s"}})
    assert targets(obj, PODS, *services) == [("a", address) for address in wanted]


def test_a_service_without_a_selector_leads_to_no_pod() -> None:
    assert targets(monitor("ServiceMonitor", endpoint={"port": "web"}), PODS, service("s", "metrics")) == []


def test_an_orchestrator_answers_at_a_path_of_its_own() -> None:
    (job,) = jobs(parse(monitor()))
    paths = [g["labels"].get("__metrics_path__") for g in target_groups(job, Inventory([PODS[0]]))]
    assert (job.config["metrics_path"], paths) == ("/prometheus", [None, "/executor/metrics"])


def test_the_labels_of_a_pod_are_those_of_prometheus_service_discovery() -> None:
    (job,) = jobs(parse(monitor(endpoint={"port": "http"})))
    one = pod("a", **{"seldon.io/model": "true"})
    (group,) = target_groups(job, Inventory([one]))
    labels = group["labels"]
    assert labels["__meta_kubernetes_pod_label_seldon_io_model"] == "true"
    assert labels["__meta_kubernetes_pod_labelpresent_seldon_io_model"] == "true"
    assert labels["__meta_kubernetes_pod_container_name"] == "model"


FIELDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "interval": ({"interval": "1m", "scrapeTimeout": "5s"}, {"scrape_interval": "1m", "scrape_timeout": "5s"}),
    "empty interval": ({"interval": ""}, {}),
    "path": ({"path": "/metrics/x"}, {"metrics_path": "/metrics/x"}),
    "params": ({"params": {"name[]": ["a", "b"]}}, {"params": {"name[]": ["a", "b"]}}),
    "scheme": ({"scheme": "http"}, {"scheme": "http"}),
    "labels": ({"honorLabels": True}, {"honor_labels": True}),
    "timestamps": ({"honorTimestamps": False}, {"honor_timestamps": False}),
    "redirects": ({"followRedirects": False, "enableHttp2": False}, {"follow_redirects": False, "enable_http2": False}),
    "metricRelabelings": (
        {"metricRelabelings": [{"sourceLabels": ["__name__"], "regex": "go_.*", "action": "Drop"}]},
        {"metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "go_.*", "action": "drop"}]},
    ),
}


@pytest.mark.parametrize(("endpoint", "wanted"), FIELDS.values(), ids=FIELDS)
def test_a_field_of_an_endpoint_is_one_of_the_scrape_configuration(
    endpoint: dict[str, Any], wanted: dict[str, Any]
) -> None:
    found = config(endpoint=endpoint)
    del found["relabel_configs"]
    assert found == {"job_name": "podMonitor/one/m/0", "honor_labels": False, **wanted}


def test_the_limits_of_a_monitor_are_those_of_the_scrape() -> None:
    limits = {"sampleLimit": 1, "targetLimit": 2, "labelLimit": 3, "labelNameLengthLimit": 4, "bodySizeLimit": "1MB"}
    found = config(**limits, labelValueLengthLimit=0)
    assert {key: value for key, value in found.items() if "limit" in key} == {
        "sample_limit": 1,
        "target_limit": 2,
        "label_limit": 3,
        "label_name_length_limit": 4,
        "label_value_length_limit": 0,
        "body_size_limit": "1MB",
    }


def test_own_relabelings_come_after_those_of_the_operator() -> None:
    own = {"sourceLabels": ["pod"], "targetLabel": "where", "regex": "(.*)-x", "replacement": ""}
    found = config(endpoint={**ENDPOINT, "relabelings": [own]}, jobLabel="app", podTargetLabels=["a.b/c"])
    steps = found["relabel_configs"]
    assert steps[-1] == {"source_labels": ["pod"], "target_label": "where", "regex": "(.*)-x", "replacement": ""}
    assert [step["target_label"] for step in steps[:-1]] == [
        "__tmp_prometheus_job_name",
        "namespace",
        "container",
        "pod",
        "a_b_c",
        "job",
        "job",
        "endpoint",
    ]
    assert steps[4]["source_labels"] == ["__meta_kubernetes_pod_label_a_b_c"]
    assert steps[5]["replacement"] == "one/m"


REFUSED = {
    "tlsConfig": ({"tlsConfig": {"insecureSkipVerify": True}}, "tlsConfig: the lab's Pods serve their metrics as"),
    "https": ({"scheme": "https"}, "scheme: the lab's Pods serve their metrics as plain HTTP without credentials; use"),
    "basicAuth": ({"basicAuth": {}}, "basicAuth: the lab's Pods serve their metrics as plain HTTP"),
    "proxyUrl": ({"proxyUrl": "http://x"}, "proxyUrl: the lab's Pods are on this machine; remove the field"),
    "filterRunning": ({"filterRunning": False}, "filterRunning: the lab scrapes running Pods only; remove the field"),
    "regex": ({"relabelings": [{"regex": "("}]}, " error parsing regexp: missing closing )"),
    "target": (
        {"relabelings": [{"sourceLabels": ["a"]}]},
        "for replace action requires 'target_label'",
    ),
    "timeout": ({"interval": "1s", "scrapeTimeout": "2s"}, " scrape timeout greater than scrape interval"),
}


@pytest.mark.parametrize(("endpoint", "message"), REFUSED.values(), ids=REFUSED)
def test_what_the_lab_or_prometheus_cannot_do_is_refused_with_its_path(endpoint: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as e:
        jobs(parse(monitor(endpoint=endpoint)))
    (line,) = str(e.value).splitlines()
    assert line.startswith("spec.podMetricsEndpoints[0]")
    assert message in line


def test_all_that_is_wrong_is_reported_at_once() -> None:
    selector = {
        "matchExpressions": [
            {"key": "a", "operator": "Is", "values": ["b"]},
            {"key": "a", "operator": "In"},
            {"key": "a", "operator": "Exists", "values": ["b"]},
        ]
    }
    obj = monitor("ServiceMonitor", selector=selector, scrapeClass="x", attachMetadata={"node": True})
    with pytest.raises(ValueError) as e:
        jobs(parse(obj))
    assert str(e.value).splitlines() == [
        "spec.scrapeClass: the lab has no scrape classes; remove the field",
        "spec.attachMetadata.node: the lab has no nodes; remove the field",
        'spec.selector.matchExpressions[0].operator: "Is" is not a valid label selector operator',
        "spec.selector.matchExpressions[1].values: for 'in', 'notin' operators, values set can't be empty",
        "spec.selector.matchExpressions[2].values: values set must be empty for exists and does not exist",
    ]


SAMPLES: dict[str, Any] = {
    "attachMetadata": {"node": True},
    "bodySizeLimit": "1MB",
    "filterRunning": False,
    "interval": "7s",
    "metricRelabelings": [{"action": "drop", "sourceLabels": ["a"]}],
    "namespaceSelector": {"any": True},
    "params": {"a": ["b"]},
    "podTargetLabels": ["app"],
    "port": "http",
    "relabelings": [{"action": "drop", "sourceLabels": ["a"]}],
    "scheme": "https",
    "scrapeProtocols": ["PrometheusText0.0.4"],
    "scrapeTimeout": "3s",
    "selector": {"matchLabels": {"app": "x"}},
    "selectorMechanism": "RoleSelector",
    "targetLabels": ["app"],
}
"""Values of the fields that neither `true`, a number, a text nor an empty object fits."""
WITHOUT_EFFECT = {"selectorMechanism"}
"""It says how Prometheus selects, not what."""


def _value(field: Any) -> Any:
    values: list[Any] = [SAMPLES.get(field.encode_name), True, 7, "x", {}]
    for value in values:
        try:
            if value is not None:
                msgspec.convert(value, field.type)
                return value
        except msgspec.ValidationError:
            continue
    raise AssertionError(f"SAMPLES lacks a value for {field.encode_name}")


def _outcome(obj: dict[str, Any]) -> Any:
    made = [service("x", "metrics", app="x"), service("s", "metrics", app="y"), service("t", "metrics", "two", app="x")]
    services = [msgspec.convert(one, Service) for one in made]
    try:
        return [(job.config, target_groups(job, Inventory(PODS, services))) for job in jobs(parse(obj))]
    except ValueError as e:
        return str(e)


@pytest.mark.parametrize("kind", ["PodMonitor", "ServiceMonitor"])
def test_each_field_of_the_types_has_an_effect_or_is_refused(kind: str) -> None:
    list_ = "endpoints" if kind == "ServiceMonitor" else "podMetricsEndpoints"
    base = monitor(kind, endpoint={"targetPort": "metrics", "interval": "30s"})
    (job,) = jobs(parse(base))
    spec, endpoint = base["spec"], base["spec"][list_][0]
    changed = {
        field.encode_name: {**base, "spec": {**spec, field.encode_name: _value(field)}}
        for field in msgspec.structs.fields(type(job.monitor.spec))
        if field.encode_name != list_
    } | {
        field.encode_name: {**base, "spec": {**spec, list_: [{**endpoint, field.encode_name: _value(field)}]}}
        for field in msgspec.structs.fields(type(job.endpoint))
    }
    ignored = {name for name, obj in changed.items() if _outcome(obj) == _outcome(base)}
    assert ignored == WITHOUT_EFFECT
