"""Values of fields that a rule of their kind needs, for `tests.fields`."""

from __future__ import annotations

from typing import Any

UNSET = object()
"""In WITH: leave the field out."""

_STEP: dict[str, Any] = {"name": "s", "image": "busybox", "command": ["true"]}
_TASK: dict[str, Any] = {
    "workspaces": [{"name": "w"}],
    "volumes": [{"name": "v", "emptyDir": {}}],
    "steps": [_STEP],
}
_REF: dict[str, Any] = {"taskRef": {"name": "t"}}

_CONFIG_MAP: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}}

BELOW: dict[str, dict[str, Any]] = {
    "CustomRunSpec.customRef": {"apiVersion": "example.com/v1", "kind": "Wait"},
    "PredictiveUnit.children": {"name": "n", "children": []},
}
"""More fields of a type below one field."""

_TWO: dict[str, Any] = {"spec": {"containers": [{"name": "m", "image": "x"}, {"name": "n", "image": "x"}]}}
_GRAPH: dict[str, Any] = {"name": "m", "children": [{"name": "n"}]}
_PREDICTOR: dict[str, Any] = {"name": "p", "traffic": 50, "graph": _GRAPH, "componentSpecs": [_TWO]}
_LIVE: dict[str, Any] = {**_PREDICTOR, "name": "live"}

FURTHER: dict[str, list[dict[str, Any]]] = {
    "PipelineSpec.tasks": [{"name": "t", **_REF}],
    "SeldonDeploymentSpec.predictors": [_LIVE],
}
"""Further items of a list."""

NOT_TRIED = {
    ("PipelineSpec.finally", "PipelineTask.runAfter"),
    ("PredictiveUnit.children", "PredictiveUnit.children"),
    ("PredictiveUnit.children", "PredictiveUnit.name"),
}
"""Fields below a field that a rule refuses there on a cluster too, or that every other object has."""

EXAMPLES: dict[str, dict[str, Any]] = {
    "EmbeddedTask": _TASK,
    "PipelineSpec": {"workspaces": [{"name": "w"}], "tasks": [{"name": "t", **_REF}]},
    "EmbeddedCustomTask": {"apiVersion": "example.com/v1", "kind": "Wait"},
    "PipelineTask": {"name": "a", **_REF},
    "Sidecar": {"name": "c", "image": "busybox"},
    "StepActionSpec": {"image": "busybox"},
    "StepRef": {"name": "action"},
    "TaskRunSpec": _REF,
    "PipelineRunSpec": {"pipelineRef": {"name": "p"}},
    "TaskSpec": _TASK,
    "WhenExpression": {"input": "a", "operator": "in", "values": ["a"]},
    "WorkspaceUsage": {"name": "w"},
    "Volume": {"name": "x", "emptyDir": {}},
    "ComponentSpec": _TWO,
    "GitProvider": {"type": "gitea"},
    "GroupMember": {"name": "x", "input": "pending"},
    "Logger": {"mode": "all"},
    "HpaSpec": {"maxReplicas": 2},
    "PredictiveUnit": _GRAPH,
    "Predictor": _PREDICTOR,
    "SeldonDeploymentSpec": {"predictors": [_PREDICTOR, _LIVE]},
    "RouteTarget": {"kind": "Service", "name": "x"},
    "Step": _STEP,
    "AlertmanagerConfigSpec": {"route": {"receiver": "x"}, "receivers": [{"name": "x"}]},
    "AlertRoute": {"receiver": "x"},
    "Approver": {"name": "x", "input": "pending"},
    "BindingRef": {"ref": "b"},
    "BuildStrategy": {"dockerStrategy": {}},
    "CustomRunSpec": {"customRef": {"apiVersion": "example.com/v1", "kind": "Wait"}},
    "EventListenerSpec": {"triggers": [{"triggerRef": "t"}]},
    "EventListenerTrigger": {"template": {"ref": "t"}},
    "InterceptorRef": {"name": "cel"},
    "OwnerReference": {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "x"},
    "PodMetricsEndpoint": {"port": "metrics"},
    "Receiver": {"name": "x"},
    "Relabeling": {"targetLabel": "a"},
    "Rule": {"alert": "A", "expr": "up == 0"},
    "SelectorRequirement": {"key": "a", "operator": "In", "values": ["b"]},
    "ServiceMetricsEndpoint": {"port": "metrics"},
    "ServiceReference": {"name": "x", "namespace": "dev"},
    "TemplateRef": {"ref": "t"},
    "TriggerGroup": {
        "name": "x",
        "interceptors": [{"ref": {"name": "cel"}}],
        "triggerSelector": {"labelSelector": {"matchLabels": {"a": "b"}}},
    },
    "TriggerInterceptor": {"ref": {"name": "cel"}},
    "TriggerSpec": {"template": {"ref": "t"}},
    "TriggerTemplateSpec": {"resourcetemplates": [_CONFIG_MAP]},
    "WebhookConfig": {"url": "http://127.0.0.1:1/"},
    "WorkspaceBinding": {"name": "w", "emptyDir": {}},
    "TaskRef": {"name": "t"},
    "PipelineRef": {"name": "p"},
    "PipelineResult": {"name": "x", "value": "$(tasks.t.results.r)"},
    "PipelineTaskRunSpec": {"pipelineTaskName": "t"},
    "PipelineTaskWorkspace": {"name": "w", "workspace": "w"},
    "ConfigMapVolumeSource": {"name": "x"},
    "SecretVolumeSource": {"secretName": "x"},
    "ProjectedVolumeSource": {"sources": [{"configMap": {"name": "x"}}]},
    "TypedLocalObjectReference": {"kind": "PersistentVolumeClaim", "name": "x"},
    "TypedObjectReference": {"kind": "PersistentVolumeClaim", "name": "x"},
    "VolumeMount": {"name": "v", "mountPath": "/x"},
}
"""A small valid object of a type, where the required fields are not enough."""

