"""GET requests to servers of others, with limits and messages as Tekton has them."""

from __future__ import annotations

from collections.abc import Mapping

LARGEST = 10 << 20
"""Bytes of an answer that are read."""
NO_NETWORK = "is this machine online, and is the address right?"
REDIRECTS = 10
_REDIRECTED = (301, 302, 303, 307, 308)


class WebError(Exception):
    """A request failed. The text begins with what failed."""


class NotFound(WebError):
    """A server that answered with another status than 200."""


async def get(url: str, what: str, headers: Mapping[str, str] | None = None, *, largest: int = LARGEST) -> bytes:
    """The body of a URL. Raises WebError, which begins with `what` failed, and NotFound.

    Proxies are those of the environment; the caller limits the time. The headers may have a token, so a redirect to
    another server is followed without them.
    """
    import aiohttp  # It takes 0.2 s, which no run without a network should wait for.
    from yarl import URL

    limits = aiohttp.ClientTimeout(total=None, connect=10)
    try:
        async with aiohttp.ClientSession(trust_env=True, timeout=limits) as session:
            address, sent = URL(url), dict(headers or {})
            for _ in range(REDIRECTS):
                async with session.get(address, headers=sent, allow_redirects=False) as answer:
                    if answer.status in _REDIRECTED and "Location" in answer.headers:
                        place = address.join(URL(answer.headers["Location"]))
                        if place.origin() != address.origin():
                            sent = {}
                        address = place
                        continue
                    if answer.status != 200:
                        raise NotFound(f"{url} answered with {answer.status} {answer.reason}")
                    found = bytearray()
                    async for chunk in answer.content.iter_chunked(1 << 16):
                        found += chunk
                        if len(found) > largest:
                            raise WebError(f"response body exceeds maximum allowed size of {largest} bytes")
                    return bytes(found)
            raise WebError(f'{what}: Get "{url}": stopped after {REDIRECTS} redirects')
    except (aiohttp.ClientError, OSError, ValueError) as e:
        raise WebError(f'{what}: Get "{url}": {e}; {NO_NETWORK}') from e
