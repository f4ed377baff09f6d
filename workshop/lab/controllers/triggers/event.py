"""An event as its parts are addressed: body, header, extensions, context.

Header names are canonical (`X-Github-Event`) as Go's HTTP server makes them, which is why `$(header.X-GitHub-Event)`
finds nothing on a cluster either.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

Json = dict[str, Any]
Headers = dict[str, list[str]]


@dataclass(frozen=True)
class Event:
    """One request to a listener, and what interceptors have added to it."""

    id: str
    raw: bytes
    headers: Headers
    url: str
    extensions: Json = field(default_factory=dict)

    @property
    def body(self) -> Any:
        """The parsed body; None when it is empty. Raises ValueError when it is no JSON."""
        return orjson.loads(self.raw) if self.raw.strip() else None

    def header(self, name: str) -> str:
        """The first value of a header, or nothing."""
        return (self.headers.get(canonical(name)) or [""])[0]

    def with_extensions(self, more: Json) -> Event:
        """The event with further extensions; a key that is there is replaced as a whole."""
        return replace(self, extensions={**self.extensions, **more})

    def parts(self) -> Json:
        """What bindings look into."""
        joined = {name: ",".join(values) for name, values in self.headers.items()}
        return {"body": self.body, "header": joined, "extensions": self.extensions, "context": {"eventID": self.id}}


def canonical(name: str) -> str:
    """A header's name with the first letter of each word large and the others small (net/textproto)."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def headers_of(pairs: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers of an ASGI scope by canonical name."""
    found: Headers = {}
    for name, value in pairs:
        found.setdefault(canonical(name.decode("latin-1")), []).append(value.decode("latin-1"))
    return found
