"""Requests for builds: `oc start-build`, with or without files, and the log of a build."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Scope

from workshop.lab.api import validation
from workshop.lab.api.answers import Stream
from workshop.lab.api.context import Api
from workshop.lab.api.logs import logs
from workshop.lab.api.reading import record_of
from workshop.lab.api.request import Target, body, decode, media_type
from workshop.lab.api.review import part
from workshop.lab.api.views import View
from workshop.lab.api_errors import BadRequest, Conflict, Invalid, TooLarge
from workshop.lab.kinds import built_in
from workshop.lab.paths import BUILD_INPUT, PARTIAL
from workshop.lab.store import now
from workshop.manifests.objects import Object

INPUT_LIMIT = 200 * 1024 * 1024
"""Bytes of the files of a build; the kit's folders have less than 10 MB."""
_WAIT_SECONDS = 60.0
_COMMON = (
    "source",
    "strategy",
    "output",
    "resources",
    "completionDeadlineSeconds",
    "nodeSelector",
    "mountTrustedCA",
)
"""What a Build takes over from its BuildConfig."""
_MANUALLY = [{"message": "Manually triggered"}]


async def instantiate(api: Api, target: Target, request: Request) -> Object:
    """A build of a BuildConfig. Raises NotFound, BadRequest, Conflict, Invalid."""
    asked = decode(await body(request), media_type(request), "BuildRequest")
    if not isinstance(asked, dict):
        raise BadRequest("the body is no BuildRequest")
    config = api.store.get(built_in("BuildConfig"), target.namespace, target.name)
    last = (config.get("status") or {}).get("lastVersion", 0)
    if asked.get("lastVersion") not in (None, last):
        raise Conflict(f"the LastVersion ({asked['lastVersion']}) of the build request is not {last}")
    if (config["spec"].get("source") or {}).get("binary") is not None:
        raise _invalid(target.name, "a build of binary input needs --from-dir, --from-file or --from-archive")
    for field in ("dockerStrategyOptions", "revision"):
        if asked.get(field):
            raise _invalid(target.name, f"{field} is not supported: the lab builds what the BuildConfig says")
    strategy = config["spec"]["strategy"].get("sourceStrategy")
    if asked.get("env") and strategy is None:
        raise _invalid(target.name, "env is supported with a sourceStrategy only")
    if strategy is not None:
        env = asked.get("env") or []
        if not isinstance(env, list):
            raise BadRequest("json: cannot unmarshal into Go struct field .env of type []v1.EnvVar")
        strategy["env"] = [*(strategy.get("env") or []), *env]
        incremental = part(asked, "sourceStrategyOptions").get("incremental")
        strategy |= {} if incremental is None else {"incremental": incremental}
    return _create(api, config, asked.get("triggeredBy") or _MANUALLY)


async def instantiate_binary(api: Api, target: Target, request: Request) -> Object:
    """A build with the files of the body: an archive, or one file. Raises NotFound, Invalid, TooLarge."""
    config = api.store.get(built_in("BuildConfig"), target.namespace, target.name)
    source = config["spec"]["source"]
    name = target.query.get("asFile", "")
    if "/" in name or name in (".", ".."):
        raise _invalid(target.name, f'asFile "{name}" may not contain slashes or be . or ..')
    source |= {"type": "Binary", "binary": {"asFile": name} if name else {}}
    source.pop("git", None)
    if config["spec"]["strategy"]["type"] == "Source" or not name:
        source.pop("dockerfile", None)
    partial = api.lab.paths.build_input(f"{os.urandom(8).hex()}{PARTIAL}")
    partial.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        await _receive(request, partial)
        return _create(api, config, _MANUALLY, partial)
    finally:
        partial.unlink(missing_ok=True)


REQUESTS: dict[str, Callable[[Api, Target, Request], Awaitable[Object]]] = {
    "instantiate": instantiate,
    "instantiatebinary": instantiate_binary,
}
"""The subresources of a BuildConfig that start a build."""


def is_upload(scope: Scope) -> bool:
    """Whether a request sends the files of a build, which are written to a file as they come."""
    return str(scope.get("path", "")).endswith("/instantiatebinary")


async def log(api: Api, view: View, target: Target) -> Response | Stream:
    """The log of a build's Pod; the request waits until there is one. Raises NotFound, BadRequest."""
    pods = built_in("Pod")
    name = pod_name(target.name)
    ends = time.monotonic() + _WAIT_SECONDS
    while api.store.find(pods, target.namespace, name) is None:
        phase = (record_of(api, view, target).object().get("status") or {}).get("phase")
        waits = phase in ("New", "Pending", "Running") and target.query.get("nowait") != "true"
        if not waits or time.monotonic() > ends:
            raise BadRequest(f'build {target.namespace}/{target.name} is in "{phase}" phase: no logs are available')
        await asyncio.sleep(0.05)
    return logs(api, View(pods, pods), Target(pods, target.namespace, name, "log", target.query, user=target.user))


def pod_name(build: str) -> str:
    """The name of a build's Pod."""
    return f"{build}-build"


def _create(api: Api, config: Object, causes: list[Any], files: Path | None = None) -> Object:
    """Store the build and its number. Raises BadRequest, AlreadyExists, Conflict."""
    meta, spec = config["metadata"], config["spec"]
    number = (config.get("status") or {}).get("lastVersion", 0) + 1
    name = f"{meta['name']}-{number}"
    build: Object = {
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": {
                **(meta.get("labels") or {}),
                "buildconfig": meta["name"],
                "openshift.io/build-config.name": meta["name"],
                "openshift.io/build.start-policy": spec["runPolicy"],
            },
            "annotations": {
                "openshift.io/build-config.name": meta["name"],
                "openshift.io/build.number": str(number),
            },
            "ownerReferences": [
                {
                    "apiVersion": "build.openshift.io/v1",
                    "controller": True,
                    "kind": "BuildConfig",
                    "name": meta["name"],
                    "uid": meta["uid"],
                }
            ],
        },
        "spec": {
            **{key: spec[key] for key in _COMMON if spec.get(key) is not None},
            "serviceAccount": spec.get("serviceAccount") or "builder",
            "triggeredBy": causes,
        },
        "status": {
            "phase": "New",
            "config": {"kind": "BuildConfig", "name": meta["name"], "namespace": meta["namespace"]},
            "conditions": [{"type": "New", "status": "True", "lastTransitionTime": now(), "lastUpdateTime": now()}],
        },
    }
    validation.check(built_in("Build"), build, "Ignore")
    stored = api.store.get(built_in("BuildConfig"), meta["namespace"], meta["name"])
    api.store.update(built_in("BuildConfig"), {**stored, "status": {"lastVersion": number}})
    if files is not None:
        # The controller reads the files as soon as the build is stored.
        kept = api.lab.paths.build_input(os.urandom(16).hex())
        files.rename(kept)
        build["metadata"]["annotations"][BUILD_INPUT] = kept.name
    return api.store.create(built_in("Build"), build)


async def _receive(request: Request, file: Path) -> None:
    """Write the body to a file. Raises TooLarge, BadRequest."""
    size = 0
    with file.open("wb") as out:
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size > INPUT_LIMIT:
                    raise TooLarge(f"Request entity too large: the files of a build have at most {INPUT_LIMIT} bytes")
                out.write(chunk)
        except ClientDisconnect as e:
            raise BadRequest("the client disconnected before its request was complete") from e


def _invalid(name: str, why: str) -> Invalid:
    return Invalid(f'BuildConfig.build.openshift.io "{name}" is invalid: {why}', details={"name": name})
