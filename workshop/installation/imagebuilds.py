"""Images that OpenShift builds from the kit's commits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from workshop.cluster.applying import refused
from workshop.cluster.bulk import BulkClient
from workshop.cluster.resources import of_kind
from workshop.cluster.transport import ApiFailure
from workshop.errors import RunFailed, SetupError
from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import status_of

NAMESPACE = "mlops-workshop"
START_SECONDS = 330.0
"""OpenShift answers when the build's Pod has taken the archive, and waits up to five minutes for that Pod.

https://github.com/openshift/openshift-apiserver/blob/main/pkg/build/apiserver/registry/buildconfiginstantiate/rest.go
"""
_UNDER_WAY = ("New", "Pending", "Running")
_FAILED = ("Failed", "Error", "Cancelled")
"""Phases of a Build that has ended without an image."""


async def start(client: BulkClient, known: Sequence[ApiResource], kit: Path, name: str, source: str) -> bool:
    """Start a build unless one has succeeded or is under way, and say whether it was started.

    It gets the committed files of a folder, as from `oc start-build --from-archive`. Raises SetupError, ManifestError.
    """
    if any(phase in ("Complete", *_UNDER_WAY) for phase, _ in await _builds(client, known, name)):
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
    try:
        path = resource.path(NAMESPACE, name, "instantiatebinary")
        await client.send_bytes("POST", path, archive, "application/octet-stream", seconds=START_SECONDS)
    except ApiFailure as e:
        raise refused(e, f"start the build {name}") from e
    return True


async def waiting_for(client: BulkClient, known: Sequence[ApiResource], name: str) -> list[str]:
    """What keeps the image from being there; empty when a build has succeeded."""
    found = await _builds(client, known, name)
    if any(phase == "Complete" for phase, _ in found):
        return []
    phase, message = found[-1] if found else ("not started", "")
    return [f"build {name} is {phase}" + (f": {message}" if message else "")]


async def refuse_failed(client: BulkClient, known: Sequence[ApiResource], name: str) -> None:
    """Raises RunFailed when the last build has ended without an image."""
    found = await _builds(client, known, name)
    if found and found[-1][0] in _FAILED:
        raise RunFailed(
            "; ".join(await waiting_for(client, known, name)),
            hint=f"oc logs -n {NAMESPACE} bc/{name} shows why; the same command builds again",
        )


async def _builds(client: BulkClient, known: Sequence[ApiResource], name: str) -> list[tuple[str, str]]:
    """Phase and message of the BuildConfig's builds, oldest first."""
    resource = of_kind(known, "build.openshift.io/v1", "Build")
    if resource is None:
        return []
    found = await client.list(resource, NAMESPACE, labels=f"buildconfig={name}")
    found.sort(key=lambda one: str(one["metadata"].get("creationTimestamp", "")))
    return [(str(status_of(one).get("phase")), str(status_of(one).get("message") or "")) for one in found]
