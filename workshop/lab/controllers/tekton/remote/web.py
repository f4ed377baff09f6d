"""GET requests of resolvers: an error is a ResolverError."""

from __future__ import annotations

from collections.abc import Mapping

from workshop.lab.controllers import web
from workshop.lab.controllers.tekton.remote.base import ResolverError
from workshop.lab.controllers.web import LARGEST, NO_NETWORK

__all__ = ["LARGEST", "NO_NETWORK", "NotFound", "get"]


class NotFound(ResolverError):
    """A server that answered with another status than 200."""


async def get(url: str, what: str, headers: Mapping[str, str] | None = None, *, largest: int = LARGEST) -> bytes:
    """The body of a URL. Raises ResolverError, which begins with `what` failed, and NotFound."""
    try:
        return await web.get(url, what, headers, largest=largest)
    except web.NotFound as e:
        raise NotFound(str(e)) from e
    except web.WebError as e:
        raise ResolverError(str(e)) from e
