"""MLflow's registry over its REST API: versions, tags and aliases.

MLflow's own client takes two to three seconds to import, and a rollback has no time for that. The calls are the public
API (mlflow.org/docs/latest/rest-api.html). MLFLOW_TRACKING_TOKEN goes along when it is set.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from typing import Any

from flights.card import NAME
from flights.champion import CHALLENGER, CHAMPION
from flights.errors import FlightsError


def tags(version: str) -> dict[str, str]:
    """A version's tags: git_commit, data_version, candidate; FlightsError when there is no such version."""
    found = _call("GET", "model-versions/get", name=NAME, version=version)["model_version"]
    return {tag["key"]: tag["value"] for tag in found.get("tags") or []}


def holder(alias: str) -> str:
    """The version that has an alias, or nothing."""
    try:
        found = _call("GET", "registered-models/alias", name=NAME, alias=alias)
    except _RefusedError:
        return ""
    return str(found["model_version"]["version"])


def crown(version: str, digest: str, why: str) -> str:
    """Make a version the champion and tag it and the one before with when and why; the version before, or nothing."""
    before, now = holder(CHAMPION), datetime.now(UTC).isoformat(timespec="seconds")
    if before and before != version:
        _tag(before, dethroned_at=now, dethroned_because=why)
    _tag(version, promoted_at=now, promoted_because=why, image_digest=digest)
    _call("POST", "registered-models/alias", name=NAME, alias=CHAMPION, version=version)
    return before if before != version else ""


def refuse(version: str, why: str) -> None:
    """Take the alias challenger from a version that production did not keep, and tag it with why."""
    _tag(version, rolled_back_at=datetime.now(UTC).isoformat(timespec="seconds"), rolled_back_because=why)
    if holder(CHALLENGER) == version:
        _call("DELETE", "registered-models/alias", name=NAME, alias=CHALLENGER)


class _RefusedError(FlightsError):
    """The registry answered, and not with what was asked for."""


def _tag(version: str, **values: str) -> None:
    for key, value in values.items():
        _call("POST", "model-versions/set-tag", name=NAME, version=version, key=key, value=value[:5000])


def _call(method: str, path: str, **values: str) -> dict[str, Any]:
    base = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not base:
        raise FlightsError("there is no registry: MLFLOW_TRACKING_URI is not set, next: workshop shell sets it")
    url, body = f"{base.rstrip('/')}/api/2.0/mlflow/{path}", None
    if method == "GET":
        url += "?" + urllib.parse.urlencode(values)
    else:
        body = json.dumps(values).encode()
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    try:
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 the configured address
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        told = error.read(300).decode("utf-8", "replace")
        raise _RefusedError(f"MLflow at {base} refused {path} {values}: {error.code} {told}") from error
    except (OSError, ValueError) as error:
        raise FlightsError(f"MLflow at {base} does not answer: {error}, next: workshop status") from error
