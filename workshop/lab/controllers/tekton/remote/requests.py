"""ResolutionRequests of runs: made once for each reference, and read when their resolver is done."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workshop.lab.controllers.owners import owner_reference
from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.objects import Object, condition, status_of, truth
from workshop.manifests.tekton import Param

TYPE = "resolution.tekton.dev/type"
"""The label with the name of the resolver."""
_OFFSET, _PRIME = 0x6C62272E07BB014262B821756295C58D, 0x1000000000000000000013B
_LONGEST = 63


class Waiting(Exception):
    """A resolver has not returned yet. `what` is what the run waits for: a resource or a StepAction."""

    def __init__(self, what: str = "resource") -> None:
        super().__init__(what)
        self.what = what


class ResolutionFailed(Exception):
    """A resolver has failed; the text is the message of its request."""


@dataclass(frozen=True)
class Fetched:
    """What a resolver returned: the text of a manifest, and its source."""

    text: bytes
    source: dict[str, Any] | None


def fetched(store: Store, owner: Object, base: str, resolver: str, params: Sequence[Param]) -> Fetched:
    """What a resolver returned for a run. `base` is the name of the run that the object is for.

    Raises Waiting until the resolver is done, and ResolutionFailed.
    """
    kind, namespace = built_in("ResolutionRequest"), owner["metadata"]["namespace"]
    name = request_name(resolver, f"{namespace}/{base}", params)
    request = store.find(kind, namespace, name)
    if request is None:
        meta = {"name": name, "namespace": namespace, "labels": {TYPE: resolver}}
        given = [{"name": one.name, "value": one.value} for one in params]
        made: Object = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {**meta, "ownerReferences": [owner_reference(owner)]},
            "spec": {"params": given} if given else {},
        }
        store.create(kind, made)
        raise Waiting
    if truth(request) == "Unknown" or not condition(request):
        raise Waiting
    if truth(request) == "False":
        raise ResolutionFailed(str(condition(request).get("message", "")))
    status = status_of(request)
    try:
        return Fetched(base64.b64decode(status.get("data") or "", validate=True), status.get("refSource"))
    except binascii.Error as e:
        text = f"error accessing data from remote resource: error decoding data from base64: {e}"
        raise ResolutionFailed(text) from e


def request_name(resolver: str, base: str, params: Sequence[Param]) -> str:
    """The name of a request, the same for the same reference of a run.

    Source: GenerateDeterministicNameFromSpec in pkg/resolution/resource/name.go of tektoncd/pipeline.
    """
    text = base
    for param in sorted(params, key=lambda one: one.name):
        value = param.value
        text += param.name + (value if isinstance(value, str) else json.dumps(value, separators=(",", ":")))
    found = f"{_fnv128a(text.encode()):032x}"
    return f"{resolver[: _LONGEST - len(found) - 1]}-{found}"


def _fnv128a(data: bytes) -> int:
    """The 128-bit FNV-1a hash."""
    found = _OFFSET
    for byte in data:
        found = ((found ^ byte) * _PRIME) & ((1 << 128) - 1)
    return found
