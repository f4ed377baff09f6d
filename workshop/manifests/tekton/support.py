"""The lab's support for each field of Tekton's kinds: supported, accepted without effect, or refused with a message.

Every field of the types in this package, and of Kubernetes' types in their supported fields (env, volumes, probes), is
in exactly one of the tables as `Type.field`; a row of one value is `Type.field: value`. Tests compare the tables with
the types and with admission; the parity page is made from them.
"""

from __future__ import annotations

SUPPORTED: dict[str, str] = {
    "CustomRun": "apiVersion kind metadata spec status",
    "CustomRunSpec": "customRef customSpec params workspaces serviceAccountName timeout retries status statusMessage",
    "EmbeddedCustomTask": "apiVersion kind metadata spec",
    "EmbeddedTask": "apiVersion kind metadata spec displayName description params workspaces results "
    "steps stepTemplate sidecars volumes",
    "Matrix": "params include",
    "MatrixInclude": "name params",
    "Param": "name value",
    "ParamSpec": "name type description properties default",
    "Pipeline": "apiVersion kind metadata spec",
    "PipelineRef": "name apiVersion resolver params",
    "PipelineResult": "name type description value",
    "PipelineRun": "apiVersion kind metadata spec status",
    "PipelineRunSpec": "pipelineRef pipelineSpec params workspaces timeouts taskRunTemplate taskRunSpecs "
    "status managedBy",
    "PipelineSpec": "displayName description params workspaces tasks results finally",
    "PipelineTask": "name displayName description taskRef taskSpec runAfter when params matrix workspaces "
    "retries timeout onError",
    "PipelineTaskRunSpec": "pipelineTaskName serviceAccountName metadata timeout podTemplate",
    "PipelineTaskWorkspace": "name workspace subPath",
    "PodTemplate": "env volumes automountServiceAccountToken",
    "PipelineWorkspace": "name description optional",
    "PropertySpec": "type",
    "Sidecar": "name image command args script workingDir env envFrom volumeMounts readinessProbe "
    "startupProbe workspaces",
    "Step": "name displayName image command args script workingDir env envFrom volumeMounts timeout onError "
    "workspaces ref params results when",
    "StepAction": "apiVersion kind metadata spec",
    "StepActionSpec": "description image command args script workingDir env params results volumeMounts",
    "StepRef": "name resolver params",
    "StepResult": "name type description properties",
    "StepTemplate": "image command args workingDir env envFrom volumeMounts",
    "Task": "apiVersion kind metadata spec",
    "TaskRef": "name kind apiVersion resolver params",
    "TaskResult": "name type description properties value",
    "TaskRun": "apiVersion kind metadata spec status",
    "TaskRunSpec": "taskRef taskSpec params workspaces serviceAccountName timeout retries status "
    "statusMessage podTemplate managedBy",
    "TaskRunTemplate": "serviceAccountName podTemplate",
    "TaskSpec": "displayName description params workspaces results steps stepTemplate sidecars volumes",
    "TemplateMeta": "labels annotations",
    "Timeouts": "pipeline tasks finally",
    "WhenExpression": "input operator values",
    "WorkspaceBinding": "name subPath emptyDir persistentVolumeClaim volumeClaimTemplate configMap secret projected",
    "WorkspaceDeclaration": "name description mountPath readOnly optional",
    "WorkspaceUsage": "name mountPath",
    # Types of Kubernetes.
    "ConfigMapEnvSource": "name optional",
    "ConfigMapKeySelector": "key name optional",
    "ConfigMapProjection": "items name optional",
    "ConfigMapVolumeSource": "defaultMode items name optional",
    "DownwardAPIProjection": "items",
    "DownwardAPIVolumeFile": "fieldRef mode path",
    "DownwardAPIVolumeSource": "defaultMode items",
    "EnvFromSource": "configMapRef prefix secretRef",
    "EnvVar": "name value valueFrom",
    "EnvVarSource": "configMapKeyRef fieldRef secretKeyRef",
    "ExecAction": "command",
    "HTTPGetAction": "host httpHeaders path port scheme",
    "HTTPHeader": "name value",
    "KeyToPath": "key mode path",
    "ObjectFieldSelector": "fieldPath",
    "PersistentVolumeClaim": "spec",
    "PersistentVolumeClaimVolumeSource": "claimName readOnly",
    "Probe": "exec httpGet successThreshold tcpSocket timeoutSeconds",
    "ProjectedVolumeSource": "defaultMode sources",
    "SecretEnvSource": "name optional",
    "SecretKeySelector": "key name optional",
    "SecretProjection": "items name optional",
    "SecretVolumeSource": "defaultMode items optional secretName",
    "ServiceAccountTokenProjection": "audience path",
    "TCPSocketAction": "host port",
    "Volume": "configMap downwardAPI emptyDir name persistentVolumeClaim projected secret",
    "VolumeMount": "mountPath name readOnly subPath",
    "VolumeProjection": "configMap downwardAPI secret serviceAccountToken",
}
"""Fields that have the same effect as on a cluster, by type."""

