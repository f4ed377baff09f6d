"""Parsing of a request: the path, the query, the body.

Kubernetes' paths are regular, so a function parses them. A table of routes would change with each CRD.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from workshop.errors import ManifestError
from workshop.lab.api import protobuf
from workshop.lab.api_errors import BadRequest, Invalid, TooLarge, UnsupportedMediaType
from workshop.lab.identity.users import User
from workshop.lab.kinds import Kind
from workshop.manifests.gojson import go_type, json_error
from workshop.manifests.load import DEEPEST, documents
from workshop.manifests.objects import Object

BODY_LIMIT = 3 * 1024 * 1024
"""Bytes; the limit of a real API server."""

JSON = "application/json"
YAML = ("application/yaml", "application/apply-patch+yaml")
PROTOBUF = "application/vnd.kubernetes.protobuf"


@dataclass(frozen=True)
class ApiPath:
    """The target of a path: a group version, then a resource, an object, a subresource."""

    group: str
    version: str
    namespace: str | None = None
    plural: str = ""
    name: str = ""
    subresource: str = ""


@dataclass(frozen=True)
class Target:
    """An ApiPath whose kind is known, with the rest of the request."""

    kind: Kind
    namespace: str
    name: str = ""
    subresource: str = ""
    query: dict[str, str] = field(default_factory=dict)
    agent: str = ""
    user: User = field(kw_only=True)

    @property
    def manager(self) -> str:
        """The field manager: `fieldManager`, else the first word of the User-Agent."""
        return self.query.get("fieldManager") or self.agent.partition("/")[0].partition(" ")[0] or "unknown"

    @property
    def dry_run(self) -> bool:
        """Whether the request must store nothing.

        Raises Invalid for an unknown value, which may have meant the same.
        """
        value = self.query.get("dryRun", "")
        if value not in ("", "All"):
            cause = f'Unsupported value: "{value}": supported values: "All"'
            raise Invalid(f'Options.meta.k8s.io "" is invalid: dryRun: {cause}')
        return value == "All"


def api_path(path: str) -> ApiPath | None:
    """A parsed path; None for paths outside of the API."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) >= 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) >= 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    if rest[:1] == ["namespaces"] and len(rest) >= 3 and not (group == "" and rest[2:] in (["status"], ["finalize"])):
        return ApiPath(group, version, rest[1], *rest[2:5]) if len(rest) <= 5 else None
    return ApiPath(group, version, None, *rest) if len(rest) <= 3 else None


def is_watch(query: Mapping[str, str]) -> bool:
    """Whether a list request is a watch."""
    # As apimachinery parses a bool: every value except these two is true. Python's generated clients send "True".
    value = query.get("watch")
    return value is not None and value.lower() not in ("false", "0")


def number(query: dict[str, str], name: str) -> int | None:
    """An integer of the query; None when the query does not have it. Raises BadRequest."""
    given = query.get(name) or ""
    try:
        return int(given) if given else None
    except ValueError:
        raise BadRequest(f'{name}: Invalid value: "{given}": must be a number') from None


def wants(request: Request, mark: str) -> bool:
    """Whether the Accept header contains `mark`, such as `as=Table`."""
    return mark in request.headers.get("accept", "")


async def body(request: Request) -> bytes:
    """The body. Raises TooLarge above BODY_LIMIT, before the rest of the body is read."""
    too_large = TooLarge(f"Request entity too large: limit is {BODY_LIMIT}")
    if int(request.headers.get("content-length") or 0) > BODY_LIMIT:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > BODY_LIMIT:
                raise too_large
            chunks.append(chunk)
    except ClientDisconnect as e:
        raise BadRequest("the client went away before its request was complete") from e
    return b"".join(chunks)


def media_type(request: Request) -> str:
    """The body's media type, without parameters."""
    return request.headers.get("content-type", JSON).partition(";")[0].strip().lower() or JSON


def decode(raw: bytes, media: str, kind: str) -> Any:
    """The value of a body. Raises BadRequest with the API server's text, UnsupportedMediaType."""
    if media in YAML:
        try:
            found = [value for value, _ in islice(documents(raw, "body"), 1)]
        except ManifestError as e:
            raise BadRequest(f"error decoding YAML: {e.message}") from e
        return check_depth(found[0]) if found else None
    if media == PROTOBUF:
        try:
            return protobuf.decode(raw, kind)
        except protobuf.ProtobufError as e:
            raise UnsupportedMediaType(f"the body of the request cannot be read: {e}") from e
    if media != JSON:
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json, application/yaml, application/vnd.kubernetes.protobuf"
        )
    try:
        return check_depth(orjson.loads(raw))
    except orjson.JSONDecodeError:
        raise BadRequest(
            f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; "
            f"json parse error: {json_error(raw)} ({_excerpt(raw)})"
        ) from None


def check_depth(value: Any) -> Any:
    """Return the value. Raises BadRequest if it is nested more than DEEPEST levels deep."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return value
    raise BadRequest(f"json: exceeded max depth: the value is more than {DEEPEST} levels deep")


class _Pairs(dict[str, Any]):
    """A JSON object, and which of its keys occur more than once."""

    again: list[str]


def duplicate_keys(raw: bytes) -> list[str]:
    """The paths of the fields that a JSON text sets more than once. The last value counts."""

    def collect(pairs: list[tuple[str, Any]]) -> _Pairs:
        made = _Pairs(pairs)
        made.again = [] if len(made) == len(pairs) else [k for k in made if sum(k == key for key, _ in pairs) > 1]
        return made

    def walk(value: Any, path: str) -> Iterator[str]:
        if isinstance(value, _Pairs):
            yield from (f"{path}.{key}" for key in value.again)
            for key, one in value.items():
                yield from walk(one, f"{path}.{key}")
        elif isinstance(value, list):
            for index, one in enumerate(value):
                yield from walk(one, f"{path}[{index}]")

    try:
        return [path[1:] for path in walk(json.loads(raw, object_pairs_hook=collect), "")]
    except ValueError:
        return []


def manifest(value: Any, kind: Kind) -> Object:
    """A body as an object of `kind`. Raises BadRequest if its kind is another."""
    if not isinstance(value, dict):
        raise BadRequest(
            f"the object provided is unrecognized (must be of type {kind.kind}): couldn't get version/kind; json "
            f"parse error: json: cannot unmarshal {go_type(value)} into Go value of type struct"
        )
    given = (value.setdefault("apiVersion", kind.api_version), value.setdefault("kind", kind.kind))
    if given != (kind.api_version, kind.kind):
        raise BadRequest(
            f"the object provided is unrecognized (must be of type {kind.kind}): the API version in the data "
            f"({given[0]}, Kind={given[1]}) does not match the expected API version "
            f"({kind.api_version}, Kind={kind.kind})"
        )
    meta = value.setdefault("metadata", {})
    if meta is None:
        meta = value["metadata"] = {}
    if not isinstance(meta, dict):
        raise BadRequest(
            f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: json: cannot '
            f"unmarshal {go_type(meta)} into Go struct field .metadata of type v1.ObjectMeta"
        )
    return value


def _excerpt(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    return text if len(text) <= 256 else text[:256] + "..."
