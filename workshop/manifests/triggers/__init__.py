"""`triggers.tekton.dev`: the kinds of Tekton Triggers 0.36.

They are kinds of v1beta1, and of v1alpha1 where the kind exists only there. `workshop.manifests.triggers.support` lists
the fields that the lab refuses. The manifests inside a TriggerTemplate are kept as they are until an event fills them
in.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from workshop.manifests.meta import PRESERVE, Anything, Condition, LabelSelector, Reported, Resource, Typed

Value = Annotated[Any, Meta(extra_json_schema=PRESERVE)]
"""Any JSON."""


class NamespaceSelector(Typed, frozen=True, kw_only=True):
    """Namespaces by name; `*` alone means all."""

    match_names: list[str] = []


class TriggerSelector(Typed, frozen=True, kw_only=True):
    """The Triggers that an event goes to."""

    namespace_selector: NamespaceSelector = NamespaceSelector()
    label_selector: LabelSelector | None = None


class BindingParam(Typed, frozen=True, kw_only=True):
    """A value for a template's parameter."""

    name: str
    value: Annotated[
        str, Meta(description="Text with JSONPath: $(body.ref), $(header.X-Github-Event), $(extensions.key).")
    ]


class TemplateParam(Typed, frozen=True, kw_only=True):
    """A parameter of a TriggerTemplate, used as $(tt.params.name)."""

    name: str
    description: str = ""
    default: Annotated[
        str | None, Meta(description="Used when no binding gives a value, or when its path is not in the event.")
    ] = None


class TriggerTemplateSpec(Typed, frozen=True, kw_only=True):
    """The manifests that an event creates."""

    params: list[TemplateParam] = []
    resourcetemplates: Annotated[
        list[Anything], Meta(description="Manifests with $(tt.params.name) and $(uid) in them.")
    ] = []


class TriggerBindingSpec(Typed, frozen=True, kw_only=True):
    """Values taken from an event."""

    params: list[BindingParam] = []


class BindingRef(Typed, frozen=True, kw_only=True):
    """A binding by reference, or one inline value."""

    ref: Annotated[str, Meta(description="The name of a TriggerBinding or ClusterTriggerBinding.")] = ""
    kind: Annotated[str, Meta(description="TriggerBinding (the default) or ClusterTriggerBinding.")] = ""
    name: str = ""
    value: str | None = None
    apiversion: str = ""


class TemplateRef(Typed, frozen=True, kw_only=True):
    """A template by reference, or inline."""

    ref: str | None = None
    spec: TriggerTemplateSpec | None = None
    apiversion: str = ""


class SecretRef(Typed, frozen=True, kw_only=True):
    """One key of a Secret in the Trigger's namespace."""

    secret_name: str = ""
    secret_key: str = ""


class InterceptorRef(Typed, frozen=True, kw_only=True):
    """The interceptor of a step."""

    name: Annotated[
        str, Meta(description="bitbucket, cel, github, gitlab, slack, or one that was added to the cluster.")
    ] = ""
    kind: Annotated[str, Meta(description="ClusterInterceptor (the default) or NamespacedInterceptor.")] = ""
    api_version: str = ""


class InterceptorParam(Typed, frozen=True, kw_only=True):
    """One setting of an interceptor."""

    name: str
    value: Value


class TriggerInterceptor(Typed, frozen=True, kw_only=True):
    """One interceptor of the chain of an event. The first one that refuses the event ends the chain."""

    name: str | None = None
    ref: InterceptorRef = InterceptorRef()
    params: list[InterceptorParam] = []
    webhook: Anything | None = None


class TriggerSpec(Typed, frozen=True, kw_only=True):
    """Interceptors, then bindings, then a template."""

    template: TemplateRef = TemplateRef()
    bindings: list[BindingRef] = []
    name: str = ""
    interceptors: list[TriggerInterceptor] = []
    service_account_name: str = ""


