"""The bundles resolver: an object in a layer of an OCI image.

Sources: pkg/resolution/resolver/bundle, docs/bundle-resolver.md and tekton-bundle-contracts.md of tektoncd/pipeline.
A login is sent only to a registry that asks for one, and to the server of tokens that it names. Registries on this
machine are asked by http.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
import tarfile
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from workshop.lab.controllers.tekton.remote import web
from workshop.lab.controllers.tekton.remote.base import LARGEST, InvalidParams, Request, Resolved, ResolverError
from workshop.lab.controllers.tekton.remote.logins import login

MOST_OBJECTS = 20
"""As upstream."""
_ANNOTATION = "dev.tekton.image."
_ACCEPT = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
_REFERENCE = re.compile(
    r"(?:(?P<host>[^/]+[.:][^/]*|localhost)/)?(?P<path>[a-z0-9._/-]+?)(?::(?P<tag>[\w.-]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class _Image:
    """An image of a registry."""

    host: str
    path: str
    version: str
    """A tag or a digest."""

    @property
    def address(self) -> str:
        scheme = "http" if re.match(r"(localhost|127\.|\[::1\])", self.host) else "https"
        return f"{scheme}://{'registry-1.docker.io' if self.host == 'index.docker.io' else self.host}/v2/{self.path}"


async def resolve(request: Request) -> Resolved:
    """The object that the params bundle, name and kind name. Raises ResolverError."""
    params = request.params
    for name in ("bundle", "name"):
        if not params.get(name):
            raise InvalidParams(f'parameter "{name}" required')
    kind = params.get("kind") or request.config.get("default-kind", "task")
    image = _image(params["bundle"])
    account = params.get("serviceAccount") or request.config.get("default-service-account", "default")
    found = login(request, image.host, image.path, secret=params.get("secret", ""), account=account)
    basic = base64.b64encode(":".join(found).encode()).decode() if found else ""
    session = _Session({"Authorization": f"Basic {basic}"} if found else {})
    raw = await session.get(f"{image.address}/manifests/{image.version}")
    digest = hashlib.sha256(raw).hexdigest()
    layer = _layer(params["bundle"], orjson.loads(raw), kind, params["name"])
    blob = await session.get(f"{image.address}/blobs/{layer['digest']}")
    if f"sha256:{hashlib.sha256(blob).hexdigest()}" != layer["digest"]:
        raise ResolverError(f"cannot retrieve the oci image: the layer {layer['digest']} has another digest")
    noted = layer["annotations"]
    return Resolved(
        _content(blob),
        uri=f"{image.host}/{image.path}",
        digest={"sha256": digest},
        entry_point=params["name"],
        annotations={f"{_ANNOTATION}{key}": noted[_ANNOTATION + key] for key in ("kind", "name", "apiVersion")},
    )


def _image(reference: str) -> _Image:
    match = _REFERENCE.fullmatch(reference)
    if not match:
        raise InvalidParams(f"invalid bundle reference: could not parse reference: {reference}")
    host, path = match["host"] or "index.docker.io", match["path"]
    if host == "index.docker.io" and "/" not in path:
        path = f"library/{path}"
    return _Image(host, path, match["digest"] or match["tag"] or "latest")


@dataclass
class _Session:
    """Requests to one registry. `basic` is the header of a login, `headers` what the registry has asked for."""

    basic: dict[str, str]
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, url: str) -> bytes:
        """A manifest or a blob. Raises ResolverError."""
        import aiohttp  # As in `web`.

        what = "cannot retrieve the oci image"
        timeout = aiohttp.ClientTimeout(total=None, connect=10)
        try:
            async with aiohttp.ClientSession(trust_env=True, timeout=timeout) as session:
                for _ in range(2):
                    async with session.get(url, headers={"Accept": _ACCEPT, **self.headers}) as answer:
                        if answer.status == 401 and not self.headers:
                            self.headers = await self._asked_for(answer.headers.get("WWW-Authenticate", ""))
                            continue
                        if answer.status == 401:
                            break
                        if answer.status != 200:
                            raise ResolverError(f"{what}: GET {url}: {answer.status} {answer.reason}")
                        body = await answer.content.read(web.LARGEST + 1)
                        while len(body) <= web.LARGEST and (more := await answer.content.read(1 << 16)):
                            body += more
                        if len(body) > web.LARGEST:
                            raise ResolverError(f"{what}: GET {url}: more than {web.LARGEST} bytes")
                        return body
        except (aiohttp.ClientError, OSError, ValueError) as e:
            raise ResolverError(f'{what}: Get "{url}": {e}; {web.NO_NETWORK}') from e
        raise ResolverError(f"{what}: GET {url}: UNAUTHORIZED: {self._hint}")

    @property
    def _hint(self) -> str:
        if self.basic:
            return "the registry does not accept the login of the Secret"
        return (
            "the registry wants a login; name a Secret of the type kubernetes.io/dockerconfigjson in the param secret"
        )

    async def _asked_for(self, challenge: str) -> dict[str, str]:
        """The header that a registry asks for: a token, or the login itself. Raises ResolverError."""
        asked = dict(_CHALLENGE.findall(challenge))
        if challenge.startswith("Basic"):
            return self.basic
        if not challenge.startswith("Bearer ") or "realm" not in asked:
            return {}
        query = urlencode({key: asked[key] for key in ("service", "scope") if key in asked})
        try:
            answer = await web.get(f"{asked['realm']}?{query}", "cannot retrieve the oci image", self.basic)
        except web.NotFound as e:
            raise ResolverError(f"cannot retrieve the oci image: {e}; UNAUTHORIZED: {self._hint}") from e
        body = orjson.loads(answer)
        return {"Authorization": f"Bearer {body.get('token') or body.get('access_token')}"}


def _layer(bundle: str, manifest: Any, kind: str, name: str) -> dict[str, Any]:
    """The layer with an object. Raises ResolverError."""
    layers: list[dict[str, Any]] = manifest.get("layers") or []
    start = f"invalid tekton bundle {bundle}, error: "
    if len(layers) > MOST_OBJECTS:
        raise ResolverError(f"{start}contained more than the maximum {MOST_OBJECTS} allow objects")
    for index, layer in enumerate(layers):
        noted = layer.get("annotations") or {}
        for key in ("apiVersion", "name", "kind"):
            if _ANNOTATION + key not in noted:
                raise ResolverError(f"{start}the layer {index} does not contain a {_ANNOTATION}{key} annotation")
    for layer in layers:
        noted = layer["annotations"]
        if noted[f"{_ANNOTATION}kind"].lower() == kind.lower() and noted[f"{_ANNOTATION}name"] == name:
            return layer
    raise ResolverError(f"could not find object in image with kind: {kind} and name: {name}")


def _content(blob: bytes) -> bytes:
    """The file in a layer: the first one of a tar file, else the layer itself. Raises ResolverError."""
    if blob[:2] == b"\x1f\x8b":
        with gzip.GzipFile(fileobj=io.BytesIO(blob)) as packed:
            blob = packed.read(web.LARGEST + 1)
        if len(blob) > web.LARGEST:
            raise ResolverError(f"failed to read image layer: more than {web.LARGEST} bytes")
    try:
        with tarfile.open(fileobj=io.BytesIO(blob)) as archive:
            member = archive.next()
            file = archive.extractfile(member) if member else None
            return file.read(LARGEST + 1) if file else blob
    except tarfile.TarError:
        return blob
