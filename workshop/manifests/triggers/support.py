"""The lab's support for each field of Triggers and of the approval gate.

Every field of the types is in exactly one of the three tables as `Type.field`. A test compares the tables with the
types; the parity page is made from them.
"""

from __future__ import annotations

SUPPORTED: dict[str, str] = {
    "ApprovalTask": "apiVersion kind metadata spec status",
    "ApprovalTaskSpec": "approvers numberOfApprovalsRequired description",
    "Approver": "name input message type users",
    "BindingParam": "name value",
    "BindingRef": "ref kind name value apiversion",
    "ClientConfig": "caBundle service url",
    "ClusterInterceptor": "apiVersion kind metadata spec status",
    "ClusterTriggerBinding": "apiVersion kind metadata spec",
    "EventListener": "apiVersion kind metadata spec status",
    "EventListenerSpec": "triggers triggerGroups namespaceSelector labelSelector resources serviceAccountName",
    "EventListenerTrigger": "name bindings template triggerRef interceptors serviceAccountName",
    "GroupMember": "name input",
    "Interceptor": "apiVersion kind metadata spec status",
    "InterceptorParam": "name value",
    "InterceptorRef": "name kind apiVersion",
    "InterceptorSpec": "clientConfig",
    "LabelSelector": "matchLabels matchExpressions",
    "NamespaceSelector": "matchNames",
    "SelectorRequirement": "key operator values",
    "ServiceReference": "name namespace path port",
    "TemplateParam": "name description default",
    "TemplateRef": "ref spec apiversion",
    "Trigger": "apiVersion kind metadata spec",
    "TriggerBinding": "apiVersion kind metadata spec",
    "TriggerBindingSpec": "params",
    "TriggerGroup": "name interceptors triggerSelector",
    "TriggerInterceptor": "name ref params",
    "TriggerSelector": "namespaceSelector labelSelector",
    "TriggerSpec": "template bindings name interceptors serviceAccountName",
    "TriggerTemplate": "apiVersion kind metadata spec",
    "TriggerTemplateSpec": "params resourcetemplates",
}
"""Fields that have the same effect as on a cluster, by type."""

_SHOWN = "shown in the listener's Service, Deployment and Pods; one program takes the events of all listeners"

ACCEPTED: dict[str, str] = {
    "KubernetesResource.replicas": _SHOWN,
    "KubernetesResource.serviceLoadBalancerClass": _SHOWN,
    "KubernetesResource.servicePort": _SHOWN,
    "KubernetesResource.serviceType": _SHOWN,
    "KubernetesResource.spec": f"{_SHOWN}; env of a container (TLS) is refused",
    "ListenerResources.kubernetesResource": _SHOWN,
}
"""Fields that are accepted and have no effect on one machine, with the reason."""

REFUSED: dict[str, str] = {
    "EventListenerSpec.cloudEventURI": (
        'spec.CloudEventURI requires "enable-api-fields" feature gate to be "alpha" but it is "stable"'
    ),
    "ListenerResources.customResource": "the lab runs no customResource; remove it, or use a cluster",
    "TriggerInterceptor.webhook": (
        "the lab runs no webhook interceptors, which are deprecated: write an Interceptor with clientConfig"
    ),
}
"""Fields that admission refuses, with the messages."""
