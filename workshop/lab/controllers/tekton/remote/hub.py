"""The hub resolver: a Task, Pipeline or StepAction of Artifact Hub, or of another hub with the same API.

Source: pkg/resolution/resolver/hub/resolver.go of tektoncd/pipeline. Tekton Hub is shut down; its type needs the
address of another one in the key `tekton-hub-api` of the ConfigMap. Version constraints are not supported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from workshop.lab.controllers.tekton.remote import web
from workshop.lab.controllers.tekton.remote.base import InvalidParams, Request, Resolved, ResolverError, sha256

ARTIFACT_HUB = "https://artifacthub.io"
KINDS = ("task", "pipeline", "stepaction")
_CATALOGS = {
    "task": "tekton-catalog-tasks",
    "pipeline": "tekton-catalog-pipelines",
    "stepaction": "tekton-catalog-stepactions",
}
_VERSION = re.compile(r"v?\d+(\.\d+)*([-+][0-9A-Za-z.+-]+)?")


async def resolve(request: Request) -> Resolved:
    """The object of the params name, version, kind, catalog and type. Raises ResolverError."""
    params, config = request.params, request.config
    start = "failed to validate params: "
    kind = params.get("kind") or config.get("default-kind", "task")
    hub = params.get("type") or config.get("default-type", "artifact")
    if kind not in KINDS:
        raise InvalidParams(f"{start}kind param must be one of: {', '.join(KINDS)}")
    if hub not in ("artifact", "tekton"):
        raise InvalidParams(f"{start}type param must be artifact or tekton")
    missing = [name for name in ("name", "version") if not params.get(name)]
    if missing:
        raise InvalidParams(f"{start}missing required hub resolver params: {', '.join(missing)}")
    if not _VERSION.fullmatch(params["version"]):
        raise InvalidParams(f'{start}version "{params["version"]}": the lab supports no version constraints')
    if hub == "artifact":
        return await _artifact_hub(params, config, kind)
    return await _tekton_hub(params, config, kind)


async def _artifact_hub(params: Mapping[str, str], config: Mapping[str, str], kind: str) -> Resolved:
    key = f"default-artifact-hub-{kind}-catalog"
    catalog = params.get("catalog") or config.get(key, _CATALOGS[kind])
    version = params["version"]
    version += ".0" if version.count(".") == 1 else ""
    address = config.get("artifact-hub-api", ARTIFACT_HUB).rstrip("/")
    url = f"{address}/api/v1/packages/tekton-{kind}/{catalog}/{params['name']}/{version}"
    return await _fetched(url, "fail to fetch Artifact Hub resource", "manifestRaw")


async def _tekton_hub(params: Mapping[str, str], config: Mapping[str, str], kind: str) -> Resolved:
    address = config.get("tekton-hub-api", "").rstrip("/")
    if not address:
        raise InvalidParams(
            "failed to validate params: Tekton Hub is shut down; use type artifact, or set tekton-hub-api in the "
            "ConfigMap hubresolver-config"
        )
    catalog = params.get("catalog") or config.get("default-tekton-hub-catalog", "Tekton")
    version = ".".join(params["version"].split(".")[:2])
    url = f"{address}/v1/resource/{catalog}/{kind}/{params['name']}/{version}/yaml"
    return await _fetched(url, "fail to fetch Tekton Hub resource", "yaml")


async def _fetched(url: str, what: str, field: str) -> Resolved:
    try:
        answer = orjson.loads(await web.get(url, "requesting resource from Hub"))
        text = answer["data"][field]
    except web.NotFound as e:
        raise ResolverError(f"{what}: requested resource '{url}' not found on hub") from e
    except ResolverError as e:
        raise ResolverError(f"{what}: {e}") from e
    except (ValueError, KeyError, TypeError) as e:
        raise ResolverError(f"{what}: error unmarshalling json response: {e}") from e
    data = str(text).encode()
    return Resolved(data, uri=url, digest=sha256(data))
