"""Whether a live object has what the kit wants of it, so that a second run writes nothing.

An object is as wanted when it was applied from the same text (the annotation APPLIED holds its digest) and each wanted
field still has its value. Fields that others have added do not matter. The digest alone would miss what somebody
changed; the fields alone would miss what a newer kit no longer names.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import orjson

from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import Object, annotations_of
from workshop.manifests.quantities import number, seconds

APPLIED = "mlops-workshop/applied"
"""The annotation with the digest of what was applied, without the values of Secrets."""


class Key(NamedTuple):
    """One object of a cluster. The namespace is empty for a kind without namespaces."""

    resource: ApiResource
    namespace: str
    name: str

    @property
    def described(self) -> str:
        """Kind, name and namespace, for messages."""
        return f"{self.resource.kind} {self.name}" + (f" in {self.namespace}" if self.namespace else "")


def stamped(obj: Object) -> Object:
    """The object with the annotation APPLIED."""
    known = {key: value for key, value in obj.items() if key not in ("data", "stringData") or obj["kind"] != "Secret"}
    digest = hashlib.sha256(orjson.dumps(known, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    meta = obj["metadata"]
    return {**obj, "metadata": {**meta, "annotations": {**(meta.get("annotations") or {}), APPLIED: digest}}}


def is_current(live: Object, wanted: Object) -> bool:
    """Whether the live object needs no write. `wanted` is stamped."""
    if annotations_of(live).get(APPLIED) != annotations_of(wanted)[APPLIED]:
        return False
    # Lists of objects do not name kind and version of their items.
    return all(_has(live.get(key), value) for key, value in wanted.items() if key not in ("apiVersion", "kind"))


def _has(live: Any, wanted: Any) -> bool:
    """Whether the value has all wanted fields. A list has as many items, each with what is wanted of it."""
    if live == wanted:
        return True
    if isinstance(wanted, dict):
        if not wanted and live is None:
            return True  # the server leaves out an empty map
        return isinstance(live, dict) and all(_has(live.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        if not wanted and live is None:
            return True
        same = isinstance(live, list) and len(live) == len(wanted)
        return same and all(_has(one, other) for one, other in zip(live, wanted, strict=True))
    return isinstance(live, str) and isinstance(wanted, str) and _same_value(live, wanted)


def _same_value(one: str, other: str) -> bool:
    """Whether two texts are the same quantity or duration: servers write `1` for `1000m` and `20m0s` for `20m`."""
    for read in (number, seconds):
        try:
            if read(one) == read(other):
                return True
        except ValueError:
            continue
    return False
