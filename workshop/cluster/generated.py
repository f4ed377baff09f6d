"""Random values of Secrets: made once, kept in the cluster, never printed.

A Secret of a participant's kustomization names in the annotation GENERATED the keys that get a random value. A value
that is there already is kept, so nobody's password changes when the cohort is provisioned again.
"""

from __future__ import annotations

import base64
import secrets

from workshop.manifests.objects import Object, annotations_of

GENERATED = "mlops-workshop/generated"
"""The annotation: names of keys, separated by commas."""


def generated_keys(obj: Object) -> list[str]:
    """The keys of a Secret whose values are random; empty for all other objects."""
    if obj.get("kind") != "Secret":
        return []
    return [key.strip() for key in annotations_of(obj).get(GENERATED, "").split(",") if key.strip()]


def filled(obj: Object, live: Object | None) -> Object:
    """The object with a value for each generated key: the live one, else 160 random bits in hexadecimal digits."""
    keys = generated_keys(obj)
    if not keys:
        return obj
    known = (live or {}).get("data") or {}
    values = {key: known.get(key) or base64.b64encode(secrets.token_hex(20).encode()).decode() for key in keys}
    return {**obj, "data": {**(obj.get("data") or {}), **values}}
