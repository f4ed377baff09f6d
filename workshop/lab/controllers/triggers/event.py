"""An event and its parts: body, header, extensions, context.

Header names are canonical (`X-Github-Event`), as Go's HTTP server makes them. So `$(header.X-GitHub-Event)` finds
nothing, here and on a cluster.
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
    """One request to a listener, with the extensions of interceptors."""

    id: str
    raw: bytes
    headers: Headers
    url: str
    extensions: Json = field(default_factory=dict)

    @property
    def body(self) -> Any:
        """The parsed body; None if it is empty. Raises ValueError if it is not JSON."""
        return orjson.loads(self.raw) if self.raw.strip() else None

    def header(self, name: str) -> str:
        """The first value of a header, or an empty string."""
        return (self.headers.get(canonical(name)) or [""])[0]

    def with_extensions(self, more: Json) -> Event:
        """The event with more extensions; an existing key is replaced as a whole."""
        return replace(self, extensions={**self.extensions, **more})

    def parts(self) -> Json:
        """The data that bindings read."""
        joined = {name: ",".join(values) for name, values in self.headers.items()}
        return {"body": self.body, "header": joined, "extensions": self.extensions, "context": {"eventID": self.id}}


def canonical(name: str) -> str:
    """A header's name with the first letter of each word in upper case and the others in lower case (net/textproto)."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def headers_of(pairs: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers of an ASGI scope by canonical name."""
    found: Headers = {}
    for name, value in pairs:
        found.setdefault(canonical(name.decode("latin-1")), []).append(value.decode("latin-1"))
    return found
