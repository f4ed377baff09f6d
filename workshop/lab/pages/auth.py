"""The token gate of every web page of the lab: it admits requests with a token or a session.

`TokenGate` wraps any ASGI application. Programs send `Authorization: Bearer <token>`. A browser opens
`http://127.0.0.1:<console>/#token=<token>` once. Browsers never send the fragment of a URL, so the token is in no
server log and no Referer. The login page reads the fragment, posts it to `/login` and gets a cookie and a key (see
`workshop.lab.sessions`). The gates of other parts redirect a browser to the console, which sends it back to their
`/session/login` with a one-time code.

Not provided: protection from other programs of the same user, and encryption; the lab is on loopback only.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.requests import Request

from workshop.lab.listening.hosts import LOOPBACK, host_name
from workshop.lab.sessions import LOGIN, SESSION_SECONDS, Codes, Sessions

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

KEY_HEADER = "x-workshop-key"
TERMINAL = "terminal"
"""The target of a code for a WebSocket of the console; other codes are for parts with their own gate."""
OPEN_PATHS = ("/livez", "/static/")
_SAFE = ("GET", "HEAD", "OPTIONS")
_LOGIN_LIMIT = 4096
_URL_SAFE = ":/?#[]@!$&'()*+,;=%-._~"
_PLAIN = b"text/plain; charset=utf-8"
_NEXT = "open the link that `workshop status` prints, or send the header `Authorization: Bearer <token>`"


@dataclass(frozen=True)
class _Visitor:
    """A person who has a token: what they get, and their codes for this part and for a terminal."""

    app: App
    token: str
    codes: Codes
    terminal: Codes


class TokenGate:
    """ASGI middleware: admits a request with the token or a session, and answers other requests itself.

    `others` are the tokens of further people, with the application that each of them gets.
    `open_paths` are served without a token on GET: a path, or a prefix when it ends in `/`. A Host header that is not a
    loopback name is refused, so that a web page elsewhere cannot reach the lab through its own name that resolves to
    127.0.0.1. A cookie alone is not enough for every request: requests that may change something, or whose response
    another site's page could read, must also come from the same origin, and a WebSocket also needs a one-time code.
    `part` names the cookie. `console` is the console's URL for the gate of another part. `sessions` default to new ones
    in memory.
    """

    def __init__(
        self,
        app: App,
        token: str,
        *,
        part: str = "console",
        console: str = "",
        sessions: Sessions | None = None,
        open_paths: Iterable[str] = OPEN_PATHS,
        others: Mapping[str, App] | None = None,
    ) -> None:
        admitted = {token: app, **(others or {})}
        if not all(admitted):
            raise ValueError("the token is empty; an empty token would admit every request")
        self._app = app
        self._visitors = {
            _digest(token): _Visitor(app, token, Codes(token, part), Codes(token, TERMINAL))
            for token, app in admitted.items()
        }
        self._part, self._console = part, console
        self._sessions = sessions or Sessions()
        self._open = tuple(open_paths)
        self._own = _OF_A_PART if console else _OF_THE_CONSOLE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        if host_name(headers.get("host", "")) not in LOOPBACK:
            await _refuse(
                scope,
                receive,
                send,
                403,
                "the Host header is not a loopback name; open the lab as http://127.0.0.1:<port>",
            )
            return
        path = scope["path"]
        own = self._own.get(path) if scope["type"] == "http" else None
        if own is not None:
            await own(self, scope, receive, send, headers)
            return
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and self._is_open(path):
            await self._app(scope, receive, send)
            return
        visitor = self._admitted(scope, headers)
        if isinstance(visitor, _Visitor):
            await visitor.app(scope, receive, send)
        elif _wants_page(scope, headers) and visitor[0] == 401:
            await self._ask_to_log_in(scope, send)
        else:
            await _refuse(scope, receive, send, *visitor)

    def _admitted(self, scope: Scope, headers: dict[str, str]) -> _Visitor | tuple[int, str]:
        """The visitor of a request, or the status and the text of a refusal."""
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._visitor(given.strip()) or (401, f"the token is not the lab's; {_NEXT}")
        visitor = self._of_session(headers)
        if visitor is None:
            return 401, f"a token is needed; {_NEXT}"
        # The page that sent a request with an Origin can read the response if the application allows that origin;
        # MLflow allows every port of 127.0.0.1.
        guarded = scope["type"] == "websocket" or scope["method"] not in _SAFE or "origin" in headers
        if guarded and not same_origin(headers):
            return (
                403,
                "the request comes from another site; "
                "send it from the lab's own page, or with the header `Authorization: Bearer <token>`",
            )
        if scope["type"] == "websocket" and not visitor.terminal.take(_query(scope).get("code", "")):
            return 403, "a WebSocket needs a one-time code from POST /session/code; log in again at /login"
        return visitor

    def _is_open(self, path: str) -> bool:
        if ".." in path:
            return False
        return any(path == known or (known.endswith("/") and path.startswith(known)) for known in self._open)

    async def _login(self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]) -> None:
        """The console's login page and its POST."""
        if scope["method"] in ("GET", "HEAD"):
            await _login_page(scope, send, status=200)
            return
        if scope["method"] != "POST" or not same_origin(headers):
            await _refuse(scope, receive, send, 403, "log in from the lab's own login page")
            return
        visitor = self._visitor(_word_in(await _body(receive), "token"))
        if visitor is None:
            await _refuse(scope, receive, send, 401, f"the token is not the lab's; {_NEXT}")
            return
        cookie, key = self._sessions.begin(_digest(visitor.token))
        await _answer(send, 200, json.dumps({"key": key}).encode(), b"application/json", (self._set_cookie(cookie),))

    async def _login_by_code(self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]) -> None:
        """The login of another part."""
        query = _query(scope)
        code = query.get("code", "") if scope["method"] == "GET" else ""
        who = next((who for who, visitor in self._visitors.items() if visitor.codes.take(code)), None)
        if who is None:
            await _refuse(scope, receive, send, 401, f"the code is not valid or was used; {_NEXT}")
            return
        cookie, _ = self._sessions.begin(who)
        await _redirect(send, local_path(query.get("next", "/")), self._set_cookie(cookie))

    async def _code(self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]) -> None:
        """A one-time code for the part in the body. It needs the session's key and its cookie."""
        given, visitor = (self._cookie(headers), headers.get(KEY_HEADER, "")), self._of_session(headers)
        allowed = scope["method"] == "POST" and same_origin(headers) and self._sessions.has_key(*given)
        if visitor is None or not allowed:
            await _refuse(scope, receive, send, 403, f"a code needs the session's key; {_NEXT}")
            return
        code = Codes(visitor.token, _word_in(await _body(receive), "part")).make()
        await _answer(send, 200, json.dumps({"code": code}).encode(), b"application/json")

    async def _logout(self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]) -> None:
        if scope["method"] != "POST" or not same_origin(headers):
            await _refuse(scope, receive, send, 403, "log out from the lab's own page")
            return
        self._sessions.end(self._cookie(headers))
        await _redirect(send, "/login", self._set_cookie("", seconds=0))

    async def _ask_to_log_in(self, scope: Scope, send: Send) -> None:
        if not self._console:
            await _login_page(scope, send)
            return
        query = scope["query_string"].decode("latin-1")
        back = quote(scope["path"] + (f"?{query}" if query else ""), safe="")
        await _redirect(send, f"{self._console}/open/{self._part}?next={back}")

    def _visitor(self, token: str) -> _Visitor | None:
        """Whose token it is. Only digests are compared, so that the time says nothing about a token."""
        return self._visitors.get(_digest(token))

    def _of_session(self, headers: dict[str, str]) -> _Visitor | None:
        """Whose session the cookie belongs to."""
        cookie = self._cookie(headers)
        return self._visitors.get(self._sessions.who(cookie)) if self._sessions.valid(cookie) else None

    def _cookie(self, headers: dict[str, str]) -> str:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(f"workshop_{self._part}")
        except CookieError:
            return ""
        return morsel.value if morsel else ""

    def _set_cookie(self, value: str, seconds: int = SESSION_SECONDS) -> tuple[bytes, bytes]:
        cookie = f"workshop_{self._part}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict"
        return b"set-cookie", cookie.encode()


