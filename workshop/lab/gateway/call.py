"""One request as the gateway received it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import cached_property

from workshop.lab.gateway.upstream import Headers

_NOT_PASSED = frozenset(
    (
        b"connection",
        b"content-length",
        b"expect",
        b"host",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
"""Headers of one connection, which are not forwarded (RFC 9110, 7.6.1)."""
_NOT_RETURNED = _NOT_PASSED | {b"date", b"server"}


@dataclass
class Call:
    """`path` is the path for the model server; `query` is unchanged."""

    method: str
    path: str
    query: bytes
    headers: Headers
    body: bytes
    raw_path: bytes = b""

    @cached_property
    def puid(self) -> bytes:
        """The request's id: the caller's or a new one. It is the same for every try."""
        return next((v for k, v in self.headers if k == b"seldon-puid"), b"") or str(uuid.uuid4()).encode()

    @property
    def target(self) -> bytes:
        """Path and query for the model server."""
        path = self.raw_path or self.path.encode()
        return path + b"?" + self.query if self.query else path

    @property
    def repeatable(self) -> bool:
        """Whether it can be sent twice: a prediction can, feedback cannot because it is counted."""
        return "feedback" not in self.path


def passed(headers: Headers) -> Headers:
    """The request headers for the model server."""
    return [pair for pair in headers if pair[0] not in _NOT_PASSED]


def returned(headers: Headers) -> Headers:
    """The answer headers for the caller."""
    return [pair for pair in headers if pair[0] not in _NOT_RETURNED]