_ONE_MACHINE = "there is one machine and no scheduler; the Pod shows it"
_NO_LIMITS = "steps are not limited; requests and limits are for a scheduler; the Pod shows them"
_NO_IMAGES = "the process runtime pulls no images; podman follows it"
_SAME_USER = "processes run as the lab's user, and the Pod shows it, merged as on a cluster; podman follows it"
_CLAIM = "a claim is a folder of this machine, bound at once; the claim shows it"
_PROBED = "a sidecar is probed ten times a second until it is ready; the timeout of the run is the limit"

ACCEPTED: dict[str, str] = {
    "EmptyDirVolumeSource.medium": "an emptyDir is a folder of this machine",
    "EmptyDirVolumeSource.sizeLimit": "an emptyDir is a folder of this machine, without a limit",
    "ObjectFieldSelector.apiVersion": "the only version is v1",
    "PersistentVolumeClaim.status": "a cluster does not read it in a template either",
    "PersistentVolumeClaimSpec.accessModes": _CLAIM,
    "PersistentVolumeClaimSpec.resources": _CLAIM,
    "PersistentVolumeClaimSpec.storageClassName": _CLAIM,
    "PersistentVolumeClaimSpec.volumeAttributesClassName": _CLAIM,
    "PersistentVolumeClaimSpec.volumeMode": _CLAIM,
    "PipelineTaskRunSpec.computeResources": _NO_LIMITS,
    "PipelineTaskRunSpec.sidecarSpecs": _NO_LIMITS,
    "PipelineTaskRunSpec.stepSpecs": _NO_LIMITS,
    "PodTemplate.affinity": _ONE_MACHINE,
    "PodTemplate.dnsConfig": _ONE_MACHINE,
    "PodTemplate.dnsPolicy": _ONE_MACHINE,
    "PodTemplate.enableServiceLinks": _ONE_MACHINE,
    "PodTemplate.hostAliases": _ONE_MACHINE,
    "PodTemplate.hostNetwork": _ONE_MACHINE,
    "PodTemplate.hostUsers": _ONE_MACHINE,
    "PodTemplate.imagePullSecrets": "podman uses the logins of the lab's user; processes need no images",
    "PodTemplate.nodeSelector": _ONE_MACHINE,
    "PodTemplate.priorityClassName": _ONE_MACHINE,
    "PodTemplate.runtimeClassName": _ONE_MACHINE,
    "PodTemplate.schedulerName": _ONE_MACHINE,
    "PodTemplate.securityContext": _SAME_USER,
    "PodTemplate.tolerations": _ONE_MACHINE,
    "PodTemplate.topologySpreadConstraints": _ONE_MACHINE,
    "Probe.failureThreshold": _PROBED,
    "Probe.initialDelaySeconds": _PROBED,
    "Probe.periodSeconds": _PROBED,
    "Probe.terminationGracePeriodSeconds": "it is for livenessProbe, and a sidecar that hangs is not restarted",
    "ServiceAccountTokenProjection.expirationSeconds": "the token is valid as long as the token in each Pod",
    "Sidecar.computeResources": _NO_LIMITS,
    "Sidecar.imagePullPolicy": _NO_IMAGES,
    "Sidecar.livenessProbe": "a sidecar that hangs is not restarted; it ends with its Pod",
    "Sidecar.ports": "a sidecar listens on the host's loopback ports",
    "Sidecar.restartPolicy": "a sidecar ends with its Pod",
    "Sidecar.securityContext": _SAME_USER,
    "Sidecar.terminationMessagePath": "a sidecar's termination message is not read",
    "Sidecar.terminationMessagePolicy": "a sidecar's termination message is not read",
    "Step.computeResources": _NO_LIMITS,
    "Step.imagePullPolicy": _NO_IMAGES,
    "Step.securityContext": _SAME_USER,
    "StepActionSpec.securityContext": _SAME_USER,
    "StepSpecOverride.computeResources": _NO_LIMITS,
    "StepSpecOverride.name": _NO_LIMITS,
    "StepTemplate.computeResources": _NO_LIMITS,
    "StepTemplate.imagePullPolicy": _NO_IMAGES,
    "StepTemplate.securityContext": _SAME_USER,
    "TaskRunSpec.computeResources": _NO_LIMITS,
    "TaskRunSpec.sidecarSpecs": _NO_LIMITS,
    "TaskRunSpec.stepSpecs": _NO_LIMITS,
    "VolumeMount.mountPropagation": "nothing is mounted in a volume while a Pod runs",
    "VolumeMount.recursiveReadOnly": "nothing is mounted in a volume",
}
"""Fields that are accepted and have no effect on one machine, with the reason."""

