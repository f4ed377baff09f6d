"""The parity page matches admission: each refused row is refused with its message, and no field is missing."""

from __future__ import annotations

import re
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
from workshop.manifests import alerting, builds, kubernetes, monitoring, pipelinesascode, route, seldon
from workshop.manifests.meta import Reported, Resource
from workshop.manifests.tekton import support as tekton_support
from workshop.manifests.tekton.config import Config, FeatureFlags
from workshop.manifests.triggers import support as triggers_support

Spec = dict[str, Any]
STEP: Spec = {"name": "s", "image": "busybox", "script": "true"}
SIDECAR: Spec = {"name": "c", "image": "busybox"}


def task(**more: Any) -> tuple[str, Spec]:
    return "Task", {"steps": [STEP], **more}


def step(**more: Any) -> tuple[str, Spec]:
    return task(steps=[{**STEP, **more}])


def sidecar(**more: Any) -> tuple[str, Spec]:
    return task(sidecars=[{**SIDECAR, **more}])


def volume(**source: Any) -> tuple[str, Spec]:
    return task(volumes=[{"name": "v", **source}])


def task_run(**more: Any) -> tuple[str, Spec]:
    return "TaskRun", {"taskRef": {"name": "t"}, **more}


def pipeline(**more: Any) -> tuple[str, Spec]:
    return "Pipeline", {"tasks": [{"name": "a", **more}]}


def listener(**more: Any) -> tuple[str, Spec]:
    return "EventListener", {"triggers": [{"triggerRef": "x"}], **more}


DEVICES = [{"name": "v", "devicePath": "/dev/x"}]
ALPHA = Config(FeatureFlags(enable_api_fields="alpha"))

TEKTON: dict[str, tuple[str, Spec]] = {
    "PipelineRef.bundle": ("PipelineRun", {"pipelineRef": {"name": "p", "bundle": "x"}}),
    "Sidecar.lifecycle": sidecar(lifecycle={"preStop": {"exec": {"command": ["x"]}}}),
    "Sidecar.stdin": sidecar(stdin=True),
    "Sidecar.stdinOnce": sidecar(stdinOnce=True),
    "Sidecar.tty": sidecar(tty=True),
    "Sidecar.volumeDevices": sidecar(volumeDevices=DEVICES),
    "Step.volumeDevices": step(volumeDevices=DEVICES),
    "StepTemplate.volumeDevices": task(stepTemplate={"volumeDevices": DEVICES}),
    "TaskRef.bundle": ("TaskRun", {"taskRef": {"name": "t", "bundle": "x"}}),
    "Volume.csi": volume(csi={"driver": "x"}),
    "Volume.ephemeral": volume(ephemeral={"volumeClaimTemplate": {"spec": {}}}),
    "Volume.hostPath": volume(hostPath={"path": "/"}),
    "Volume.image": volume(image={"reference": "x"}),
    "Volume.iscsi": volume(iscsi={"targetPortal": "x", "iqn": "x", "lun": 0}),
    "Volume.nfs": volume(nfs={"server": "x", "path": "/"}),
    "VolumeMount.subPathExpr": step(volumeMounts=[{"name": "v", "mountPath": "/x", "subPathExpr": "$(X)"}]),
    "WorkspaceBinding.csi": task_run(workspaces=[{"name": "w", "csi": {"driver": "x"}}]),
}

TEKTON_ALPHA: dict[str, tuple[str, Spec]] = {
    "Breakpoints.beforeSteps": task_run(debug={"breakpoints": {"beforeSteps": ["s"]}}),
    "Breakpoints.onFailure": task_run(debug={"breakpoints": {"onFailure": "enabled"}}),
    "Debug.breakpoints": task_run(debug={"breakpoints": {"onFailure": "enabled"}}),
    "TaskRunSpec.debug": task_run(debug={"breakpoints": {"onFailure": "enabled"}}),
}

