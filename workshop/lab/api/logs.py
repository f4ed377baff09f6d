"""The output of a container (`oc logs`), also followed.

The runtime writes each container's output to a file without times. With `timestamps`, a line that is read while
following gets the time of reading; earlier lines get the start time of the container. `sinceSeconds` and `sinceTime`
return the whole file if it changed within that time. `previous` is refused, because a restarted container continues the
same file.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from starlette.responses import Response

from workshop.lab.api.answers import Stream
from workshop.lab.api.context import Api
from workshop.lab.api.reading import record_of
from workshop.lab.api.request import Target, number
from workshop.lab.api.views import View
from workshop.lab.api_errors import BadRequest
from workshop.lab.store import now
from workshop.manifests.ages import parse_time
from workshop.manifests.objects import Object, annotations_of, status_of

POLL = 0.1
"""Seconds between two reads of a followed file."""
_BLOCK = 64 * 1024


def logs(api: Api, view: View, target: Target) -> Response | Stream:
    """GET of pods/log. Raises NotFound, BadRequest."""
    pod = record_of(api, view, target).object()
    container = _container(pod, target)
    path = api.lab.paths.container_log(target.namespace, target.name, container)
    query = target.query
    follow = query.get("follow") in ("true", "1")
    if query.get("previous") in ("true", "1"):
        raise BadRequest(f'previous terminated container "{container}" in pod "{target.name}" not found')
    if not path.exists() and not follow and _state(pod, container) in ("", "waiting"):
        raise BadRequest(f'container "{container}" in pod "{target.name}" is waiting to start: ContainerCreating')
    start = _start(path, query)
    stamp = query.get("timestamps") in ("true", "1")
    if not follow:
        raw = _read(path, start)
        raw = _stamped(raw, _started(pod, container)) if stamp else raw
        limit = number(query, "limitBytes")
        return Response(raw if limit is None else raw[:limit], media_type="text/plain")
    return Stream(_follow(api, view, target, container, path, start, stamp), "text/plain")


async def _follow(
    api: Api, view: View, target: Target, container: str, path: Path, at: int, stamp: bool
) -> AsyncGenerator[bytes]:
    """New output until the container has ended and everything was read, or until the Pod is deleted."""
    while True:
        pod = api.store.find(view.stored, target.namespace, target.name)
        ended = pod is None or _state(pod, container) == "terminated" or _phase(pod) in ("Succeeded", "Failed")
        if path.exists() and path.stat().st_size < at:
            at = 0  # The file was rotated.
        while raw := _read(path, at, _BLOCK):
            at += len(raw)
            yield _stamped(raw, now()) if stamp else raw
        if ended:
            return
        await asyncio.sleep(POLL)


def _container(pod: Object, target: Target) -> str:
    spec = pod.get("spec") or {}
    names = [one["name"] for one in spec.get("containers") or []]
    every = names + [one["name"] for one in spec.get("initContainers") or []]
    wanted = target.query.get("container")
    if wanted:
        if wanted not in every:
            raise BadRequest(f"container {wanted} is not valid for pod {target.name}")
        return wanted
    if len(names) == 1:
        return str(names[0])
    chosen = annotations_of(pod).get("kubectl.kubernetes.io/default-container")
    if chosen in names:
        return str(chosen)
    inits = [one["name"] for one in spec.get("initContainers") or []]
    more = f" or one of the init containers: [{' '.join(inits)}]" if inits else ""
    raise BadRequest(
        f"a container name must be specified for pod {target.name}, choose one of: [{' '.join(names)}]{more}"
    )


def _status(pod: Object, container: str) -> Object:
    status = status_of(pod)
    for one in [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]:
        if one.get("name") == container:
            found: Object = one.get("state") or {}
            return found
    return {}


def _state(pod: Object, container: str) -> str:
    return next(iter(_status(pod, container)), "")


def _phase(pod: Object) -> str:
    return str(status_of(pod).get("phase") or "")


def _started(pod: Object, container: str) -> str:
    for state in _status(pod, container).values():
        if state.get("startedAt"):
            return str(state["startedAt"])
    return str(pod["metadata"].get("creationTimestamp"))


def _start(path: Path, query: dict[str, str]) -> int:
    """The offset in the file at which to begin, from tailLines, sinceSeconds and sinceTime."""
    if not path.exists():
        return 0
    size = path.stat().st_size
    seconds = number(query, "sinceSeconds")
    since = time.time() - seconds if seconds is not None else None
    if query.get("sinceTime"):
        moment = parse_time(query["sinceTime"])
        since = moment.timestamp() if moment else None
    if since is not None and path.stat().st_mtime < since:
        return size
    tail = number(query, "tailLines")
    return 0 if tail is None or tail < 0 else _tail(path, size, tail)


def _tail(path: Path, size: int, lines: int) -> int:
    """The offset at which the last `lines` lines begin."""
    if lines == 0:
        return size
    with path.open("rb") as file:
        at, seen = size, 0
        while at > 0:
            step = min(_BLOCK, at)
            file.seek(at - step)
            block = file.read(step)
            for index in range(step - 1, -1, -1):
                if block[index] == 0x0A and at - step + index != size - 1:
                    seen += 1
                    if seen == lines:
                        return at - step + index + 1
            at -= step
    return 0


def _read(path: Path, at: int, limit: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(at)
            return file.read(limit)
    except FileNotFoundError:
        return b""


def _stamped(raw: bytes, stamp: str) -> bytes:
    prefix = stamp.replace("Z", ".000000000Z").encode() + b" "
    return b"".join(prefix + line for line in raw.splitlines(keepends=True))
