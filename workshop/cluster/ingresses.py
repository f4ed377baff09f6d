"""Addresses on a cluster without OpenShift's Routes: an Ingress for each Route, below a domain.

OpenShift gives a Route the host `<name>-<namespace>.<domain of the cluster>`; an Ingress gets the same one below the
domain that the instructor names. Its `tls` names no Secret, so the controller serves its default certificate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from workshop.cluster.resources import of_kind
from workshop.errors import UsageError
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import Object, labels_of, namespace_and_name

ROUTE = ("route.openshift.io/v1", "Route")
INGRESS = ("networking.k8s.io/v1", "Ingress")


def has_routes(known: Sequence[ApiResource]) -> bool:
    """Whether the server serves Routes."""
    return of_kind(known, *ROUTE) is not None


def refuse_unused_domain(known: Sequence[ApiResource], domain: str) -> None:
    """Raise UsageError for a domain on a server with Routes: OpenShift gives them their hosts."""
    if domain and has_routes(known):
        raise UsageError(
            f"--domain {domain} has no effect here: the server has Routes, and OpenShift gives them their hosts",
            hint="the same command without --domain; nothing was written",
        )


def reachable(objects: Iterable[Object], known: Sequence[ApiResource], domain: str) -> Iterator[Object]:
    """The objects; with a domain, for a server without Routes, with an Ingress instead of each Route.

    Raises UsageError for a domain on a server with Routes.
    """
    refuse_unused_domain(known, domain)
    for obj in objects:
        is_route = (obj["apiVersion"], obj["kind"]) == ROUTE
        yield ingress(obj, domain) if is_route and domain else obj


def ingress(route: Object, domain: str) -> Object:
    """The Ingress of a Route. The Route names the port of its Service, as all Routes of the kit do."""
    namespace, name = namespace_and_name(route)
    host = f"{name}-{namespace}.{domain}"
    spec = route["spec"]
    backend = {"service": {"name": spec["to"]["name"], "port": {"name": spec["port"]["targetPort"]}}}
    return {
        "apiVersion": INGRESS[0],
        "kind": INGRESS[1],
        "metadata": {"name": name, "namespace": namespace, "labels": labels_of(route)},
        "spec": {
            "tls": [{"hosts": [host]}],
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
        },
    }


def host(address: Object) -> str:
    """The host of a Route or an Ingress; empty when it has none."""
    spec = address.get("spec") or {}
    return str(spec.get("host") or next((rule.get("host", "") for rule in spec.get("rules") or []), ""))
