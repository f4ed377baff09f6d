"""The http resolver: a file at a URL.

Source: pkg/resolution/resolver/http/resolver.go of tektoncd/pipeline.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import urlsplit

from workshop.lab.controllers.tekton.remote import web
from workshop.lab.controllers.tekton.remote.base import InvalidParams, Request, Resolved, ResolverError, sha256
from workshop.lab.controllers.tekton.remote.secrets import secret_value

USERNAME, SECRET, SECRET_KEY = "http-username", "http-password-secret", "http-password-secret-key"
_LENGTHS = {"sha256": 64, "sha512": 128}


async def resolve(request: Request) -> Resolved:
    """The file at the param `url`, with the digest of the param `digest` if there is one. Raises ResolverError."""
    params = request.params
    request.required("http resolver", "url")
    url = params["url"]
    if urlsplit(url).scheme not in ("http", "https"):
        raise InvalidParams(f"url {url} is not a valid http(s) url")
    for one, other in ((USERNAME, SECRET), (SECRET, USERNAME)):
        if one in params and other not in params:
            raise InvalidParams(f"missing required param {other} when using {one}")
        if one in params and not params[one]:
            raise InvalidParams(f"value {one} cannot be empty")
    headers = {}
    if SECRET in params:
        password = secret_value(request, params[SECRET], params.get(SECRET_KEY) or "password")
        pair = base64.b64encode(f"{params[USERNAME]}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    try:
        data = await web.get(url, "error fetching URL", headers)
    except web.NotFound as e:
        raise ResolverError(f"requested URL '{url}' is not found") from e
    if "digest" in params:
        _check_digest(params["digest"], data)
    return Resolved(data, uri=url, digest=sha256(data))


def _check_digest(digest: str, data: bytes) -> None:
    algorithm, colon, wanted = digest.partition(":")
    start = "error validating digest: "
    if not colon:
        raise ResolverError(f"{start}invalid digest format: {digest}")
    if algorithm not in _LENGTHS:
        raise ResolverError(f"{start}invalid digest algorithm: {algorithm}")
    length = _LENGTHS[algorithm]
    if len(wanted) != length:
        raise ResolverError(f"{start}invalid {algorithm} digest value, expected length: {length}, got: {len(wanted)}")
    found = hashlib.new(algorithm, data).hexdigest()
    if not hmac.compare_digest(found, wanted.lower()):
        raise ResolverError(f"{start}SHA mismatch, expected {wanted}, got {found}")
