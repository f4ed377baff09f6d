"""The rows of single values and of the fields of Pods: admission does what the parity page says of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from tests import parity
from workshop.lab.admission import admit
from workshop.lab.admission import builds as builds_support
from workshop.lab.admission import pipelinesascode as pac_support
from workshop.lab.admission import route as route_support
from workshop.lab.admission.seldon import pods
from workshop.lab.admission.seldon import support as seldon_support
from workshop.lab.api_errors import ApiError
from workshop.lab.kinds import built_in
from workshop.lab.monitoring import support as monitoring_support
from workshop.manifests import kubernetes
from workshop.manifests.tekton import support as tekton_support
from workshop.manifests.triggers import support as triggers_support

Spec = dict[str, Any]


def task_run(**more: Any) -> tuple[str, Spec]:
    return "TaskRun", {"taskRef": {"name": "t"}, **more}


TEKTON: dict[str, tuple[str, Spec]] = {
    "PersistentVolumeClaimSpec.volumeMode: Block": task_run(
        workspaces=[{"name": "w", "volumeClaimTemplate": {"spec": {"volumeMode": "Block"}}}]
    ),
}


def predictor(pods: Spec | None = None, graph: Spec | None = None, **more: Any) -> tuple[str, Spec]:
    containers = [{"name": "m", "image": "x"}]
    component = {"spec": {"containers": containers}, **(pods or {})}
    return "SeldonDeployment", {
        "predictors": [{"name": "p", "graph": {"name": "m", **(graph or {})}, "componentSpecs": [component], **more}]
    }


def pod(**more: Any) -> tuple[str, Spec]:
    return predictor({"spec": {"containers": [{"name": "m", "image": "x"}], **more}})


def deployment(**more: Any) -> tuple[str, Spec]:
    kind, spec = predictor()
    return kind, {**spec, **more}


def container(**more: Any) -> tuple[str, Spec]:
    return pod(containers=[{"name": "m", "image": "x", **more}])


def value_from(**source: Any) -> tuple[str, Spec]:
    return container(env=[{"name": "A", "valueFrom": source}])


HPA: Spec = {"maxReplicas": 2}
POD_VALUES: Spec = {
    "activeDeadlineSeconds": 1,
    "affinity": {},
    "automountServiceAccountToken": False,
    "dnsConfig": {},
    "dnsPolicy": "Default",
    "enableServiceLinks": False,
    "ephemeralContainers": [{"name": "e"}],
    "hostAliases": [{"ip": "127.0.0.1"}],
    "hostIPC": True,
    "hostNetwork": True,
    "hostPID": True,
    "hostUsers": True,
    "hostname": "x",
    "imagePullSecrets": [{"name": "x"}],
    "initContainers": [{"name": "i", "image": "x"}],
    "nodeName": "x",
    "nodeSelector": {"a": "b"},
    "os": {"name": "linux"},
    "overhead": {"cpu": "1"},
    "preemptionPolicy": "Never",
    "priority": 1,
    "priorityClassName": "x",
    "readinessGates": [{"conditionType": "x"}],
    "resourceClaims": [{"name": "x"}],
    "resources": {},
    "restartPolicy": "Always",
    "runtimeClassName": "x",
    "schedulerName": "x",
    "schedulingGates": [{"name": "x"}],
    "securityContext": {},
    "serviceAccount": "x",
    "serviceAccountName": "x",
    "setHostnameAsFQDN": True,
    "shareProcessNamespace": True,
    "subdomain": "x",
    "tolerations": [],
    "topologySpreadConstraints": [],
    "volumes": [{"name": "v", "emptyDir": {}}],
}
CONTAINER_VALUES: Spec = {
    "imagePullPolicy": "Always",
    "lifecycle": {"preStop": {"exec": {"command": ["/bin/sleep", "10"]}}},
    "ports": [{"containerPort": 9000, "name": "http"}],
    "resizePolicy": [],
    "resources": {"limits": {"memory": "1Gi"}},
    "restartPolicy": "Always",
    "securityContext": {"runAsNonRoot": True},
    "startupProbe": {"tcpSocket": {"port": 9000}},
    "stdin": True,
    "stdinOnce": True,
    "terminationMessagePath": "/x",
    "terminationMessagePolicy": "File",
    "tty": True,
    "volumeDevices": [{"name": "v", "devicePath": "/dev/x"}],
    "volumeMounts": [{"name": "v", "mountPath": "/x"}],
}
_FIELD = "ComponentSpec.spec: containers[].env[].valueFrom"
_BUILT_IN = "PredictiveUnit.implementation: SIMPLE_MODEL, SIMPLE_ROUTER, AVERAGE_COMBINER"

SELDON: dict[str, tuple[str, Spec]] = {
    "ComponentSpec.spec: a container that is not a node": pod(
        containers=[{"name": "m", "image": "x"}, {"name": "n", "image": "x"}]
    ),
    f"{_FIELD}.fieldRef to another field": value_from(fieldRef={"fieldPath": "status.phase"}),
    f"{_FIELD}.resourceFieldRef": value_from(resourceFieldRef={"resource": "limits.cpu"}),
    "ComponentSpec.spec: containers[].lifecycle.postStart": container(
        lifecycle={"postStart": {"exec": {"command": ["x"]}}}
    ),
    "ComponentSpec.spec: containers[].readinessProbe.exec": container(readinessProbe={"exec": {"command": ["x"]}}),
    "Endpoint.type: GRPC": predictor(graph={"endpoint": {"type": "GRPC"}}),
    _BUILT_IN: predictor(graph={"implementation": "AVERAGE_COMBINER"}),
    "PredictiveUnit.methods: another": predictor(graph={"methods": ["PREDICT"]}),
    "PredictiveUnit.type: another": predictor(graph={"type": "MODLE"}),
    "SeldonDeploymentSpec.annotations: seldon.io/engine-separate-pod": deployment(
        annotations={"seldon.io/engine-separate-pod": "true"}
    ),
    "SeldonDeploymentSpec.protocol: tensorflow": deployment(protocol="tensorflow"),
    "SeldonDeploymentSpec.serverType: kafka": deployment(
        serverType="kafka",
        predictors=[
            {
                **predictor()[1]["predictors"][0],
                "svcOrchSpec": {
                    "env": [{"name": f"KAFKA_{x}", "value": "x"} for x in ("BROKER", "INPUT_TOPIC", "OUTPUT_TOPIC")]
                },
            }
        ],
    ),
    "SeldonDeploymentSpec.transport: grpc": deployment(transport="grpc"),
    **{f"ComponentSpec.spec: {name}": pod(**{name: POD_VALUES[name]}) for name in pods.POD_REFUSED},
    **{
        f"ComponentSpec.spec: containers[].{name}": container(**{name: CONTAINER_VALUES[name]})
        for name in pods.CONTAINER_REFUSED
    },
}

SELDON_TAKEN: dict[str, tuple[str, Spec]] = {
    **{f"ComponentSpec.spec: {name}": pod(**{name: POD_VALUES[name]}) for name in pods.POD_ACCEPTED},
    **{
        f"ComponentSpec.spec: containers[].{name}": container(**{name: CONTAINER_VALUES[name]})
        for name in pods.CONTAINER_ACCEPTED
    },
    "ComponentSpec.spec: containers[].readinessProbe's timing": container(
        readinessProbe={"tcpSocket": {"port": 9000}, "initialDelaySeconds": 1}
    ),
}


def exposed(**more: Any) -> tuple[str, Spec]:
    return "Route", {"to": {"kind": "Service", "name": "x"}, **more}


ROUTE: dict[str, tuple[str, Spec]] = {
    "RoutePort.targetPort: grpc": exposed(port={"targetPort": "grpc"}),
    "RouteSpec.tls: termination passthrough, reencrypt": exposed(tls={"termination": "reencrypt"}),
    "RouteSpec.wildcardPolicy: Subdomain": exposed(wildcardPolicy="Subdomain"),
}


def repository(provider: Spec | None = None, settings: Spec | None = None, **more: Any) -> tuple[str, Spec]:
    return "Repository", {"url": "http://x/y", "git_provider": provider or {}, "settings": settings or {}, **more}


PAC: dict[str, tuple[str, Spec]] = {
    "GitProvider.type: github, gitlab, bitbucket-datacenter, bitbucket-cloud": repository({"type": "github"}),
}


def monitor(kind: str = "PodMonitor", endpoint: Spec | None = None, **more: Any) -> tuple[str, Spec]:
    key = "endpoints" if kind == "ServiceMonitor" else "podMetricsEndpoints"
    return kind, {"selector": {}, key: [{"port": "metrics", **(endpoint or {})}], **more}


MONITORING: dict[str, tuple[str, Spec]] = {
    "MetricsEndpoint.filterRunning: false": monitor(endpoint={"filterRunning": False}),
    "MetricsEndpoint.scheme: https": monitor(endpoint={"scheme": "https"}),
    "MonitorSpec.attachMetadata: node": monitor("ServiceMonitor", attachMetadata={"node": True}),
}

REFUSED = MONITORING | PAC | ROUTE | SELDON | TEKTON


def of_one_value(*tables: Mapping[str, str]) -> dict[str, str]:
    """The rows of one value of a field; `test_parity_fields` tries those of fields."""
    return {row: text for table in tables for row, text in table.items() if ":" in row}


MESSAGES = of_one_value(
    builds_support.REFUSED,
    monitoring_support.REFUSED,
    pac_support.REFUSED,
    route_support.REFUSED,
    seldon_support.REFUSED,
    tekton_support.REFUSED,
    triggers_support.REFUSED,
)


def put(kind: str, spec: Spec) -> None:
    of = built_in(kind)
    obj = {"apiVersion": of.api_version, "kind": kind, "metadata": {"name": "a", "namespace": "dev"}, "spec": spec}
    admit(of, obj, None)


@pytest.mark.parametrize("row", sorted(REFUSED))
def test_refused_row_is_refused_in_its_words(row: str) -> None:
    with pytest.raises(ApiError) as caught:
        put(*REFUSED[row])
    before, _, after = MESSAGES[row].partition("{value}")
    assert before in caught.value.message and after in caught.value.message


def test_every_refused_row_is_tried() -> None:
    assert REFUSED.keys() == MESSAGES.keys()


@pytest.mark.parametrize("row", sorted(SELDON_TAKEN))
def test_accepted_row_is_admitted(row: str) -> None:
    put(*SELDON_TAKEN[row])


def test_every_accepted_row_is_tried() -> None:
    accepted = (builds_support, monitoring_support, pac_support, route_support, seldon_support, tekton_support)
    assert SELDON_TAKEN.keys() == of_one_value(*(one.ACCEPTED for one in accepted), triggers_support.ACCEPTED).keys()


def test_every_field_of_a_pod_and_of_a_container_is_run_accepted_or_refused() -> None:
    for type_, tables in (
        (kubernetes.PodSpec, (pods.POD_RUN, pods.POD_ACCEPTED, pods.POD_REFUSED)),
        (kubernetes.Container, (pods.CONTAINER_RUN, pods.CONTAINER_ACCEPTED, pods.CONTAINER_REFUSED)),
    ):
        rows = [name for table in tables for name in table]
        assert sorted(rows) == sorted(field.encode_name for field in msgspec.structs.fields(type_))


def test_every_conformance_folder_is_on_the_page_and_no_other() -> None:
    folders = {one.parent.relative_to(parity.CONFORMANCE).as_posix() for one in parity.CONFORMANCE.rglob("expect.yaml")}
    assert set(re.findall(r"tests/conformance/([^)]+)\)", parity.page())) == folders


def test_a_folder_is_read_with_the_names_of_its_fields() -> None:
    assert "Matrix.include" in parity.fields_of_folders()["matrix/includes"]
    assert "WhenExpression.operator" not in parity.fields_of_folders()["steps/scripts"]


def test_the_page_is_the_one_that_is_generated() -> None:
    assert parity.PAGE.read_text() == parity.page(), "the page is old; make parity writes it"
