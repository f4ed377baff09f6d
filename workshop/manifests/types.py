"""The type of each kind.

The API server validates and explains with this table. A kind without a type may have any fields.
"""

from __future__ import annotations

from workshop.manifests import (
    approval,
    builds,
    images,
    kubernetes,
    monitoring,
    route,
    seldon,
    tekton,
    templates,
    triggers,
)

TYPES: dict[tuple[str, str], type] = {
    ("v1", "ConfigMap"): kubernetes.ConfigMap,
    ("v1", "Event"): kubernetes.Event,
    ("v1", "LimitRange"): kubernetes.LimitRange,
    ("v1", "Namespace"): kubernetes.Namespace,
    ("v1", "PersistentVolumeClaim"): kubernetes.PersistentVolumeClaim,
    ("v1", "Pod"): kubernetes.Pod,
    ("v1", "ResourceQuota"): kubernetes.ResourceQuota,
    ("v1", "Secret"): kubernetes.Secret,
    ("v1", "Service"): kubernetes.Service,
    ("v1", "ServiceAccount"): kubernetes.ServiceAccount,
    ("apps/v1", "Deployment"): kubernetes.Deployment,
    ("autoscaling/v2", "HorizontalPodAutoscaler"): kubernetes.HorizontalPodAutoscaler,
    ("build.openshift.io/v1", "Build"): builds.Build,
    ("build.openshift.io/v1", "BuildConfig"): builds.BuildConfig,
    ("image.openshift.io/v1", "ImageStream"): images.ImageStream,
    ("image.openshift.io/v1", "ImageStreamTag"): images.ImageStreamTag,
    ("machinelearning.seldon.io/v1", "SeldonDeployment"): seldon.SeldonDeployment,
    ("monitoring.coreos.com/v1", "PodMonitor"): monitoring.PodMonitor,
    ("monitoring.coreos.com/v1", "PrometheusRule"): monitoring.PrometheusRule,
    ("monitoring.coreos.com/v1", "ServiceMonitor"): monitoring.ServiceMonitor,
    ("networking.k8s.io/v1", "NetworkPolicy"): kubernetes.NetworkPolicy,
    ("openshift-pipelines.org/v1alpha1", "ApprovalTask"): approval.ApprovalTask,
    ("policy/v1", "PodDisruptionBudget"): kubernetes.PodDisruptionBudget,
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): kubernetes.ClusterRole,
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): kubernetes.ClusterRoleBinding,
    ("rbac.authorization.k8s.io/v1", "Role"): kubernetes.Role,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): kubernetes.RoleBinding,
    ("route.openshift.io/v1", "Route"): route.Route,
    ("template.openshift.io/v1", "Template"): templates.Template,
    ("tekton.dev/v1", "Pipeline"): tekton.Pipeline,
    ("tekton.dev/v1", "PipelineRun"): tekton.PipelineRun,
    ("tekton.dev/v1", "Task"): tekton.Task,
    ("tekton.dev/v1", "TaskRun"): tekton.TaskRun,
    ("tekton.dev/v1beta1", "CustomRun"): tekton.CustomRun,
    ("tekton.dev/v1beta1", "StepAction"): tekton.StepAction,
    ("triggers.tekton.dev/v1alpha1", "ClusterInterceptor"): triggers.ClusterInterceptor,
    ("triggers.tekton.dev/v1alpha1", "Interceptor"): triggers.Interceptor,
    ("triggers.tekton.dev/v1beta1", "ClusterTriggerBinding"): triggers.ClusterTriggerBinding,
    ("triggers.tekton.dev/v1beta1", "EventListener"): triggers.EventListener,
    ("triggers.tekton.dev/v1beta1", "Trigger"): triggers.Trigger,
    ("triggers.tekton.dev/v1beta1", "TriggerBinding"): triggers.TriggerBinding,
    ("triggers.tekton.dev/v1beta1", "TriggerTemplate"): triggers.TriggerTemplate,
}
