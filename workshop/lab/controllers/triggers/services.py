"""The names of Services, `<name>.<namespace>.svc`, as a listener's Pod resolves them.

In the lab a Service of the type ExternalName leads somewhere: to a program of this machine with the external name
`localhost`. As on a cluster, such a Service changes the host and keeps the port.
"""

from __future__ import annotations

import re
import socket

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.triggers import ServiceReference

_NAME = re.compile(r"(?P<name>[^.]+)\.(?P<namespace>[^.]+)\.svc(?:\.cluster\.local)?\.?")
HTTP_PORT, HTTPS_PORT = 80, 8443


def url_of(service: ServiceReference, *, tls: bool) -> str:
    """The address of an interceptor's Service. Source: formURL in cluster_interceptor_types.go of tektoncd/triggers."""
    scheme, port = ("https", HTTPS_PORT) if tls else ("http", HTTP_PORT)
    path = service.path.lstrip("/")
    return f"{scheme}://{service.name}.{service.namespace}.svc:{service.port or port}/{path}"


class ServiceNames(AbstractResolver):
    """Resolves the names of a store's Services, and other names as this machine does."""

    def __init__(self, store: Store) -> None:
        self._store, self._others = store, ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises OSError."""
        found = _NAME.fullmatch(host)
        return await self._others.resolve(self._external(host, **found.groupdict()) if found else host, port, family)

    async def close(self) -> None:
        """Nothing to close."""

    def _external(self, host: str, name: str, namespace: str) -> str:
        service = self._store.find(built_in("Service"), namespace, name)
        if service is None:
            why = f"lookup {host}: no such host; oc get services -n {namespace} lists the Services"
            raise OSError(socket.EAI_NONAME, why)
        spec = service.get("spec") or {}
        if spec.get("type") != "ExternalName" or not spec.get("externalName"):
            raise OSError(
                socket.EAI_NONAME,
                f"Service {name} in {namespace}: the lab reaches interceptors by Services of the type ExternalName; "
                "with externalName: localhost it is a program of this machine",
            )
        return str(spec["externalName"])
