"""GET requests to servers of others, with limits and messages as Tekton has them."""

from __future__ import annotations

from collections.abc import Mapping

LARGEST = 10 << 20
"""Bytes of an answer that are read."""
NO_NETWORK = "is this machine online, and is the address right?"


class WebError(Exception):
    """A request failed. The text begins with what failed."""


class NotFound(WebError):
    """A server that answered with another status than 200."""


async def get(url: str, what: str, headers: Mapping[str, str] | None = None, *, largest: int = LARGEST) -> bytes:
    """The body of a URL. Raises WebError, which begins with `what` failed, and NotFound.

    Proxies are those of the environment; the caller limits the time.
    """
    import aiohttp  # It takes 0.2 s, which no run without a network should wait for.

    try:
        async with (
            aiohttp.ClientSession(trust_env=True, timeout=aiohttp.ClientTimeout(total=None, connect=10)) as session,
            session.get(url, headers=dict(headers or {})) as answer,
        ):
            if answer.status != 200:
                raise NotFound(f"{url} answered with {answer.status} {answer.reason}")
            found = bytearray()
            async for chunk in answer.content.iter_chunked(1 << 16):
                found += chunk
                if len(found) > largest:
                    raise WebError(f"response body exceeds maximum allowed size of {largest} bytes")
            return bytes(found)
    except (aiohttp.ClientError, OSError, ValueError) as e:
        raise WebError(f'{what}: Get "{url}": {e}; {NO_NETWORK}') from e
