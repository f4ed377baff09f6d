"""MLflow's registry over its REST API: versions, tags and aliases of one registered model.

MLflow's own client takes two to three seconds to import, which is too slow for a rollback. The calls are the public
API (mlflow.org/docs/latest/rest-api.html). MLFLOW_TRACKING_TOKEN is sent when it is set.

Aliases and not stages: MLflow deprecated stages, and an alias moves in one step, so promotion and rollback are the same
operation.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from typing import Any

from delivery.errors import DeliveryError

CHALLENGER, CHAMPION = "challenger", "champion"


class Registry:
    """The versions of one registered model. Each method raises DeliveryError when MLflow does not answer."""

    def __init__(self, model: str) -> None:
        self.model = model

    def tags(self, version: str) -> dict[str, str]:
        """A version's tags: git_commit, data_version, candidate; DeliveryError when there is no such version."""
        found = _call("GET", "model-versions/get", name=self.model, version=version)["model_version"]
        return {tag["key"]: tag["value"] for tag in found.get("tags") or []}

    def file(self, version: str, name: str) -> bytes:
        """A file that the run of a version has logged. DeliveryError when there is none."""
        found = _call("GET", "model-versions/get", name=self.model, version=version)["model_version"]
        base = os.environ["MLFLOW_TRACKING_URI"].rstrip("/")
        # What MLflow's own page downloads with. It reads any artifact store that the server can read.
        query = urllib.parse.urlencode({"run_uuid": found["run_id"], "path": name})
        try:
            with urllib.request.urlopen(_request(f"{base}/get-artifact?{query}"), timeout=10) as response:  # noqa: S310
                return bytes(response.read())
        except OSError as error:
            raise DeliveryError(f"MLflow at {base} has no {name} of version {version}: {error}") from error

    def version_of(self, alias: str) -> str:
        """The version that has an alias, or nothing."""
        try:
            found = _call("GET", "registered-models/alias", name=self.model, alias=alias)
        except _RefusedError:
            return ""
        return str(found["model_version"]["version"])

    def set_champion(self, version: str, digest: str, why: str) -> str:
        """Make a version the champion; tag it and the one before with when and why. The version before, or nothing."""
        before, now = self.version_of(CHAMPION), datetime.now(UTC).isoformat(timespec="seconds")
        if before and before != version:
            self._tag(before, demoted_at=now, demoted_because=why)
        self._tag(version, promoted_at=now, promoted_because=why, image_digest=digest)
        _call("POST", "registered-models/alias", name=self.model, alias=CHAMPION, version=version)
        return before if before != version else ""

    def refuse(self, version: str, why: str) -> None:
        """Take the alias challenger from a version that production did not keep, and tag it with why."""
        self._tag(version, rolled_back_at=datetime.now(UTC).isoformat(timespec="seconds"), rolled_back_because=why)
        if self.version_of(CHALLENGER) == version:
            _call("DELETE", "registered-models/alias", name=self.model, alias=CHALLENGER)

    def _tag(self, version: str, **values: str) -> None:
        for key, value in values.items():
            _call("POST", "model-versions/set-tag", name=self.model, version=version, key=key, value=value[:5000])


class _RefusedError(DeliveryError):
    """The registry answered with an error status."""


def _call(method: str, path: str, **values: str) -> dict[str, Any]:
    base = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not base:
        raise DeliveryError("there is no registry: MLFLOW_TRACKING_URI is not set")
    url, body = f"{base.rstrip('/')}/api/2.0/mlflow/{path}", None
    if method == "GET":
        url += "?" + urllib.parse.urlencode(values)
    else:
        body = json.dumps(values).encode()
    try:
        with urllib.request.urlopen(_request(url, body, method), timeout=10) as response:  # noqa: S310
            found: dict[str, Any] = json.load(response)
            return found
    except urllib.error.HTTPError as error:
        answer = error.read(300).decode("utf-8", "replace")
        raise _RefusedError(f"MLflow at {base} refused {path} {values}: {error.code} {answer}") from error
    except (OSError, ValueError) as error:
        raise DeliveryError(f"MLflow at {base} does not answer: {error}") from error


def _request(url: str, body: bytes | None = None, method: str = "GET") -> urllib.request.Request:
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    return urllib.request.Request(url, body, headers, method=method)  # noqa: S310 the configured address
