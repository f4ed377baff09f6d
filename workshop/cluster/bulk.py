"""Many requests to one API server at the same time: what a command needs that handles hundreds of namespaces.

`client.py` waits for one answer after the other; here a limited number of requests is under way at once. A lost
connection, a busy server (429) and an error of the server (5xx) are tried again, with growing pauses, until `patience`
seconds have passed. A write that does harm the second time is sent with `once`: then only a 429 is tried again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import orjson

from workshop.cluster.config import Config
from workshop.cluster.transport import JSON, ApiFailure, failure, tls_context
from workshop.errors import SetupError
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import Object

APPLY = "application/apply-patch+yaml"
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
"""Lists without spec and status."""
PAGE = 200
"""Objects of a list that are in memory at once."""
CONNECTIONS = 16
PATIENCE = 60.0
ANSWER_SECONDS = 60.0
CONNECT_SECONDS = 10.0
_PAUSES = (0.1, 0.3, 1.0, 2.0, 5.0)
_AGAIN = (429, 500, 502, 503, 504)
T = TypeVar("T")


class BulkClient:
    """One server and one user, with at most `connections` requests at a time. It is an asynchronous context manager.

    Counts what it sends: `reads` and `writes`.
    """

    def __init__(
        self, config: Config, manager: str, *, connections: int = CONNECTIONS, patience: float = PATIENCE
    ) -> None:
        self.config = config
        self.manager = manager
        self.reads = self.writes = 0
        self._connections = connections
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> BulkClient:
        tls = tls_context(self.config) if urlsplit(self.config.server).scheme == "https" else False
        headers = {"User-Agent": self.manager, "Accept": JSON}
        if self.config.token:
            headers["Authorization"] = f"Bearer {self.config.token}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, ssl=tls),
            headers=headers,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        media: str = JSON,
        accept: str = JSON,
        once: bool = False,
    ) -> bytes:
        """The answer's body. Raises ApiFailure; SetupError for an expired login and a server that is away."""
        raw = None if body is None else orjson.dumps(body)
        return await self.send_bytes(method, path, raw, media, query=query, accept=accept, once=once)

    async def send_bytes(
        self,
        method: str,
        path: str,
        raw: bytes | None,
        media: str,
        *,
        query: dict[str, str] | None = None,
        accept: str = JSON,
        seconds: float = ANSWER_SECONDS,
        once: bool = False,
    ) -> bytes:
        """As `request`, with a body that is no JSON and at most `seconds` until the whole answer. Raises like it.

        With `once` the caller finds out what became of a request whose answer was lost.
        """
        if method == "GET":
            self.reads += 1
        else:
            self.writes += 1
        began, attempt = time.monotonic(), 0
        while True:
            try:
                return await self._send(method, path, query, raw, media, accept, seconds)
            except (ApiFailure, SetupError) as e:
                pause = _pause(e, attempt) if not once or _busy(e) else None
                if pause is None or time.monotonic() - began + pause > self._patience:
                    raise
            attempt += 1
            await asyncio.sleep(pause)

    async def get(self, path: str, *, query: dict[str, str] | None = None, accept: str = JSON) -> Object:
        """A parsed answer. Raises like `request`."""
        found: Object = orjson.loads(await self.request("GET", path, query=query, accept=accept))
        return found

    async def pages(
        self, resource: ApiResource, namespace: str | None = None, *, labels: str = "", metadata: bool = False
    ) -> AsyncIterator[list[Object]]:
        """The objects of a kind, PAGE at a time, in a namespace or in all. Raises like `request`.

        `metadata` leaves out spec and status. A list that expires on the way begins again, so an object may come twice.
        """
        query = {"limit": str(PAGE), **({"labelSelector": labels} if labels else {})}
        while True:
            try:
                answer = await self.get(resource.path(namespace), query=query, accept=METADATA if metadata else JSON)
            except ApiFailure as e:
                if e.code != 410 or "continue" not in query:
                    raise
                del query["continue"]
                continue
            yield answer.get("items") or []
            more = (answer.get("metadata") or {}).get("continue")
            if not more:
                return
            query["continue"] = more

    async def list(
        self, resource: ApiResource, namespace: str | None = None, *, labels: str = "", metadata: bool = False
    ) -> list[Object]:
        """All objects of a kind at once; for kinds of which there are few. Raises like `request`."""
        return [one async for page in self.pages(resource, namespace, labels=labels, metadata=metadata) for one in page]

    async def create(self, resource: ApiResource, obj: Object) -> None:
        """Create an object. Raises like `request`; ApiFailure 409 when it is there."""
        query = {"fieldManager": self.manager, "fieldValidation": "Strict"}
        await self.request("POST", resource.path(obj["metadata"].get("namespace")), query=query, body=obj)

    async def apply(self, resource: ApiResource, obj: Object, *, force: bool = False) -> None:
        """Server-side apply with this client's field manager. Raises like `request`; ApiFailure 409 for a conflict."""
        meta = obj["metadata"]
        query = {"fieldManager": self.manager, "fieldValidation": "Strict", "force": str(force).lower()}
        path = resource.path(meta.get("namespace"), meta["name"])
        await self.request("PATCH", path, query=query, body=obj, media=APPLY)

    async def delete(self, resource: ApiResource, namespace: str | None, name: str, *, uid: str = "") -> None:
        """Delete an object; one that is gone or is being deleted is no error. Raises like `request`.

        With `uid` only the object that has it, not one of the same name that was made meanwhile.
        """
        body: Object = {"propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            await self.request("DELETE", resource.path(namespace, name), body=body)
        except ApiFailure as e:
            if e.code not in (404, 409):
                raise

    async def review(self, review: Object) -> bool:
        """The answer to a SelfSubjectAccessReview or a SubjectAccessReview. Raises like `request`."""
        plural = f"{review['kind'].lower()}s"
        answer = await self.request("POST", f"/apis/{review['apiVersion']}/{plural}", body=review)
        self.writes -= 1  # it stores nothing
        return bool((orjson.loads(answer).get("status") or {}).get("allowed"))

    async def _send(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None,
        raw: bytes | None,
        media: str,
        accept: str,
        seconds: float,
    ) -> bytes:
        assert self._session is not None
        headers = {"Accept": accept, **({"Content-Type": media} if raw is not None else {})}
        try:
            async with self._session.request(
                method,
                self.config.server + path,
                params=query,
                data=raw,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS),
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            raise Unreachable(self.config.server, e) from e
        if answer.status == 401:
            raise SetupError(
                f"{self.config.server} does not accept the login any more (401)",
                hint="oc login, then the same command again: it goes on where it stopped",
            )
        if answer.status < 400:
            return content
        error = failure(answer.status, content, answer.reason or "")
        if answer.status == 429 and (wait := answer.headers.get("Retry-After", "")).isdecimal():
            error.details = {**error.details, "retryAfterSeconds": int(wait)}
        raise error


class Unreachable(SetupError):
    """The server did not answer; it may at the next attempt."""

    def __init__(self, server: str, error: Exception) -> None:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        super().__init__(
            f"the API server at {server} does not answer: {why}",
            hint="when it answers again, the same command goes on where it stopped",
        )


async def every(values: Iterable[T], do: Callable[[T], Awaitable[None]], *, workers: int = CONNECTIONS) -> None:
    """Call `do` for each value, `workers` at a time. The first error stops the others and is raised."""
    source = iter(values)

    async def work() -> None:
        for value in source:
            await do(value)

    tasks = [asyncio.create_task(work()) for _ in range(workers)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _pause(error: Exception, attempt: int) -> float | None:
    """Seconds until the next attempt; None if another attempt cannot help."""
    if isinstance(error, ApiFailure):
        if error.code not in _AGAIN and not _modified(error):
            return None
        asked = error.details.get("retryAfterSeconds")
        if isinstance(asked, int) and asked > 0:
            return float(min(asked, 10))
    elif not isinstance(error, Unreachable):
        return None
    return _PAUSES[min(attempt, len(_PAUSES) - 1)] * random.uniform(0.5, 1.5)  # noqa: S311 it spreads load


def _busy(error: Exception) -> bool:
    """Whether the server has refused the request without looking at it."""
    return isinstance(error, ApiFailure) and error.code == 429


def _modified(error: ApiFailure) -> bool:
    """Whether another client changed the object at the same moment."""
    return error.code == 409 and "the object has been modified" in str(error)