VALUES: dict[str, Any] = {
    "Approver.input": "pending",
    "ComponentSpec.spec": _TWO["spec"],
    "Endpoint.type": "REST",
    "GitProvider.type": "gitea",
    "GroupMember.input": "pending",
    "MonitorSpec.bodySizeLimit": "1MB",
    "Parameter.type": "STRING",
    "PredictiveUnit.children": [{"name": "n"}],
    "PredictiveUnit.name": "m",
    "SeldonDeploymentSpec.predictors": [_PREDICTOR, _LIVE],
    "Logger.mode": "all",
    "PredictiveUnit.implementation": "SKLEARN_SERVER",
    "PredictiveUnit.logger": {"mode": "all"},
    "PredictiveUnit.methods": ["TRANSFORM_INPUT"],
    "PredictiveUnit.type": "MODEL",
    "Predictor.traffic": 50,
    "PipelineTaskWorkspace.workspace": "w",
    "RepositorySpec.settings": {"policy": {"ok_to_test": ["x"]}},
    "RepositorySpec.url": "http://127.0.0.1:1/x/y",
    "RouteSpec.subdomain": "x",
    "CustomRunSpec.customRef": {"apiVersion": "example.com/v1", "kind": "Wait"},
    "ProjectedVolumeSource.sources": [{"configMap": {"name": "x"}}],
    "RouteSpec.tls": {"termination": "edge"},
    "RouteSpec.wildcardPolicy": "None",
    "RouteSpec.path": "/x",
    "RouteTarget.kind": "Service",
    "SeldonDeploymentSpec.protocol": "v2",
    "SeldonDeploymentSpec.serverType": "rpc",
    "SeldonDeploymentSpec.transport": "rest",
    "WebhookConfig.url": "http://127.0.0.1:1/",
    "AlertRoute.groupWait": "5s",
    "AlertRoute.groupInterval": "5s",
    "AlertRoute.repeatInterval": "5s",
    "AlertRoute.routes": [{"receiver": "x"}],
    "BindingRef.kind": "TriggerBinding",
    "CustomRunSpec.status": "RunCancelled",
    "CustomRunSpec.timeout": "5s",
    "InterceptorRef.kind": "NamespacedInterceptor",
    "MetricsEndpoint.interval": "5s",
    "MetricsEndpoint.scrapeTimeout": "5s",
    "PipelineResult.value": "$(tasks.t.results.r)",
    "PipelineRunSpec.status": "PipelineRunPending",
    "PipelineTask.pipelineSpec": {"tasks": [{"name": "b", **_REF}]},
    "PipelineTask.runAfter": ["t"],
    "PipelineTask.timeout": "5s",
    "PipelineTaskRunSpec.timeout": "5s",
    "RuleGroup.interval": "5s",
    "RuleGroup.query_offset": "5s",
    "RuleGroup.partial_response_strategy": "warn",
    "Rule.for": "5s",
    "Rule.keep_firing_for": "5s",
    "SelectorRequirement.operator": "NotIn",
    "TaskRef.kind": "Task",
    "TaskRef.resolver": "git",
    "PipelineRef.resolver": "git",
    "TaskRunSpec.status": "TaskRunCancelled",
    "TaskRunSpec.timeout": "5s",
    "TemplateRef.apiversion": "v1beta1",
    "Timeouts.finally": "5s",
    "Timeouts.pipeline": "5s",
    "Timeouts.tasks": "5s",
    "TriggerTemplateSpec.resourcetemplates": [_CONFIG_MAP],
    "WhenExpression.operator": "notin",
    "ParamSpec.type": "string",
    "ParamSpec.properties": {"a": {"type": "string"}},
    "PropertySpec.type": "string",
    "PipelineTask.onError": "continue",
    "Step.onError": "continue",
    "Step.timeout": "5s",
    "StepRef.resolver": "git",
    "StepResult.type": "string",
    "TaskResult.type": "string",
    "WhenExpression.cel": "'a' == 'a'",
    "WorkspaceUsage.name": "w",
}
"""The value of a field, where one made from its type is not valid."""

