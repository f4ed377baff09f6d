"""HTTP to one API server, with persistent connections and streamed answers.

It uses only the standard library: a command that runs for a tenth of a second cannot spend two seconds on importing a
client. Each thread has its own connection, and each stream one more. The only retry is for a persistent connection that
the server closed meanwhile.
"""

from __future__ import annotations

import http.client
import json
import ssl
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from workshop.cluster.config import UP, Config
from workshop.errors import SetupError, WorkshopError

AGENT = "workshop"
JSON = "application/json"


class ApiFailure(WorkshopError):
    """An error answer of the API server: its code, reason, message and details."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details or {}


class Transport:
    """Requests to one server."""

    def __init__(self, config: Config, *, timeout: float = 60.0, agent: str = AGENT) -> None:
        self.config = config
        self._agent = agent
        self._timeout = timeout
        self._url = urlsplit(config.server)
        self._local = threading.local()
        self._tls: ssl.SSLContext | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        media: str = JSON,
        accept: str = JSON,
    ) -> Any:
        """The parsed answer. Raises ApiFailure, SetupError."""
        raw = self.raw(method, path, query=query, body=body, media=media, accept=accept)
        return json.loads(raw) if raw else {}

    def raw(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        media: str = JSON,
        accept: str = "*/*",
    ) -> bytes:
        """The raw answer. Raises ApiFailure, SetupError."""
        kept: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if kept is not None and method == "POST":
            # Never sent twice: the connection may break after the server has created the object.
            kept.close()
            kept = None
        connection = kept or self.connect()
        self._local.connection = None
        try:
            answer = self._send(connection, method, path, query, body, media, accept)
            raw = answer.read()
        except (ConnectionError, http.client.HTTPException, ssl.SSLError, OSError) as e:
            connection.close()
            if kept is None or not isinstance(e, http.client.RemoteDisconnected | ConnectionError):
                raise self._unreachable(e) from e
            return self.raw(method, path, query=query, body=body, media=media, accept=accept)
        if not answer.will_close:
            self._local.connection = connection
        _check(answer, raw)
        return raw

    def stream(
        self, path: str, *, query: dict[str, str] | None = None, accept: str = JSON, timeout: float | None = None
    ) -> Iterator[bytes]:
        """The pieces of an answer as they arrive, until its end. Raises ApiFailure, SetupError, TimeoutError.

        `timeout` is the longest silence in seconds; None means no limit.
        """
        connection = self.connect()
        try:
            answer = self._send(connection, "GET", path, query, None, JSON, accept)
            if answer.status >= 400:
                _check(answer, answer.read())
            if connection.sock:
                connection.sock.settimeout(timeout)
            while piece := answer.read1(65536):
                yield piece
        except TimeoutError:
            raise
        except (http.client.HTTPException, OSError) as e:
            raise self._unreachable(e) from e
        finally:
            connection.close()

    def lines(
        self, path: str, *, query: dict[str, str] | None = None, accept: str = JSON, timeout: float | None = None
    ) -> Iterator[bytes]:
        """The lines of an answer as they arrive, without line ends."""
        rest = b""
        for piece in self.stream(path, query=query, accept=accept, timeout=timeout):
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
        if rest:
            yield rest

    def connect(self) -> http.client.HTTPConnection:
        """A new connection to the server."""
        timeout = self._timeout
        host = self._url.hostname or ""
        if self._url.scheme != "https":
            return http.client.HTTPConnection(host, self._url.port or 80, timeout=timeout)
        if self._tls is None:
            self._tls = tls_context(self.config)
        return http.client.HTTPSConnection(host, self._url.port or 443, timeout=timeout, context=self._tls)

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        query: dict[str, str] | None,
        body: Any,
        media: str,
        accept: str,
    ) -> http.client.HTTPResponse:
        headers = {"Accept": accept, "User-Agent": self._agent}
        if self.config.token:
            headers["Authorization"] = f"Bearer {self.config.token}"
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if raw is not None:
            headers["Content-Type"] = media
        target = self._url.path + path + ("?" + urlencode(query) if query else "")
        connection.request(method, target, body=raw, headers=headers)
        return connection.getresponse()

    def _unreachable(self, error: Exception) -> SetupError:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return SetupError(f"the API server at {self.config.server} does not answer: {why}", hint=UP)


def tls_context(config: Config) -> ssl.SSLContext:
    """The authorities, and the client certificate of the user."""
    context = ssl.create_default_context(cadata=config.authority or None)
    if not config.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if config.client_certificate:
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / name for name in ("client.crt", "client.key")]
            for file, text in zip(files, config.client_certificate, strict=True):
                file.touch(mode=0o600)
                file.write_text(text)
            context.load_cert_chain(str(files[0]), str(files[1]))
    return context


def _check(answer: http.client.HTTPResponse, raw: bytes) -> None:
    if answer.status < 400:
        return
    raise failure(answer.status, raw, answer.reason)


def failure(code: int, raw: bytes, reason: str) -> ApiFailure:
    """The error of an answer: from its Status object, else from its text or the reason of its first line."""
    try:
        status = json.loads(raw)
        if not isinstance(status, dict):
            status = {}
    except ValueError:
        status = {}
    message = status.get("message") or raw.decode("utf-8", "replace").strip() or reason
    return ApiFailure(code, status.get("reason") or "", message, status.get("details"))