_CLUSTER = "the lab does not support {}; use {}, or run it on a cluster"

_NO_PROVISIONER = "a claim of the lab is an empty folder; remove the field, or run it on a cluster"
_LIMITS = "containers of the lab have no requests and limits; write the value"
_VOLUMES = (
    *("awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume", "flocker"),
    *("gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "nfs", "photonPersistentDisk", "portworxVolume"),
    *("quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume"),
)

REFUSED: dict[str, str] = {
    "DownwardAPIVolumeFile.resourceFieldRef": _LIMITS,
    "EnvVarSource.resourceFieldRef": _LIMITS,
    "PersistentVolumeClaimSpec.dataSource": _NO_PROVISIONER,
    "PersistentVolumeClaimSpec.dataSourceRef": _NO_PROVISIONER,
    "PersistentVolumeClaimSpec.selector": _NO_PROVISIONER,
    "PersistentVolumeClaimSpec.volumeMode: Block": _CLUSTER.format("block devices", "volumeMode Filesystem"),
    "PersistentVolumeClaimSpec.volumeName": _NO_PROVISIONER,
    "Probe.grpc": _CLUSTER.format("gRPC probes", "exec, httpGet or tcpSocket"),
    "PipelineRef.bundle": _CLUSTER.format("the old field of bundles", "resolver: bundles"),
    "Sidecar.lifecycle": _CLUSTER.format("lifecycle of a sidecar", "its script"),
    "Sidecar.stdin": _CLUSTER.format("stdin of a sidecar", "a file"),
    "Sidecar.stdinOnce": _CLUSTER.format("stdin of a sidecar", "a file"),
    "Sidecar.tty": _CLUSTER.format("a terminal for a sidecar", "a log"),
    "Sidecar.volumeDevices": _CLUSTER.format("block devices", "volumeMounts"),
    "Step.volumeDevices": _CLUSTER.format("block devices", "volumeMounts"),
    "StepTemplate.volumeDevices": _CLUSTER.format("block devices", "volumeMounts"),
    "TaskRef.bundle": _CLUSTER.format("the old field of bundles", "resolver: bundles"),
    "Volume.ephemeral": _CLUSTER.format("ephemeral volumes", "emptyDir"),
    "Volume.gitRepo": _CLUSTER.format("gitRepo volumes", "a step that clones"),
    "Volume.image": _CLUSTER.format("image volumes", "emptyDir"),
    **{f"Volume.{kind}": _CLUSTER.format(f"{kind} volumes", "emptyDir or persistentVolumeClaim") for kind in _VOLUMES},
    "VolumeProjection.clusterTrustBundle": _CLUSTER.format("ClusterTrustBundles", "a configMap"),
    "VolumeMount.subPathExpr": _CLUSTER.format("subPathExpr", "subPath"),
    "WorkspaceBinding.csi": _CLUSTER.format("csi volumes", "emptyDir or persistentVolumeClaim"),
}
"""Fields that admission refuses, with the messages."""

_DEBUG = "the lab does not support debug; use `workshop run`, which stops at the step that failed, or a cluster"
REFUSED_WITH_ALPHA: dict[str, str] = {
    "Breakpoints.beforeSteps": _DEBUG,
    "Breakpoints.onFailure": _DEBUG,
    "Debug.breakpoints": _DEBUG,
    "TaskRunSpec.debug": _DEBUG,
}
"""Alpha fields that the lab does not implement. Without `enable-api-fields: alpha`, the message is the webhook's."""

GATED: dict[str, str] = {
    "ParamSpec.enum": "enable-param-enum: true",
    "PipelineTask.pipelineRef": "enable-api-fields: alpha",
    "PipelineTask.pipelineSpec": "enable-api-fields: alpha",
    "Step.stderrConfig": "enable-api-fields: alpha",
    "Step.stdoutConfig": "enable-api-fields: alpha",
    "StepOutputConfig.path": "enable-api-fields: alpha",
    "WhenExpression.cel": "enable-cel-in-whenexpression: true",
}
"""Fields that have the same effect as on a cluster when a flag of the ConfigMap `feature-flags` is on."""
