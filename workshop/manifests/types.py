"""Which type describes which kind.

The API server validates and explains by this table; a kind that is not here is served with any fields.
"""

from __future__ import annotations

from workshop.manifests import approval, apps, core, monitoring, seldon, tekton, triggers

TYPES: dict[tuple[str, str], type] = {
    ("v1", "ConfigMap"): core.ConfigMap,
    ("v1", "Event"): core.Event,
    ("v1", "LimitRange"): apps.LimitRange,
    ("v1", "Namespace"): core.Namespace,
    ("v1", "PersistentVolumeClaim"): core.PersistentVolumeClaim,
    ("v1", "Pod"): core.Pod,
    ("v1", "ResourceQuota"): apps.ResourceQuota,
    ("v1", "Secret"): core.Secret,
    ("v1", "Service"): core.Service,
    ("v1", "ServiceAccount"): core.ServiceAccount,
    ("apps/v1", "Deployment"): apps.Deployment,
    ("autoscaling/v2", "HorizontalPodAutoscaler"): apps.HorizontalPodAutoscaler,
    ("machinelearning.seldon.io/v1", "SeldonDeployment"): seldon.SeldonDeployment,
    ("monitoring.coreos.com/v1", "PodMonitor"): monitoring.PodMonitor,
    ("monitoring.coreos.com/v1", "PrometheusRule"): monitoring.PrometheusRule,
    ("monitoring.coreos.com/v1", "ServiceMonitor"): monitoring.ServiceMonitor,
    ("networking.k8s.io/v1", "NetworkPolicy"): apps.NetworkPolicy,
    ("openshift-pipelines.org/v1alpha1", "ApprovalTask"): approval.ApprovalTask,
    ("policy/v1", "PodDisruptionBudget"): apps.PodDisruptionBudget,
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): apps.ClusterRole,
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): apps.ClusterRoleBinding,
    ("rbac.authorization.k8s.io/v1", "Role"): apps.Role,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): apps.RoleBinding,
    ("route.openshift.io/v1", "Route"): apps.Route,
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
