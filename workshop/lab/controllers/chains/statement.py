"""The in-toto Statement of a finished PipelineRun, as Tekton Chains makes it in the format slsa/v2alpha4.

The type hints are results of the run, by their names: `*IMAGE_URL` with `*IMAGE_DIGEST` is a subject,
`CHAINS-GIT_COMMIT` with `CHAINS-GIT_URL` and each object `*ARTIFACT_INPUTS` a dependency. The other results are
byproducts (tektoncd/chains, docs/slsa-provenance.md and pkg/chains/formats/slsa).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from delivery.provenance import PREDICATE_TYPE, STATEMENT_TYPE

from workshop.manifests.objects import Object, status_of

BUILD_TYPE = "https://tekton.dev/chains/v2/slsa"
BUILDER = "https://tekton.dev/chains/v2"
"""Chains' default for `builder.id`."""
URL, DIGEST, INPUTS = "IMAGE_URL", "IMAGE_DIGEST", "ARTIFACT_INPUTS"
COMMIT, REPOSITORY = "CHAINS-GIT_COMMIT", "CHAINS-GIT_URL"
_INPUT = "inputs/result"


def statement(run: Object) -> dict[str, Any] | None:
    """The statement; None for a run that has built no image."""
    meta, status = run["metadata"], status_of(run)
    results = {str(one["name"]): one.get("value") for one in status.get("results") or []}
    subjects = _subjects(results)
    if not subjects:
        return None
    definition = {
        "buildType": BUILD_TYPE,
        "externalParameters": {"runSpec": run["spec"]},
        "internalParameters": {},
        "resolvedDependencies": _dependencies(results),
    }
    details = {
        "builder": {"id": BUILDER},
        "metadata": {
            "invocationId": meta["uid"],
            "startedOn": status.get("startTime"),
            "finishedOn": status.get("completionTime"),
        },
        "byproducts": [
            {
                "name": f"pipelineRunResults/{meta['name']}/{name}",
                "content": base64.b64encode(json.dumps(value).encode()).decode(),
                "mediaType": "application/json",
            }
            for name, value in results.items()
            if not name.endswith((URL, DIGEST))
        ],
    }
    return {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": PREDICATE_TYPE,
        "predicate": {"buildDefinition": definition, "runDetails": details},
    }


def _subjects(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Images by their repository, without a tag."""
    found = []
    for name, url in results.items():
        digest = str(results.get(name.removesuffix(URL) + DIGEST) or "")
        if name.endswith(URL) and url and digest.startswith("sha256:"):
            head, slash, last = str(url).partition("@")[0].strip().rpartition("/")
            repository = f"{head}{slash}{last.partition(':')[0]}"
            found.append({"name": repository, "digest": {"sha256": digest.removeprefix("sha256:")}})
    return found


def _dependencies(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, value in results.items():
        if name.endswith(INPUTS) and isinstance(value, dict) and value.get("uri"):
            kind, colon, digits = str(value.get("digest") or "").partition(":")
            if colon:
                found.append({"name": _INPUT, "uri": value["uri"], "digest": {kind: digits}})
    commit, url = results.get(COMMIT), results.get(REPOSITORY)
    if commit and url:
        found.append({"name": _INPUT, "uri": _git(str(url)), "digest": {"sha1": commit}})
    return found


def _git(url: str) -> str:
    """The address in the form of SPDX."""
    return ("" if url.startswith("git+") else "git+") + url + ("" if url.endswith(".git") else ".git")
