"""One gate before every web page of the lab: who has the token may pass.

`TokenGate` wraps any ASGI application. Programs send `Authorization: Bearer <token>`; a browser opens
`http://127.0.0.1:<port>/#token=<token>` once. The fragment of a URL is never sent, so the token is in no
server log and no Referer; the small login page reads it, posts it to `/login` and gets a cookie.

The cookie holds a keyed digest, not the token: browsers send cookies to every port of a host, so another
program on the loopback address may see it, and must not learn what opens the lab's API.
Not promised: protection from other programs of the same user, or encryption; the lab is on loopback only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "workshop_token"
COOKIE_SECONDS = 30 * 24 * 3600
"""A participant who comes back on another day is still logged in; `workshop reset` makes another token."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
OPEN_PATHS = ("/livez", "/static/")
_SAFE = ("GET", "HEAD", "OPTIONS")
_LOGIN_LIMIT = 4096
_LOGIN_PAGE = (Path(__file__).parent / "templates" / "login.html").read_text(encoding="utf-8")
_PLAIN = b"text/plain; charset=utf-8"
_NEXT = "open the link that `workshop status` prints, or send the header `Authorization: Bearer <token>`"


class TokenGate:
    """ASGI middleware: lets a request with the token through, answers the others itself.

    `open_paths` are served without a token on GET: a path, or a prefix when it ends in `/`. A Host header
    that is not in `hosts` is refused, so that a web page elsewhere cannot reach the lab through a name of its
    own that resolves to 127.0.0.1. A cookie alone changes nothing: requests that may change something, and
    WebSockets, must also come from the same origin.
    """

    def __init__(
        self, app: App, token: str, *, open_paths: Iterable[str] = OPEN_PATHS, hosts: Iterable[str] = LOOPBACK
    ) -> None:
        if not token:
            raise ValueError("the token is empty: an empty token would let everybody in")
        self._app = app
        self._token = token.encode()
        self._session = session_value(token).encode()
        self._open = tuple(open_paths)
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        if _host_name(headers.get("host", "")) not in self._hosts:
            await _refuse(
                scope,
                receive,
                send,
                403,
                "the Host header is not a loopback name; open the lab as http://127.0.0.1:<port>",
            )
            return
        path = scope["path"]
        if scope["type"] == "http" and path == "/login":
            await self._login(scope, receive, send, headers)
            return
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and self._is_open(path):
            await self._app(scope, receive, send)
            return
        problem = self._problem(scope, headers)
        if problem is None:
            await self._app(scope, receive, send)
        elif _wants_page(scope, headers) and problem[0] == 401:
            await _login_page(send)
        else:
            await _refuse(scope, receive, send, *problem)

    def _problem(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            if hmac.compare_digest(given.strip().encode(), self._token):
                return None
            return 401, f"the token is not the lab's; {_NEXT}"
        if not hmac.compare_digest(_cookie(headers).encode(), self._session):
            return 401, f"a token is needed; {_NEXT}"
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE
        if changes and not same_origin(headers):
            return (
                403,
                "the request changes something and comes from another site; "
                "send it from the lab's own page, or with the header `Authorization: Bearer <token>`",
            )
        return None

    def _is_open(self, path: str) -> bool:
        if ".." in path:
            return False
        return any(path == known or (known.endswith("/") and path.startswith(known)) for known in self._open)

    async def _login(self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]) -> None:
        if scope["method"] in ("GET", "HEAD"):
            await _login_page(send, status=200)
            return
        if scope["method"] != "POST" or not same_origin(headers):
            await _refuse(scope, receive, send, 403, "log in from the lab's own login page")
            return
        given = _token_in(await _body(receive))
        if not hmac.compare_digest(given.encode(), self._token):
            await _refuse(scope, receive, send, 401, f"the token is not the lab's; {_NEXT}")
            return
        cookie = f"{COOKIE}={self._session.decode()}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Strict"
        await _answer(send, 204, b"", _PLAIN, ((b"set-cookie", cookie.encode()),))


def session_value(token: str) -> str:
    """What the cookie holds: a keyed digest (HMAC-SHA256) of the token, in hexadecimal."""
    return hmac.new(token.encode(), b"workshop browser session", hashlib.sha256).hexdigest()


def same_origin(headers: dict[str, str]) -> bool:
    """Whether a browser sent this from a page of the same scheme, host and port.

    Browsers set Sec-Fetch-Site and Origin themselves; a page cannot forge them. A request with neither is
    refused.
    """
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if site is not None and site != "same-origin":
        return False
    if origin is not None:
        return origin.partition("://")[2] == headers.get("host", "")
    return site is not None


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _cookie(headers: dict[str, str]) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _wants_page(scope: Scope, headers: dict[str, str]) -> bool:
    return scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and "text/html" in headers.get("accept", "")


def _token_in(body: bytes) -> str:
    try:
        parsed: object = json.loads(body)
    except ValueError:
        return ""
    token = parsed.get("token") if isinstance(parsed, dict) else None
    return token if isinstance(token, str) else ""


async def _body(receive: Receive) -> bytes:
    body: bytes = b""
    while len(body) <= _LOGIN_LIMIT:
        message = await receive()
        body += bytes(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return body
    return b""


async def _login_page(send: Send, status: int = 401) -> None:
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    await _answer(
        send,
        status,
        _LOGIN_PAGE.replace("NONCE", nonce).encode(),
        b"text/html; charset=utf-8",
        ((b"content-security-policy", policy.encode()),),
    )


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, message: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4000 + status, "reason": message[:120]})
        return
    extra = ((b"www-authenticate", b'Bearer realm="workshop"'),) if status == 401 else ()
    await _answer(send, status, json.dumps({"error": message}).encode(), b"application/json", extra)


async def _answer(
    send: Send, status: int, body: bytes, content_type: bytes, extra: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
        *extra,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
