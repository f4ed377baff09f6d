"""What a resolver is given and returns."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop.lab.store import Store

LARGEST = 1_500_000
"""Bytes of an object that a resolver may return: what fits into a ResolutionRequest."""


class ResolverError(Exception):
    """A resource cannot be fetched; the text is the resolver's own."""


class InvalidParams(ResolverError):
    """Params that a resolver does not accept."""


@dataclass(frozen=True)
class Resolved:
    """The fetched object as YAML, and where it is from."""

    data: bytes
    uri: str
    digest: Mapping[str, str]
    entry_point: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> dict[str, Any]:
        """The form of `status.provenance.refSource`."""
        found: dict[str, Any] = {"uri": self.uri, "digest": dict(self.digest)}
        return {**found, "entryPoint": self.entry_point} if self.entry_point else found


@dataclass(frozen=True)
class Request:
    """The params of a ResolutionRequest.

    `config` is the data of the resolver's ConfigMap; `folder` is for its files.
    """

    store: Store
    namespace: str
    params: Mapping[str, str]
    config: Mapping[str, str]
    folder: Path

    def required(self, what: str, *names: str) -> None:
        """Raise InvalidParams unless all of these params have a value."""
        missing = [name for name in names if not self.params.get(name)]
        if missing:
            raise InvalidParams(f"missing required {what} params: {', '.join(missing)}")


Resolver = Callable[[Request], Awaitable[Resolved]]


def sha256(data: bytes) -> dict[str, str]:
    """The digest of a file."""
    return {"sha256": hashlib.sha256(data).hexdigest()}
