"""OpenShift's login with a user name and a password: `oc login -u NAME -p PASSWORD`.

A person's password is their token of the lab. The flow is that of OpenShift's challenging client
(openshift/oauth-server and openshift/library-go, pkg/oauth/tokenrequest): the metadata, then `/oauth/authorize` with
Basic authentication, which redirects with a token or, with PKCE (RFC 7636), with a code for one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from workshop.lab.api import answers
from workshop.lab.api.request import body
from workshop.lab.identity.users import Users

METADATA = "/.well-known/oauth-authorization-server"
AUTHORIZE, TOKEN, IMPLICIT = "/oauth/authorize", "/oauth/token", "/oauth/token/implicit"
PATHS = (METADATA, AUTHORIZE, TOKEN, IMPLICIT)
"""Paths that need no token: each of them checks who asks."""
CLIENT = "openshift-challenging-client"
CODE_SECONDS = 300.0
MOST_CODES = 64
_TOKEN_SECONDS = 86400
"""What OpenShift says of a new token. A token of the lab is valid until `workshop reset`."""


@dataclass(frozen=True)
class _Grant:
    token: str
    challenge: str
    method: str
    ends: float


@dataclass
class OAuth:
    """The logins of one lab, with the codes that wait for their clients."""

    users: Users
    _codes: OrderedDict[str, _Grant] = field(default_factory=OrderedDict)

    async def answer(self, request: Request) -> Response:
        """The response to one of PATHS."""
        asked = (request.method, request.url.path)
        if asked == ("GET", METADATA):
            return answers.json(_metadata(_issuer(request)))
        if asked == ("GET", AUTHORIZE):
            return self._authorize(request)
        if asked == ("POST", TOKEN):
            return await self._token(request)
        if asked == ("GET", IMPLICIT):
            return PlainTextResponse("the token is in the address of this page")
        return PlainTextResponse("Method Not Allowed", 405)

    def _authorize(self, request: Request) -> Response:
        asked = request.query_params
        known = f"{_issuer(request)}{IMPLICIT}"
        target = asked.get("redirect_uri") or known
        if asked.get("client_id") != CLIENT:
            return _error("unauthorized_client", f"the lab knows the client {CLIENT} only")
        if target != known:
            return _error("invalid_request", "the redirect_uri is not that of the client")
        if not request.headers.get("x-csrf-token"):
            why = "A non-empty X-CSRF-Token header is required to receive basic-auth challenges"
            return PlainTextResponse(why, 401, {"Warning": f'199 OpenShift "{why}"'})
        token = self._logged_in(request.headers.get("authorization", ""))
        if token is None:
            return PlainTextResponse("Unauthorized", 401, {"WWW-Authenticate": 'Basic realm="openshift"'})
        state = {"state": asked["state"]} if "state" in asked else {}
        if asked.get("response_type") == "token":
            return _redirect(f"{target}#{urlencode({**_granted(token), **state})}")
        if asked.get("response_type") != "code":
            return _redirect(f"{target}?{urlencode({'error': 'unsupported_response_type', **state})}")
        code = secrets.token_urlsafe(32)
        method = asked.get("code_challenge_method") or "plain"
        ends = time.monotonic() + CODE_SECONDS
        self._codes[code] = _Grant(token, asked.get("code_challenge", ""), method, ends)
        while len(self._codes) > MOST_CODES:
            self._codes.popitem(last=False)
        return _redirect(f"{target}?{urlencode({'code': code, **state})}")

    async def _token(self, request: Request) -> Response:
        asked = dict(parse_qsl((await body(request)).decode("utf-8", "replace"), keep_blank_values=True))
        if asked.get("grant_type") != "authorization_code":
            return _error("unsupported_grant_type", "allowed is authorization_code")
        found = self._codes.pop(asked.get("code", ""), None)
        if found is None or time.monotonic() > found.ends or not _proves(asked.get("code_verifier", ""), found):
            return _error("invalid_grant", "the code is not valid, or was used already")
        return answers.json(_granted(found.token))

    def _logged_in(self, header: str) -> str | None:
        """The token of a Basic header whose password is that of its user; None for any other header."""
        scheme, _, value = header.partition(" ")
        try:
            name, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        user = self.users.find(password) if scheme.lower() == "basic" and colon and password else None
        return password if user is not None and user.name == name else None


def _issuer(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _metadata(issuer: str) -> dict[str, object]:
    """RFC 8414, as OpenShift answers it."""
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "token_endpoint": issuer + TOKEN,
        "scopes_supported": ["user:full"],
        "response_types_supported": ["code", "token"],
        "grant_types_supported": ["authorization_code", "implicit"],
        "code_challenge_methods_supported": ["plain", "S256"],
    }


def _granted(token: str) -> dict[str, object]:
    return {"access_token": token, "token_type": "Bearer", "expires_in": _TOKEN_SECONDS, "scope": "user:full"}


def _proves(verifier: str, grant: _Grant) -> bool:
    if grant.method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        verifier = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return hmac.compare_digest(verifier.encode(), grant.challenge.encode())


def _redirect(url: str) -> Response:
    return RedirectResponse(url, 302, {"Cache-Control": "no-store"})


def _error(code: str, why: str) -> Response:
    return answers.json({"error": code, "error_description": why}, 400)
