"""MLflow's registry over its REST API: versions, tags and aliases of one registered model.

MLflow's own client takes two to three seconds to import, which is too slow for a rollback. The calls are the public
API (mlflow.org/docs/latest/rest-api.html). MLFLOW_TRACKING_TOKEN is sent when it is set.

Aliases and not stages: MLflow deprecated stages, and an alias moves in one step, so promotion and rollback are the same
operation.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from delivery.card import CARD, MODEL
from delivery.errors import DeliveryError
from delivery.mlflowerrors import failure

CHALLENGER, CHAMPION = "challenger", "champion"
_MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""What MLflow answers for a model that is not registered, and for an alias that it does not have."""
_SERVER = "export MLFLOW_TRACKING_URI=http://127.0.0.1:5000"


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
        # What MLflow's own page downloads with. It reads any artifact store that the server can read.
        return _read(f"get-artifact?{urllib.parse.urlencode({'run_uuid': found['run_id'], 'path': name})}")

    def graph(self, version: str) -> bytes:
        """The model.onnx of a version. DeliveryError when there is none."""
        # As in `file`; a model that MLflow's client has logged is not among the files of its run.
        query = urllib.parse.urlencode({"name": self.model, "version": version, "path": MODEL})
        return _read(f"model-versions/get-artifact?{query}")

    def fetch(self, version: str, folder: Path) -> None:
        """Write a version's model.onnx and model.json to a folder. DeliveryError lists the versions that exist."""
        known = self.versions()
        if version not in known:
            raise DeliveryError(
                f"version {version!r} of {self.model} is not registered, allowed: {', '.join(known) or 'none yet'}",
                next="python -m delivery register",
            )
        files = {MODEL: self.graph(version), CARD: self.file(version, CARD)}
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)

    def versions(self) -> list[str]:
        """All versions, oldest first; none when the model is not registered."""
        found: list[str] = []
        page = ""
        while True:
            answer = _call("GET", "model-versions/search", filter=f"name='{self.model}'", page_token=page)
            found += [str(one["version"]) for one in answer.get("model_versions") or []]
            page = answer.get("next_page_token") or ""
            if not page:
                return sorted(found, key=int)

    def version_of(self, alias: str) -> str:
        """The version that has an alias, or nothing."""
        try:
            found = _call("GET", "registered-models/alias", name=self.model, alias=alias)
        except _RefusedError as error:
            if error.code not in _MISSING:
                raise
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
    """MLflow answered with an error; `code` is its error code, or nothing."""

    def __init__(self, failed: DeliveryError, code: str) -> None:
        super().__init__(failed.message, next=failed.next)
        self.code = code


def _call(method: str, path: str, **values: str) -> dict[str, Any]:
    target, body = f"api/2.0/mlflow/{path}", None
    if method == "GET":
        target += "?" + urllib.parse.urlencode({key: value for key, value in values.items() if value})
    else:
        body = json.dumps(values).encode()
    answer = _read(target, body, method)
    try:
        found: dict[str, Any] = json.loads(answer)
    except ValueError as error:
        raise failure(error, f"{path} is no JSON: {answer[:100].decode('utf-8', 'replace')}") from error
    return found


def _read(target: str, body: bytes | None = None, method: str = "GET") -> bytes:
    """The answer to a request. Raises DeliveryError with the reason and what comes next."""
    base = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not base:
        raise DeliveryError("there is no registry: MLFLOW_TRACKING_URI is not set", next=_SERVER)
    if not base.startswith(("http://", "https://")):
        raise DeliveryError(
            f"the registry needs a server: MLFLOW_TRACKING_URI is {base}, allowed: http:// and https://", next=_SERVER
        )
    try:
        with urllib.request.urlopen(_request(f"{base.rstrip('/')}/{target}", body, method), timeout=10) as response:  # noqa: S310
            return bytes(response.read())
    except urllib.error.HTTPError as error:
        answer = error.read(300).decode("utf-8", "replace")
        code = re.search(r'"error_code": ?"(\w+)"', answer)
        where = target.partition("?")[0]
        raise _RefusedError(failure(None, f"{error.code} from {where}: {answer}"), code[1] if code else "") from error
    except urllib.error.URLError as error:
        raise failure(error.reason if isinstance(error.reason, OSError) else error, str(error)) from error
    except (OSError, http.client.HTTPException) as error:
        raise failure(error, f"{type(error).__name__}: {error}") from error


def _request(url: str, body: bytes | None = None, method: str = "GET") -> urllib.request.Request:
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    return urllib.request.Request(url, body, headers, method=method)  # noqa: S310 the configured address