TRIGGERS: dict[str, tuple[str, Spec]] = {
    "EventListenerSpec.cloudEventURI": listener(cloudEventURI="http://x"),
    "ListenerResources.customResource": listener(resources={"customResource": {"a": 1}}),
    "TriggerInterceptor.webhook": (
        "EventListener",
        {"triggers": [{"template": {"ref": "t"}, "interceptors": [{"webhook": {"objectRef": {"name": "x"}}}]}]},
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
    "ComponentSpec.kedaSpec": predictor({"kedaSpec": {"maxReplicaCount": 2}}),
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
    "Logger.mode": predictor(graph={"logger": {"mode": "all"}}),
    "Logger.url": predictor(graph={"logger": {"mode": "all", "url": "http://x"}}),
    "PredictiveUnit.implementation": predictor(graph={"implementation": "SKLEARN_SERVER", "modelUri": "s3://x"}),
    _BUILT_IN: predictor(graph={"implementation": "AVERAGE_COMBINER"}),
    "PredictiveUnit.logger": predictor(graph={"logger": {"mode": "all"}}),
    "PredictiveUnit.methods: another": predictor(graph={"methods": ["PREDICT"]}),
    "PredictiveUnit.modelUri": predictor(graph={"modelUri": "s3://x"}),
    "PredictiveUnit.type: another": predictor(graph={"type": "MODLE"}),
    "Predictor.explainer": predictor(explainer={"type": "AnchorTabular"}),
    "Predictor.ssl": predictor(ssl={"certSecretName": "x"}),
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
    "ComponentSpec.hpaSpec": predictor({"hpaSpec": HPA}),
    "ComponentSpec.pdbSpec": predictor({"pdbSpec": {"minAvailable": 1}}),
    "Endpoint.grpcPort": predictor(graph={"endpoint": {"grpcPort": 1}}),
    "Endpoint.httpPort": predictor(graph={"endpoint": {"httpPort": 1}}),
    "Endpoint.service_host": predictor(graph={"endpoint": {"service_host": "x"}}),
    "Endpoint.service_port": predictor(graph={"endpoint": {"service_port": 1}}),
    "Endpoint.type": predictor(graph={"endpoint": {"type": "REST"}}),
    "HpaSpec.maxReplicas": predictor({"hpaSpec": HPA}),
    "HpaSpec.metrics": predictor({"hpaSpec": {**HPA, "metrics": []}}),
    "HpaSpec.metricsv2": predictor({"hpaSpec": {**HPA, "metricsv2": [{"type": "Resource"}]}}),
    "PdbSpec.maxUnavailable": predictor({"pdbSpec": {"maxUnavailable": "50%"}}),
    "PdbSpec.minAvailable": predictor({"pdbSpec": {"minAvailable": 1}}),
    "PredictiveUnit.endpoint": predictor(graph={"endpoint": {"type": "REST"}}),
    "PredictiveUnit.envSecretRefName": predictor(graph={"envSecretRefName": "x"}),
    "PredictiveUnit.serviceAccountName": predictor(graph={"serviceAccountName": "x"}),
    "PredictiveUnit.storageInitializerImage": predictor(graph={"storageInitializerImage": "x"}),
    "Predictor.engineResources": predictor(engineResources={"limits": {"cpu": "1"}}),
    "Predictor.svcOrchSpec": predictor(svcOrchSpec={"replicas": 1}),
    "SeldonDeploymentSpec.name": deployment(name="x"),
    "SeldonDeploymentSpec.oauth_key": deployment(oauth_key="x"),
    "SeldonDeploymentSpec.oauth_secret": deployment(oauth_secret="x"),
    "SeldonDeploymentSpec.serverType": deployment(serverType="rpc"),
    "SeldonDeploymentSpec.transport": deployment(transport="rest"),
    "SvcOrchSpec.env": predictor(svcOrchSpec={"env": [{"name": "A", "value": "b"}]}),
    "SvcOrchSpec.replicas": predictor(svcOrchSpec={"replicas": 1}),
    "SvcOrchSpec.resources": predictor(svcOrchSpec={"resources": {"limits": {"cpu": "1"}}}),
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
    "RouteSpec.httpHeaders": exposed(httpHeaders={"actions": {}}),
    "RouteSpec.subdomain": exposed(subdomain="x"),
    "RouteSpec.tls: termination passthrough, reencrypt": exposed(tls={"termination": "reencrypt"}),
    "RouteSpec.wildcardPolicy: Subdomain": exposed(wildcardPolicy="Subdomain"),
}
ROUTE_TAKEN: dict[str, tuple[str, Spec]] = {
    "RouteSpec.tls": exposed(tls={"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect"}),
    "RouteSpec.wildcardPolicy": exposed(wildcardPolicy="None"),
}


def repository(provider: Spec | None = None, settings: Spec | None = None, **more: Any) -> tuple[str, Spec]:
    return "Repository", {"url": "http://x/y", "git_provider": provider or {}, "settings": settings or {}, **more}


PAC: dict[str, tuple[str, Spec]] = {
    "GitProvider.type: github, gitlab, bitbucket-datacenter, bitbucket-cloud": repository({"type": "github"}),
    "RepositorySettings.ai": repository(settings={"ai": {"enabled": True}}),
    "RepositorySettings.github": repository(settings={"github": {"comment_strategy": "update"}}),
    "RepositorySettings.github_app_token_scope_repos": repository(settings={"github_app_token_scope_repos": ["x/y"]}),
    "RepositorySettings.gitlab": repository(settings={"gitlab": {"comment_strategy": "update"}}),
    "RepositorySettings.gitops_command_prefix": repository(settings={"gitops_command_prefix": "pac"}),
    "RepositorySpec.incoming": repository(incoming=[{"type": "webhook-url", "secret": {"name": "x"}}]),
}
PAC_TAKEN: dict[str, tuple[str, Spec]] = {
    "ForgejoSettings.comment_strategy": repository(settings={"forgejo": {"comment_strategy": "update"}}),
    "ForgejoSettings.user_agent": repository(settings={"forgejo": {"user_agent": "x"}}),
    "GitProvider.url": repository({"url": "http://x"}),
    "GitProvider.user": repository({"user": "x"}),
    "GitProvider.webhook_secret": repository({"webhook_secret": {"name": "x"}}),
    "Policy.ok_to_test": repository(settings={"policy": {"ok_to_test": ["x"]}}),
    "Policy.pull_request": repository(settings={"policy": {"pull_request": ["x"]}}),
}


def routed(
    route: Spec | None = None, receiver: Spec | None = None, http: Spec | None = None, **more: Any
) -> tuple[str, Spec]:
    webhook: Spec = {"url": "http://x", **({"httpConfig": http} if http is not None else {})}
    receivers = [{"name": "r", "webhookConfigs": [webhook], **(receiver or {})}]
    return "AlertmanagerConfig", {"route": {"receiver": "r", **(route or {})}, "receivers": receivers, **more}


def monitor(kind: str = "PodMonitor", endpoint: Spec | None = None, **more: Any) -> tuple[str, Spec]:
    key = "endpoints" if kind == "ServiceMonitor" else "podMetricsEndpoints"
    return kind, {"selector": {}, key: [{"port": "metrics", **(endpoint or {})}], **more}


def build_config(strategy: Spec | None = None, **more: Any) -> tuple[str, Spec]:
    return "BuildConfig", {"strategy": strategy or {"dockerStrategy": {}}, **more}


def docker(**more: Any) -> tuple[str, Spec]:
    return build_config({"dockerStrategy": more})


def from_source(**more: Any) -> tuple[str, Spec]:
    return build_config({"sourceStrategy": {"from": {"kind": "DockerImage", "name": "x"}, **more}})


BUILDS: dict[str, tuple[str, Spec]] = {
    "BuildConfigSpec.triggers": build_config(triggers=[{"type": "ConfigChange"}]),
    "BuildSource.configMaps": build_config(source={"configMaps": [{}]}),
    "BuildSource.images": build_config(source={"images": [{}]}),
    "BuildSource.secrets": build_config(source={"secrets": [{}]}),
    "BuildSource.sourceSecret": build_config(source={"sourceSecret": {"name": "x"}}),
    "BuildStrategy.customStrategy": build_config({"customStrategy": {"from": {}}}),
    "BuildStrategy.jenkinsPipelineStrategy": build_config({"jenkinsPipelineStrategy": {"jenkinsfile": "x"}}),
    "CommonSpec.postCommit": build_config(postCommit={"script": "x"}),
    "CommonSpec.revision": build_config(revision={"git": {}}),
    "DockerStrategy.buildArgs": docker(buildArgs=[{"name": "x"}]),
    "DockerStrategy.env": docker(env=[{"name": "x"}]),
    "DockerStrategy.from": docker(**{"from": {"kind": "DockerImage", "name": "x"}}),
    "DockerStrategy.imageOptimizationPolicy": docker(imageOptimizationPolicy="SkipLayers"),
    "DockerStrategy.volumes": docker(volumes=[{}]),
    "SourceStrategy.volumes": from_source(volumes=[{}]),
}
BUILDS_TAKEN: dict[str, tuple[str, Spec]] = {
    "BuildOutput.pushSecret": build_config(output={"pushSecret": {"name": "x"}}),
    "CommonSpec.mountTrustedCA": build_config(mountTrustedCA=True),
    "CommonSpec.nodeSelector": build_config(nodeSelector={"a": "b"}),
    "CommonSpec.resources": build_config(resources={"limits": {"cpu": "1"}}),
    "DockerStrategy.forcePull": docker(forcePull=True),
    "DockerStrategy.noCache": docker(noCache=True),
    "DockerStrategy.pullSecret": docker(pullSecret={"name": "x"}),
    "SourceStrategy.forcePull": from_source(forcePull=True),
    "SourceStrategy.pullSecret": from_source(pullSecret={"name": "x"}),
}
MONITORING: dict[str, tuple[str, Spec]] = {
    "AlertRoute.activeTimeIntervals": routed({"activeTimeIntervals": ["x"]}),
    "AlertRoute.muteTimeIntervals": routed({"routes": [{"muteTimeIntervals": ["x"]}]}),
    "AlertmanagerConfigSpec.muteTimeIntervals": routed(muteTimeIntervals=[{"name": "x"}]),
    "HTTPConfig.basicAuth": routed(http={"basicAuth": {}}),
    "HTTPConfig.bearerTokenSecret": routed(http={"bearerTokenSecret": {}}),
    "HTTPConfig.noProxy": routed(http={"noProxy": "x"}),
    "HTTPConfig.oauth2": routed(http={"oauth2": {}}),
    "HTTPConfig.proxyConnectHeader": routed(http={"proxyConnectHeader": {}}),
    "HTTPConfig.proxyFromEnvironment": routed(http={"proxyFromEnvironment": False}),
    "HTTPConfig.proxyURL": routed(http={"proxyURL": "http://x"}),
    "HTTPConfig.proxyUrl": routed(http={"proxyUrl": "http://x"}),
    "HTTPConfig.tlsConfig": routed(http={"tlsConfig": {}}),
    "MetricsEndpoint.authorization": monitor(endpoint={"authorization": {}}),
    "MetricsEndpoint.basicAuth": monitor(endpoint={"basicAuth": {}}),
    "MetricsEndpoint.bearerTokenSecret": monitor(endpoint={"bearerTokenSecret": {"key": "x"}}),
    "MetricsEndpoint.filterRunning: false": monitor(endpoint={"filterRunning": False}),
    "MetricsEndpoint.oauth2": monitor(endpoint={"oauth2": {}}),
    "MetricsEndpoint.proxyUrl": monitor(endpoint={"proxyUrl": "http://x"}),
    "MetricsEndpoint.scheme: https": monitor(endpoint={"scheme": "https"}),
    "MetricsEndpoint.tlsConfig": monitor("ServiceMonitor", {"tlsConfig": {"insecureSkipVerify": True}}),
    "MetricsEndpoint.trackTimestampsStaleness": monitor(endpoint={"trackTimestampsStaleness": True}),
    "MonitorSpec.attachMetadata: node": monitor("ServiceMonitor", attachMetadata={"node": True}),
    "MonitorSpec.keepDroppedTargets": monitor(keepDroppedTargets=1),
    "MonitorSpec.scrapeClass": monitor("ServiceMonitor", scrapeClass="x"),
    "MonitorSpec.scrapeProtocols": monitor(scrapeProtocols=["PrometheusText0.0.4"]),
    **{
        f"Receiver.{name}Configs": routed(receiver={f"{name}Configs": [{}]})
        for name in (
            *("discord", "email", "msteams", "opsgenie", "pagerduty", "pushover"),
            *("slack", "sns", "telegram", "victorops", "webex", "wechat"),
        )
    },
    "ServiceMetricsEndpoint.bearerTokenFile": monitor("ServiceMonitor", {"bearerTokenFile": "/x"}),
}
MONITORING_TAKEN: dict[str, tuple[str, Spec]] = {
    "MonitorSpec.selectorMechanism": monitor(selectorMechanism="RoleSelector"),
    "RuleGroup.partial_response_strategy": (
        "PrometheusRule",
        {"groups": [{"name": "g", "partial_response_strategy": "warn", "rules": [{"alert": "A", "expr": "up == 0"}]}]},
    ),
}

TABLES = [
    (BUILDS, builds_support.REFUSED),
    (MONITORING, monitoring_support.REFUSED),
    (PAC, pac_support.REFUSED),
    (ROUTE, route_support.REFUSED),
    (TEKTON, tekton_support.REFUSED),
    (TEKTON_ALPHA, tekton_support.REFUSED_WITH_ALPHA),
    (TRIGGERS, triggers_support.REFUSED),
    (SELDON, seldon_support.REFUSED),
]
REFUSALS = [
    (row, *tried[row], documented[row])
    for tried, documented in TABLES
    for row in sorted(tried.keys() & documented.keys())
]


def put(kind: str, spec: Spec) -> None:
    of = built_in(kind)
    obj = {"apiVersion": of.api_version, "kind": kind, "metadata": {"name": "a", "namespace": "dev"}, "spec": spec}
    admit(of, obj, None, ALPHA)


@pytest.mark.parametrize(("row", "kind", "spec", "message"), REFUSALS, ids=[one[0] for one in REFUSALS])
def test_refused_row_is_refused_in_its_words(row: str, kind: str, spec: Spec, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        put(kind, spec)
    before, _, after = message.partition("{value}")
    assert before in caught.value.message and after in caught.value.message


def test_every_refused_row_is_tried() -> None:
    for tried, documented in TABLES:
        assert tried.keys() == documented.keys()


TAKEN = BUILDS_TAKEN | MONITORING_TAKEN | PAC_TAKEN | ROUTE_TAKEN | SELDON_TAKEN


@pytest.mark.parametrize("row", sorted(TAKEN))
def test_accepted_row_is_admitted(row: str) -> None:
    put(*TAKEN[row])


def test_every_accepted_row_is_tried() -> None:
    documented = (
        builds_support.ACCEPTED
        | monitoring_support.ACCEPTED
        | pac_support.ACCEPTED
        | route_support.ACCEPTED
        | seldon_support.ACCEPTED
    )
    assert TAKEN.keys() == documented.keys()


def test_every_field_of_a_route_has_one_row() -> None:
    known = [
        f"{one.__name__}.{field.encode_name}"
        for one in (route.RoutePort, route.RouteSpec, route.RouteTarget)
        for field in msgspec.structs.fields(one)
    ]
    assert sorted(row.field for row in parity.route_rows() if ":" not in row.field) == sorted(known)


def test_every_field_of_a_repository_has_one_row_or_is_of_a_refused_type() -> None:
    refused = ("GithubSettings", "GitlabSettings", "Incoming")
    known = [
        f"{one.__name__}.{field.encode_name}"
        for one in vars(pipelinesascode).values()
        if isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__module__ == pipelinesascode.__name__
        if not issubclass(one, Reported) and one.__name__ not in refused
        for field in msgspec.structs.fields(one)
    ]
    assert sorted(row.field for row in parity.pipelinesascode_rows() if ":" not in row.field) == sorted(known)


def test_every_field_of_a_build_config_has_one_row() -> None:
    types: list[type[msgspec.Struct]] = [
        *(builds.BinarySource, builds.BuildConfigSpec, builds.BuildOutput, builds.BuildSource, builds.BuildStrategy),
        *(builds.CommonSpec, builds.DockerStrategy, builds.GitSource, builds.ImageLabel, builds.SourceStrategy),
    ]
    known = [
        f"{one.__name__}.{field.encode_name}"
        for one in types
        for field in msgspec.structs.fields(one)
        if field.name in one.__annotations__
    ]
    assert sorted(row.field for row in parity.builds_rows()) == sorted(known)


def test_every_field_of_the_monitoring_kinds_has_one_row() -> None:
    known = [
        f"{one.__name__}.{field.encode_name}"
        for module in (alerting, monitoring)
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__module__ == module.__name__
        if not issubclass(one, Resource)
        for field in msgspec.structs.fields(one)
        if field.name in one.__annotations__  # not those of the type that it extends
    ]
    rows = [row.field for row in parity.monitoring_rows()]
    assert sorted(row for row in rows if ":" not in row) == sorted(known)
    assert {row.partition(":")[0] for row in rows if ":" in row} <= set(known)


def test_every_field_of_seldon_has_one_row() -> None:
    known = [
        f"{one.__name__}.{field.encode_name}"
        for one in vars(seldon).values()
        if isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__module__ == seldon.__name__
        if not issubclass(one, Reported)  # a manifest does not set the status
        for field in msgspec.structs.fields(one)
    ]
    rows = [row.field for row in parity.seldon_rows()]
    assert sorted(row for row in rows if ":" not in row) == sorted(known)
    assert len(rows) == len(set(rows))
    assert {row.partition(":")[0] for row in rows if ":" in row} <= set(known)


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
