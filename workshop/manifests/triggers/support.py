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
    "ClientConfig": "url",
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
_NO_SERVICES = "the lab resolves no Services: an event for such an interceptor is stopped with a warning"

ACCEPTED: dict[str, str] = {
    "ClientConfig.caBundle": "an interceptor is reached over http on this machine",
    "ClientConfig.service": _NO_SERVICES,
    "KubernetesResource.replicas": _SHOWN,
    "KubernetesResource.serviceLoadBalancerClass": _SHOWN,
    "KubernetesResource.servicePort": _SHOWN,
    "KubernetesResource.serviceType": _SHOWN,
    "KubernetesResource.spec": f"{_SHOWN}; env of a container (TLS) is refused",
    "ListenerResources.kubernetesResource": _SHOWN,
    "ServiceReference.name": _NO_SERVICES,
    "ServiceReference.namespace": _NO_SERVICES,
    "ServiceReference.path": _NO_SERVICES,
    "ServiceReference.port": _NO_SERVICES,
}
"""Fields that are accepted and have no effect on one machine, with the reason."""

REFUSED: dict[str, str] = {
    "EventListenerSpec.cloudEventURI": (
        'spec.CloudEventURI requires "enable-api-fields" feature gate to be "alpha" but it is "stable"'
    ),
    "ListenerResources.customResource": "the lab runs no customResource; remove it, or use a cluster",
    "TriggerInterceptor.webhook": (
        "the lab runs no webhook of a Service: write an Interceptor with clientConfig.url, or use a cluster"
    ),
}
"""Fields that admission refuses, with the messages."""
