"""The files that the annotations `task` and `pipeline` name: in the repository, at a URL, or in Artifact Hub."""

from __future__ import annotations

import asyncio
import posixpath

import orjson

from workshop.lab.controllers import web
from workshop.lab.controllers.pipelinesascode.event import Event
from workshop.lab.controllers.pipelinesascode.lookups import Lookups
from workshop.lab.controllers.pipelinesascode.resolving import ResolveError
from workshop.lab.forge.git import GitFailure

HUB = "https://artifacthub.io"
SECONDS = 30.0
"""Time limit of one download."""
_HUB_HINT = "copy it into the repository and name its path, such as .tekton/tasks/hello.yaml, when there is no network"


class Remote:
    """Fetches for one event. `hub` is the address of Artifact Hub."""

    def __init__(self, lookups: Lookups, event: Event, hub: str = HUB) -> None:
        self._lookups, self._event, self._hub = lookups, event, hub

    async def fetch(self, reference: str, kind: str) -> str:
        """The YAML of a Task or Pipeline. Raises ResolveError."""
        start = f'error getting remote {kind} "{reference}"'
        try:
            if reference.startswith(("https://", "http://")):
                return (await self._get(reference, start)).decode("utf-8", "replace")
            if "://" in reference:
                raise ResolveError(f"{start}: the lab has no other catalog than the default one")
            if "/" in reference:
                return await self._file(reference)
            return await self._of_hub(reference, kind, start)
        except GitFailure as e:
            raise ResolveError(f"{start}: {e}") from e

    async def _file(self, path: str) -> str:
        folder = self._lookups.folder(self._event.url)
        if folder is None:
            raise GitFailure(f"{self._event.url} has no repository")
        return await self._lookups.git(folder).text(self._event.sha, posixpath.normpath(path).lstrip("/"))

    async def _of_hub(self, reference: str, kind: str, start: str) -> str:
        name, _, version = reference.partition(":")
        path = f"{name}/{version}" if version else name
        url = f"{self._hub}/api/v1/packages/tekton-{kind}/tekton-catalog-{kind}s/{path}"
        try:
            text = orjson.loads(await self._get(url, f"could not fetch {kind} {reference} from hub"))
            return str(text["data"]["manifestRaw"])
        except ResolveError as e:
            raise ResolveError(f"{start}: {e}; {_HUB_HINT}") from e
        except (ValueError, KeyError, TypeError) as e:
            raise ResolveError(f"{start}: {url} answered without a manifest") from e

    async def _get(self, url: str, what: str) -> bytes:
        try:
            async with asyncio.timeout(SECONDS):
                return await web.get(url, what)
        except (web.WebError, TimeoutError) as e:
            raise ResolveError(str(e) or f"{what}: no answer within {SECONDS:g} s") from e
