"""The other kinds of a cluster that the kit's manifests use: workloads, policies, roles, routes, monitors.

Where the lab gives a part no meaning (affinity, relabelling) it is typed as an object of any fields.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from workshop.manifests.core import PodTemplate, TypedReference
from workshop.manifests.meta import (
    ATOMIC,
    Anything,
    Conditions,
    IntOrString,
    LabelSelector,
    Quantity,
    Resource,
    Typed,
    keyed,
)

# -- apps, autoscaling, policy --------------------------------------------------------------------------


class DeploymentSpec(Typed, frozen=True, kw_only=True):
    """How many Pods, which ones, and how they are replaced."""

    selector: LabelSelector | None = None
    template: PodTemplate | None = None
    replicas: int | None = None
    strategy: Anything | None = None
    min_ready_seconds: int | None = None
    revision_history_limit: int | None = None
    paused: bool | None = None
    progress_deadline_seconds: int | None = None


class DeploymentStatus(Typed, frozen=True, kw_only=True):
    """How far the replacement has come."""

    observed_generation: int | None = None
    replicas: int | None = None
    updated_replicas: int | None = None
    ready_replicas: int | None = None
    available_replicas: int | None = None
    unavailable_replicas: int | None = None
    terminating_replicas: int | None = None
    collision_count: int | None = None
    conditions: Conditions | None = None


class Deployment(Resource, frozen=True, kw_only=True):
    """A set of equal Pods that is kept running and replaced step by step."""

    spec: DeploymentSpec | None = None
    status: DeploymentStatus | None = None


class ScaleTarget(Typed, frozen=True, kw_only=True):
    """What is scaled."""

    kind: str
    name: str
    api_version: str | None = None


class AutoscalerSpec(Typed, frozen=True, kw_only=True):
    """What to scale, between which bounds, by which metrics."""

    scale_target_ref: ScaleTarget
    max_replicas: int
    min_replicas: int | None = None
    metrics: Annotated[list[Anything] | None, ATOMIC] = None
    behavior: Anything | None = None


class HorizontalPodAutoscaler(Resource, frozen=True, kw_only=True):
    """Scales a workload by its load."""

    spec: AutoscalerSpec | None = None
    status: Anything | None = None


class DisruptionBudgetSpec(Typed, frozen=True, kw_only=True):
    """How many Pods must stay while nodes are drained."""

    min_available: IntOrString | None = None
    max_unavailable: IntOrString | None = None
    selector: LabelSelector | None = None
    unhealthy_pod_eviction_policy: str | None = None


class PodDisruptionBudget(Resource, frozen=True, kw_only=True):
    """Keeps a number of Pods while nodes are drained."""

    spec: DisruptionBudgetSpec | None = None
    status: Anything | None = None


class ResourceQuotaSpec(Typed, frozen=True, kw_only=True):
    """How much of what a namespace may use."""

    hard: dict[str, Quantity] | None = None
    scopes: Annotated[list[str] | None, ATOMIC] = None
    scope_selector: Anything | None = None


class ResourceQuota(Resource, frozen=True, kw_only=True):
    """Bounds what a namespace uses. The lab stores it and enforces nothing."""

    spec: ResourceQuotaSpec | None = None
    status: Anything | None = None


class LimitRangeItem(Typed, frozen=True, kw_only=True):
    """The bounds and defaults of one type of object."""

    type: str
    default: dict[str, Quantity] | None = None
    default_request: dict[str, Quantity] | None = None
    max: dict[str, Quantity] | None = None
    min: dict[str, Quantity] | None = None
    max_limit_request_ratio: dict[str, Quantity] | None = None


class LimitRangeSpec(Typed, frozen=True, kw_only=True):
    """Bounds for each type of object."""

    limits: Annotated[list[LimitRangeItem], ATOMIC]


class LimitRange(Resource, frozen=True, kw_only=True):
    """Bounds and defaults for each container of a namespace. The lab stores it and enforces nothing."""

    spec: LimitRangeSpec | None = None


# -- networking -----------------------------------------------------------------------------------------


class NetworkPolicyPort(Typed, frozen=True, kw_only=True):
    """One port that a rule is about."""

    protocol: str | None = None
    port: IntOrString | None = None
    end_port: int | None = None


class NetworkPolicyPeer(Typed, frozen=True, kw_only=True):
    """Who may talk."""

    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    ip_block: Anything | None = None


class IngressRule(Typed, frozen=True, kw_only=True):
    """From whom to which ports."""

    from_: Annotated[list[NetworkPolicyPeer] | None, ATOMIC] = msgspec.field(name="from", default=None)
    ports: Annotated[list[NetworkPolicyPort] | None, ATOMIC] = None


class EgressRule(Typed, frozen=True, kw_only=True):
    """To whom on which ports."""

    to: Annotated[list[NetworkPolicyPeer] | None, ATOMIC] = None
    ports: Annotated[list[NetworkPolicyPort] | None, ATOMIC] = None


class NetworkPolicySpec(Typed, frozen=True, kw_only=True):
    """Which Pods, and who may talk to them."""

    pod_selector: LabelSelector | None = None
    policy_types: Annotated[list[str] | None, ATOMIC] = None
    ingress: Annotated[list[IngressRule] | None, ATOMIC] = None
    egress: Annotated[list[EgressRule] | None, ATOMIC] = None


class NetworkPolicy(Resource, frozen=True, kw_only=True):
    """Who may talk to a set of Pods. The lab stores it and enforces nothing."""

    spec: NetworkPolicySpec | None = None


class RoutePort(Typed, frozen=True, kw_only=True):
    """The port of the Service."""

    target_port: IntOrString


class RouteTarget(Typed, frozen=True, kw_only=True):
    """The Service behind a Route."""

    kind: str
    name: str
    weight: int | None = None


class RouteSpec(Typed, frozen=True, kw_only=True):
    """Which address leads to which Service."""

    to: RouteTarget
    host: str | None = None
    subdomain: str | None = None
    path: str | None = None
    port: RoutePort | None = None
    tls: Anything | None = None
    wildcard_policy: str | None = None
    alternate_backends: Annotated[list[RouteTarget] | None, keyed("name", "kind")] = None
    http_headers: Anything | None = None


class RouteStatus(Typed, frozen=True, kw_only=True):
    """Which routers serve it."""

    ingress: Annotated[list[Anything] | None, ATOMIC] = None


class Route(Resource, frozen=True, kw_only=True):
    """An address outside the cluster for a Service (OpenShift)."""

    spec: RouteSpec | None = None
    status: RouteStatus | None = None


# -- access ---------------------------------------------------------------------------------------------


class PolicyRule(Typed, frozen=True, kw_only=True):
    """Which verbs on which resources."""

    verbs: Annotated[list[str], ATOMIC]
    api_groups: Annotated[list[str] | None, ATOMIC] = None
    resources: Annotated[list[str] | None, ATOMIC] = None
    resource_names: Annotated[list[str] | None, ATOMIC] = None
    non_resource_urls: Annotated[list[str] | None, ATOMIC] = msgspec.field(name="nonResourceURLs", default=None)


class Role(Resource, frozen=True, kw_only=True):
    """A set of permissions. The lab stores it and enforces nothing: there is one user."""

    rules: Annotated[list[PolicyRule] | None, ATOMIC] = None


class Subject(Typed, frozen=True, kw_only=True):
    """Who gets a role."""

    kind: str
    name: str
    api_group: str | None = None
    namespace: str | None = None


class RoleBinding(Resource, frozen=True, kw_only=True):
    """Gives a role to users, groups or service accounts."""

    role_ref: TypedReference | None = None
    subjects: Annotated[list[Subject] | None, ATOMIC] = None


class ClusterRole(Role, frozen=True, kw_only=True):
    """A set of permissions for any namespace. The lab stores it and enforces nothing."""

    aggregation_rule: Anything | None = None


class ClusterRoleBinding(RoleBinding, frozen=True, kw_only=True):
    """Gives a role in every namespace."""