_NO_TASK: dict[str, Any] = dict.fromkeys(_TASK, UNSET)
_NO_IMAGE: dict[str, Any] = {"image": UNSET, "command": UNSET}
_OBJECT: dict[str, Any] = {"type": "object"}
WITH: dict[str, dict[str, Any]] = {
    "BuildStrategy.sourceStrategy": {"dockerStrategy": UNSET},
    "EmbeddedTask.apiVersion": {**_NO_TASK, "kind": "Wait"},
    "EmbeddedTask.kind": {**_NO_TASK, "apiVersion": "example.com/v1"},
    "EmbeddedTask.spec": {**_NO_TASK, "apiVersion": "example.com/v1", "kind": "Wait"},
    "PredictiveUnit.implementation": {"modelUri": "s3://x"},
    "TaskRef.apiVersion": {"kind": "Wait"},
    "BindingRef.name": {"ref": UNSET, "value": "x"},
    "BindingRef.value": {"ref": UNSET, "name": "x"},
    "CustomRunSpec.customSpec": {"customRef": UNSET},
    "CustomRunSpec.statusMessage": {"status": "RunCancelled"},
    "EventListenerTrigger.triggerRef": {"template": UNSET},
    "PipelineRef.params": {"name": UNSET, "resolver": "git"},
    "PipelineRef.resolver": {"name": UNSET},
    "Rule.record": {"alert": UNSET},
    "TaskRef.params": {"name": UNSET, "resolver": "git"},
    "TaskRef.resolver": {"name": UNSET},
    "TaskRunSpec.statusMessage": {"status": "TaskRunCancelled"},
    "TemplateRef.spec": {"ref": UNSET},
    "WebhookConfig.urlSecret": {"url": UNSET},
    "WorkspaceBinding.configMap": {"emptyDir": UNSET},
    "WorkspaceBinding.csi": {"emptyDir": UNSET},
    "WorkspaceBinding.persistentVolumeClaim": {"emptyDir": UNSET},
    "WorkspaceBinding.projected": {"emptyDir": UNSET},
    "WorkspaceBinding.secret": {"emptyDir": UNSET},
    "WorkspaceBinding.volumeClaimTemplate": {"emptyDir": UNSET},
    "ParamSpec.properties": _OBJECT,
    "StepResult.properties": _OBJECT,
    "TaskResult.properties": _OBJECT,
    "Step.ref": _NO_IMAGE,
    "Step.params": {**_NO_IMAGE, "ref": {"name": "action"}},
    "Step.script": {"command": UNSET},
    "StepRef.params": {"name": UNSET, "resolver": "git"},
    "StepRef.resolver": {"name": UNSET},
    "WhenExpression.cel": {"input": UNSET, "operator": UNSET, "values": UNSET},
    "PipelineTask.taskSpec": {"taskRef": UNSET},
    "PipelineTask.pipelineRef": {"taskRef": UNSET},
    "PipelineTask.pipelineSpec": {"taskRef": UNSET},
    "TaskRunSpec.taskSpec": {"taskRef": UNSET},
    "PipelineRunSpec.pipelineSpec": {"pipelineRef": UNSET},
}
"""Other fields that a field needs, or does not go with."""
