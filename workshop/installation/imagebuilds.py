"""Images that OpenShift builds from the kit's commits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from workshop.cluster.applying import refused
from workshop.cluster.bulk import BulkClient, Unreachable
from workshop.cluster.resources import of_kind
from workshop.cluster.transport import ApiFailure
from workshop.errors import RunFailed, SetupError
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import name_of, status_of

NAMESPACE = "mlops-workshop"
START_SECONDS = 330.0
"""OpenShift answers when the build's Pod has taken the archive, and waits up to five minutes for that Pod.

https://github.com/openshift/openshift-apiserver/blob/main/pkg/build/apiserver/registry/buildconfiginstantiate/rest.go
"""
_ATTEMPTS, _PAUSE_SECONDS = 4, 0.5
_UNDER_WAY = ("New", "Pending", "Running")
_FAILED = ("Failed", "Error", "Cancelled")
"""Phases of a Build that has ended without an image."""


async def start(client: BulkClient, known: Sequence[ApiResource], kit: Path, name: str, source: str) -> bool:
    """Start a build unless one has succeeded or is under way, and say whether it was started.

    It gets the committed files of a folder, as from `oc start-build --from-archive`. Raises SetupError, ManifestError.
    """
    before = await _builds(client, known, name)
    if any(one.phase in ("Complete", *_UNDER_WAY) for one in before):
        return False
    tree = f"HEAD:{source}" if source else "HEAD"
    process = await asyncio.create_subprocess_exec(
        "git", "-C", str(kit), "archive", "--format=tar.gz", tree, stdout=asyncio.subprocess.PIPE
    )
    archive, _ = await process.communicate()
    if process.returncode != 0:
        raise SetupError(f"{kit} is no Git clone: images are built from its commits", hint="git clone the kit")
    resource = of_kind(known, "build.openshift.io/v1", "BuildConfig")
    assert resource is not None
    path = resource.path(NAMESPACE, name, "instantiatebinary")
    await _upload(client, known, path, name, archive, {one.name for one in before})
    return True


async def _upload(
    client: BulkClient, known: Sequence[ApiResource], path: str, name: str, archive: bytes, before: set[str]
) -> None:
    """Send the archive until there is a build that is not in `before`.

    A request whose answer was lost may have started a build, and the same request again would start a second one.
    """
    for attempt in range(_ATTEMPTS):
        try:
            await client.send_bytes("POST", path, archive, "application/octet-stream", seconds=START_SECONDS, once=True)
            return
        except (ApiFailure, Unreachable) as e:
            lost = isinstance(e, Unreachable) or e.code >= 500
            if lost:
                await asyncio.sleep(_PAUSE_SECONDS * 2**attempt)
                if any(one.name not in before for one in await _builds(client, known, name)):
                    return
            if not lost or attempt == _ATTEMPTS - 1:
                raise (refused(e, f"start the build {name}") if isinstance(e, ApiFailure) else e) from e


async def waiting_for(client: BulkClient, known: Sequence[ApiResource], name: str) -> list[str]:
    """What keeps the image from being there; empty when a build has succeeded."""
    found = await _builds(client, known, name)
    if any(one.phase == "Complete" for one in found):
        return []
    last = found[-1] if found else _Build("", "not started", "")
    return [f"build {name} is {last.phase}" + (f": {last.message}" if last.message else "")]


async def refuse_failed(client: BulkClient, known: Sequence[ApiResource], name: str) -> None:
    """Raises RunFailed when the last build has ended without an image."""
    found = await _builds(client, known, name)
    if found and found[-1].phase in _FAILED:
        raise RunFailed(
            "; ".join(await waiting_for(client, known, name)),
            hint=f"oc logs -n {NAMESPACE} bc/{name} shows why; the same command builds again",
        )


class _Build(NamedTuple):
    name: str
    phase: str
    message: str


async def _builds(client: BulkClient, known: Sequence[ApiResource], name: str) -> list[_Build]:
    """The BuildConfig's builds, oldest first."""
    resource = of_kind(known, "build.openshift.io/v1", "Build")
    if resource is None:
        return []
    found = await client.list(resource, NAMESPACE, labels=f"buildconfig={name}")
    found.sort(key=lambda one: str(one["metadata"].get("creationTimestamp", "")))
    return [
        _Build(name_of(one), str(status_of(one).get("phase")), str(status_of(one).get("message") or ""))
        for one in found
    ]
