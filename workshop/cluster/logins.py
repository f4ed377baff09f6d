"""A token for a user name and a password, from OpenShift's OAuth server.

The server is the one that the API server names at METADATA. The client is OpenShift's challenging client, which gets
the token in the address of a redirect.
"""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from workshop.cluster import config as configs
from workshop.cluster.transport import tls_context
from workshop.errors import SetupError

METADATA = "/.well-known/oauth-authorization-server"
CLIENT = "openshift-challenging-client"
_SECONDS = 30.0


def password_token(config: configs.Config, name: str, password: str) -> str:
    """The token of a login. Raises SetupError for a wrong password and for a server without logins."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=_trust(config)), _NoRedirect()
    )
    try:
        found: dict[str, Any] = json.load(opener.open(config.server + METADATA, timeout=_SECONDS))
        query = {"client_id": CLIENT, "response_type": "token"}
        asking = urllib.request.Request(f"{found['authorization_endpoint']}?{urlencode(query)}")  # noqa: S310 https
        word = base64.b64encode(f"{name}:{password}".encode()).decode()
        asking.add_header("Authorization", f"Basic {word}")
        asking.add_header("X-CSRF-Token", "1")
        with opener.open(asking, timeout=_SECONDS) as answer:
            target = urlsplit(str(answer.headers.get("Location", "")))
    except urllib.error.HTTPError as e:
        if e.code == 401:
            raise SetupError("Login failed (401 Unauthorized): verify you have provided the correct credentials") from e
        hint = "oc login SERVER --token=TOKEN"
        raise SetupError(f"the server has no login with a password ({e.code} {e.reason})", hint=hint) from e
    except (OSError, ValueError, KeyError) as e:
        raise SetupError(f"the login of {config.server} does not answer: {e}") from e
    token: str = dict(parse_qsl(target.fragment)).get("access_token", "")
    if not token:
        raise SetupError(f"the login gave no token: {dict(parse_qsl(target.query)).get('error', 'no reason is given')}")
    return token


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The answer of a redirect is the result."""

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return fp


def _trust(config: configs.Config) -> ssl.SSLContext:
    """The authority of the API server and those of the machine: an OAuth server may have a certificate of either."""
    context = tls_context(config)
    context.load_default_certs()
    return context
