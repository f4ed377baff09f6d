"""Routes at admission: the defaults that OpenShift sets, its rules, and what the lab's gateway does not support.

A Route without a host gets `<name>-<namespace>.localhost`, as OpenShift makes `<name>-<namespace>.<its domain>`.
Browsers and curl resolve names below localhost to this machine without a name server.
"""

from __future__ import annotations

from typing import Any

from workshop.lab.api_errors import ApiError, Invalid
from workshop.manifests.objects import Object

DOMAIN = "localhost"
TLS_REFUSED = "the lab's gateway speaks HTTP on 127.0.0.1; only edge is taken, where the model server sees no TLS"
WILDCARD_REFUSED = "the lab admits no wildcards; use None"
HEADERS_REFUSED = "the lab's gateway changes no headers; remove httpHeaders"
SUBDOMAIN_REFUSED = "give host, or neither: the lab has one domain"
PORT_REFUSED = "the lab's gateway speaks HTTP; use the port http"
MOST = 256
"""The largest weight (route.openshift.io/v1)."""


SUPPORTED: dict[str, str] = {
    "RoutePort": "targetPort",
    "RouteSpec": "to host path port alternateBackends",
    "RouteTarget": "kind name weight",
}
"""Fields of a Route that the gateway supports."""

ACCEPTED: dict[str, str] = {
    "RouteSpec.tls": "edge: the gateway answers HTTP on 127.0.0.1; a cluster's router also sends plain HTTP to the Pod",
    "RouteSpec.wildcardPolicy": "the only policy is None",
}
"""Fields that are accepted and have no effect in the lab, with the reason."""

REFUSED: dict[str, str] = {
    "RoutePort.targetPort: grpc": PORT_REFUSED,
    "RouteSpec.httpHeaders": HEADERS_REFUSED,
    "RouteSpec.subdomain": SUBDOMAIN_REFUSED,
    "RouteSpec.tls: termination passthrough, reencrypt": TLS_REFUSED,
    "RouteSpec.wildcardPolicy: Subdomain": WILDCARD_REFUSED,
}
"""Fields that admission refuses, with the messages."""


def admit_route(new: Object, old: Object | None) -> Object:
    """The Route with its defaults. Raises Invalid."""
    meta = new["metadata"]
    spec: dict[str, Any] = {**(new.get("spec") or {})}
    before = (old or {}).get("spec") or {}
    # An empty host keeps the stored one, so the manifest that created the Route can be applied again.
    spec["host"] = spec.get("host") or before.get("host") or f"{meta['name']}-{meta.get('namespace', '')}.{DOMAIN}"
    spec["wildcardPolicy"] = spec.get("wildcardPolicy") or "None"
    spec["to"] = _with_weight(spec.get("to") or {})
    if spec.get("alternateBackends"):
        spec["alternateBackends"] = [_with_weight(one) for one in spec["alternateBackends"]]
    _check(meta["name"], spec)
    return {**new, "spec": spec}


def _with_weight(target: Object) -> Object:
    return {**target, "kind": target.get("kind") or "Service", "weight": target.get("weight", 100)}


def _check(name: str, spec: dict[str, Any]) -> None:
    others = spec.get("alternateBackends") or []
    for path, target in [("spec.to", spec["to"]), *((f"spec.alternateBackends[{i}]", t) for i, t in enumerate(others))]:
        if target["kind"] != "Service":
            raise _invalid(name, f"{path}.kind", target["kind"], "must be Service")
        if not target.get("name"):
            raise _invalid(name, f"{path}.name", "", "must be the name of a Service")
        if not 0 <= target["weight"] <= MOST:
            raise _invalid(name, f"{path}.weight", target["weight"], f"must be from 0 to {MOST}")
    if len(others) > 3:
        raise _invalid(name, "spec.alternateBackends", len(others), "cannot specify more than 3 alternate backends")
    if spec.get("path") and not str(spec["path"]).startswith("/"):
        raise _invalid(name, "spec.path", spec["path"], "path must begin with /")
    for path, value, unfit, why in (
        ("spec.tls.termination", termination(spec), termination(spec) not in ("", "edge"), TLS_REFUSED),
        ("spec.wildcardPolicy", spec["wildcardPolicy"], spec["wildcardPolicy"] != "None", WILDCARD_REFUSED),
        ("spec.httpHeaders", "...", bool(spec.get("httpHeaders")), HEADERS_REFUSED),
        ("spec.subdomain", spec.get("subdomain"), bool(spec.get("subdomain")), SUBDOMAIN_REFUSED),
        ("spec.port.targetPort", "grpc", (spec.get("port") or {}).get("targetPort") == "grpc", PORT_REFUSED),
    ):
        if unfit:
            raise _invalid(name, path, value, why)


def termination(spec: Object) -> str:
    """Where TLS ends, or nothing."""
    return str((spec.get("tls") or {}).get("termination") or "")


def _invalid(name: str, path: str, value: object, why: str) -> ApiError:
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    cause = f"Invalid value: {shown}: {why}"
    return Invalid(
        f'Route.route.openshift.io "{name}" is invalid: {path}: {cause}',
        details={
            "name": name,
            "group": "route.openshift.io",
            "kind": "Route",
            "causes": [{"reason": "FieldValueInvalid", "message": cause, "field": path}],
        },
    )