class EventListenerTrigger(Typed, frozen=True, kw_only=True):
    """An inline trigger of the listener, or a reference to a Trigger."""

    name: Annotated[str, Meta(description="Becomes the label triggers.tekton.dev/trigger of what it creates.")] = ""
    bindings: list[BindingRef] | None = None
    template: TemplateRef | None = None
    trigger_ref: Annotated[str, Meta(description="A Trigger of the same namespace, instead of the rest.")] = ""
    interceptors: list[TriggerInterceptor] | None = None
    service_account_name: str = ""


class TriggerGroup(Typed, frozen=True, kw_only=True):
    """Interceptors that run once for all the Triggers that a selector finds."""

    name: str
    interceptors: list[TriggerInterceptor]
    trigger_selector: TriggerSelector


class KubernetesResource(Typed, frozen=True, kw_only=True):
    """Settings of the listener's Deployment and Service."""

    replicas: int | None = None
    service_type: str = ""
    service_port: int | None = None
    service_load_balancer_class: str | None = None
    spec: Anything | None = None


class ListenerResources(Typed, frozen=True, kw_only=True):
    """The resources of the listener."""

    kubernetes_resource: KubernetesResource | None = None
    custom_resource: Anything | None = None


class EventListenerSpec(Typed, frozen=True, kw_only=True):
    """The fields of an EventListener."""

    service_account_name: Annotated[str, Meta(description="Who creates the resources.")] = ""
    triggers: list[EventListenerTrigger] = []
    trigger_groups: list[TriggerGroup] = []
    namespace_selector: NamespaceSelector = NamespaceSelector()
    label_selector: LabelSelector | None = None
    resources: ListenerResources = ListenerResources()
    cloud_event_uri: str = msgspec.field(name="cloudEventURI", default="")


class ListenerAddress(Reported, frozen=True, kw_only=True):
    """The address of an EventListener."""

    url: str | None = None


class EventListenerStatus(Reported, frozen=True, kw_only=True):
    """The status of an EventListener."""

    address: ListenerAddress | None = None
    conditions: list[Condition] | None = None


class EventListener(Resource, frozen=True, kw_only=True):
    """An address that receives events over HTTP."""

    spec: EventListenerSpec = EventListenerSpec()
    status: EventListenerStatus | None = None


class Trigger(Resource, frozen=True, kw_only=True):
    """The actions for one kind of event, for use by several listeners."""

    spec: TriggerSpec = TriggerSpec()


class TriggerBinding(Resource, frozen=True, kw_only=True):
    """Values taken from an event, by name."""

    spec: TriggerBindingSpec = TriggerBindingSpec()


class ClusterTriggerBinding(Resource, frozen=True, kw_only=True):
    """A TriggerBinding for all namespaces."""

    spec: TriggerBindingSpec = TriggerBindingSpec()


class TriggerTemplate(Resource, frozen=True, kw_only=True):
    """The manifests that an event creates."""

    spec: TriggerTemplateSpec = TriggerTemplateSpec()


class ServiceReference(Typed, frozen=True, kw_only=True):
    """A Service and a path on it."""

    name: str = ""
    namespace: str = ""
    path: str = ""
    port: int | None = None


class ClientConfig(Typed, frozen=True, kw_only=True):
    """The address of an interceptor."""

    ca_bundle: str | None = None
    url: Annotated[str, Meta(description="An address that takes interceptor requests as JSON.")] = ""
    service: ServiceReference | None = None


class InterceptorSpec(Typed, frozen=True, kw_only=True):
    """The address of an interceptor."""

    client_config: ClientConfig = ClientConfig()


class ClusterInterceptor(Resource, frozen=True, kw_only=True):
    """An interceptor for all namespaces."""

    spec: InterceptorSpec = InterceptorSpec()
    status: Anything | None = None


class Interceptor(Resource, frozen=True, kw_only=True):
    """An interceptor for one namespace."""

    spec: InterceptorSpec = InterceptorSpec()
    status: Anything | None = None
