"""The hub resolver: a Task, Pipeline or StepAction of Artifact Hub, or of another hub with the same API.

Sources: pkg/remoteresolution/resolver/hub and docs/hub-resolver.md of tektoncd/pipeline. Tekton Hub is shut down; its
type needs the address of another one, in the param `url` or in the ConfigMap.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson
import yaml

from workshop.lab.controllers.tekton.remote import versions, web
from workshop.lab.controllers.tekton.remote.base import InvalidParams, Request, Resolved, ResolverError, sha256
from workshop.lab.controllers.tekton.remote.versions import Version

ARTIFACT_HUB = "https://artifacthub.io"
KINDS = ("task", "pipeline", "stepaction")
_CATALOGS = {
    "task": "tekton-catalog-tasks",
    "pipeline": "tekton-catalog-pipelines",
    "stepaction": "tekton-catalog-stepactions",
}
_START = "failed to validate params: "
T = TypeVar("T")


class _NoVersion(ResolverError):
    """A hub has no version that fulfils the constraints. No other hub is asked."""


@dataclass(frozen=True)
class _Package:
    """A package of a hub. `of` is `Artifact Hub` or `Tekton Hub`."""

    of: str
    path: str
    """The path of its list of versions, below the address of a hub."""
    version: str

    @property
    def is_artifact(self) -> bool:
        return self.of == "Artifact Hub"


async def resolve(request: Request) -> Resolved:
    """The object of the params name, version, kind, catalog, type and url. Raises ResolverError."""
    package = _package(request)
    urls = _urls(request, package)
    try:
        fulfils = versions.constraints(package.version)
    except ValueError:
        return await _first(urls, "fetch resource", lambda url: _object(url, package, package.version))
    url, found = await _first(urls, "resolve version constraint", lambda url: _chosen(url, package, fulfils))
    return await _object(url, package, str(found))


def _package(request: Request) -> _Package:
    """What the params name. Raises InvalidParams."""
    params, config = request.params, request.config
    kind = params.get("kind") or config.get("default-kind", "task")
    hub = params.get("type") or config.get("default-type", "artifact")
    if kind not in KINDS:
        raise InvalidParams(f"{_START}kind param must be one of: {', '.join(KINDS)}")
    if hub not in ("artifact", "tekton"):
        raise InvalidParams(f"{_START}type param must be artifact or tekton")
    missing = [name for name in ("name", "version") if not params.get(name)]
    if missing:
        raise InvalidParams(f"{_START}missing required hub resolver params: {', '.join(missing)}")
    if hub == "artifact":
        default = config.get(f"default-artifact-hub-{kind}-catalog", _CATALOGS[kind])
        path = f"api/v1/packages/tekton-{kind}/{params.get('catalog') or default}/{params['name']}"
        return _Package("Artifact Hub", path, params["version"])
    catalog = params.get("catalog") or config.get("default-tekton-hub-catalog", "Tekton")
    return _Package("Tekton Hub", f"v1/resource/{catalog}/{kind}/{params['name']}", params["version"])


def _urls(request: Request, package: _Package) -> list[str]:
    """The addresses of the hubs to ask, in order. Raises InvalidParams."""
    if given := request.params.get("url"):
        return [_checked(given, f"{_START}invalid url param: ")]
    key = "artifact-hub-urls" if package.is_artifact else "tekton-hub-urls"
    try:
        listed: Any = yaml.safe_load(request.config.get(key, ""))
    except yaml.YAMLError:
        listed = None
    if isinstance(listed, list) and listed:
        return [_checked(str(one), f"ConfigMap hubresolver-config, key {key}: ") for one in listed]
    if package.is_artifact:
        return [ARTIFACT_HUB]
    raise InvalidParams(
        f"{_START}Tekton Hub is shut down; use type artifact, or give the address of another one in the param url or "
        f"in the key {key} of the ConfigMap hubresolver-config"
    )


def _checked(url: str, start: str) -> str:
    """A URL without a slash at its end. Raises InvalidParams."""
    found = url.strip().rstrip("/")
    parts = urlsplit(found)
    if not parts.scheme or not parts.netloc:
        raise InvalidParams(f"{start}url must be a valid absolute URL: {url}")
    if parts.scheme not in ("http", "https"):
        raise InvalidParams(f"{start}url must use http or https scheme: {url}")
    return found


async def _first(urls: list[str], what: str, ask: Callable[[str], Awaitable[T]]) -> T:
    """The answer of the first hub that has one. Raises ResolverError."""
    errors = []
    for url in urls:
        try:
            return await ask(url)
        except _NoVersion:
            raise
        except ResolverError as e:
            errors.append(str(e))
    if len(errors) == 1:
        raise ResolverError(errors[0])
    raise ResolverError(f"failed to {what} from any configured hub URL: " + "\n".join(errors))


async def _chosen(url: str, package: _Package, fulfils: Callable[[Version], bool]) -> tuple[str, Version]:
    """The address of a hub, and the newest version there that fulfils constraints. Raises ResolverError."""
    answer = await _answer(f"{url}/{package.path}", package)
    listed = answer.get("available_versions") if package.is_artifact else (answer.get("data") or {}).get("versions")
    found = []
    for one in listed or ():
        if not one.get("prerelease"):
            try:
                found.append(versions.version(str(one["version"])))
            except (ValueError, KeyError) as e:
                hub = "artifact" if package.is_artifact else "tekton"
                raise ResolverError(f"fail to parse version {hub} from {one.get('version')}: {e}") from e
    newest = versions.newest(filter(fulfils, found))
    if newest is None:
        raise _NoVersion(f"no version found for constraint {package.version}")
    return url, newest


async def _object(url: str, package: _Package, version: str) -> Resolved:
    """A version of a package. Raises ResolverError.

    Artifact Hub has versions of three numbers, Tekton Hub those of two.
    """
    if package.is_artifact:
        place = f"{url}/{package.path}/{version}{'.0' if version.count('.') == 1 else ''}"
    else:
        place = f"{url}/{package.path}/{'.'.join(version.split('.')[:2])}/yaml"
    data = (await _answer(place, package)).get("data") or {}
    text = str(data.get("manifestRaw" if package.is_artifact else "yaml") or "").encode()
    return Resolved(text, uri=place, digest=sha256(text))


async def _answer(url: str, package: _Package) -> Mapping[str, Any]:
    what = f"fail to fetch {package.of} resource"
    try:
        found = orjson.loads(await web.get(url, "requesting resource from Hub"))
    except web.NotFound as e:
        raise ResolverError(f"{what}: requested resource '{url}' not found on hub") from e
    except ResolverError as e:
        raise ResolverError(f"{what}: {e}") from e
    except ValueError as e:
        raise ResolverError(f"{what}: error unmarshalling json response: {e}") from e
    if not isinstance(found, dict):
        raise ResolverError(f"{what}: error unmarshalling json response: no object")
    return found
