"""The Route of OpenShift, which Kubernetes' own definitions do not have."""

from __future__ import annotations

from typing import Annotated

from workshop.manifests.meta import ATOMIC, Anything, Condition, IntOrString, Reported, Resource, Typed, keyed


class RoutePort(Typed, frozen=True, kw_only=True):
    """The port of the Service."""

    target_port: IntOrString


class RouteTarget(Typed, frozen=True, kw_only=True):
    """The Service behind a Route."""

    kind: str
    name: str
    weight: int | None = None


class RouteSpec(Typed, frozen=True, kw_only=True):
    """The address, the Services behind it, and their weights."""

    to: RouteTarget
    host: str | None = None
    subdomain: str | None = None
    path: str | None = None
    port: RoutePort | None = None
    tls: Anything | None = None
    wildcard_policy: str | None = None
    alternate_backends: Annotated[list[RouteTarget] | None, keyed("name", "kind")] = None
    http_headers: Anything | None = None


class RouteIngress(Reported, frozen=True, kw_only=True):
    """One router that serves a Route."""

    host: str | None = None
    router_name: str | None = None
    conditions: list[Condition] | None = None


class RouteStatus(Typed, frozen=True, kw_only=True):
    """The routers that serve it."""

    ingress: Annotated[list[RouteIngress] | None, ATOMIC] = None


class Route(Resource, frozen=True, kw_only=True):
    """An address outside the cluster for a Service (OpenShift)."""

    spec: RouteSpec | None = None
    status: RouteStatus | None = None