Own = Mapping[str, Callable[[TokenGate, Scope, Receive, Send, dict[str, str]], Awaitable[None]]]
"""The paths that a gate answers itself."""
_OF_THE_CONSOLE: Own = {
    "/login": TokenGate._login,
    "/logout": TokenGate._logout,
    "/session/code": TokenGate._code,
}
_OF_A_PART: Own = {LOGIN: TokenGate._login_by_code}


def local_path(given: str) -> str:
    """A path of the same server for a redirect; `/` for anything that would lead to another server."""
    return given if given.startswith("/") and not given.startswith(("//", "/\\")) and given.isprintable() else "/"


def same_origin(headers: dict[str, str]) -> bool:
    """Whether a browser sent this from a page of the same scheme, host and port.

    Browsers set Sec-Fetch-Site and Origin themselves; a page cannot forge them. A request with neither is refused.
    """
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if site is not None and site != "same-origin":
        return False
    if origin is not None:
        return origin.partition("://")[2] == headers.get("host", "")
    return site is not None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1")))


def _wants_page(scope: Scope, headers: dict[str, str]) -> bool:
    return scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and "text/html" in headers.get("accept", "")


def _word_in(body: bytes, name: str) -> str:
    """A string of a JSON object; empty if it is missing or the body is not such an object."""
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    word = parsed.get(name) if isinstance(parsed, dict) else None
    return word if isinstance(word, str) else ""


async def _body(receive: Receive) -> bytes:
    body: bytes = b""
    while len(body) <= _LOGIN_LIMIT:
        message = await receive()
        body += bytes(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return body
    return b""


async def _login_page(scope: Scope, send: Send, status: int = 401) -> None:
    # Other parts import this module in processes of their own, which show no page.
    from workshop.lab.pages import html

    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    await _answer(
        send,
        status,
        html.render("login.html", {"nonce": nonce}, html.language_of(Request(scope))).encode(),
        b"text/html; charset=utf-8",
        ((b"content-security-policy", policy.encode()),),
    )


async def _redirect(send: Send, to: str, *extra: tuple[bytes, bytes]) -> None:
    await _answer(send, 303, b"", _PLAIN, ((b"location", quote(to, safe=_URL_SAFE).encode()), *extra))


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
