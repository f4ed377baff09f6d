"""patch: change a few fields of an object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from workshop.cluster.client import PATCH, ApiFailure
from workshop.manifests.load import documents
from workshop.oc.asking import FILES, named
from workshop.oc.failures import Failed
from workshop.oc.flags import BadUsage, Flag
from workshop.oc.session import Session
from workshop.oc.verbs.apply import dry_run, report

FLAGS = {
    "patch": (
        *FILES,
        Flag("patch", "p"),
        Flag("patch-file"),
        Flag("type"),
        Flag("subresource"),
        Flag("output", "o"),
        Flag("dry-run", "", "optional", "client"),
        Flag("field-manager"),
    )
}


def patch(session: Session) -> int:
    """Patch each object that is named."""
    words = session.words
    how = words.text("type", "strategic")
    if how not in ("strategic", "merge", "json"):
        raise BadUsage(f'--type must be one of [json merge strategic], not "{how}"')
    change = _change(session)
    query = {"fieldManager": words.text("field-manager") or "kubectl-patch"}
    dry = dry_run(session)
    if dry == "server":
        query["dryRun"] = "All"
    for one in named(session, words.args):
        if not one.name:
            raise BadUsage("resource name is required: oc patch KIND NAME -p PATCH")
        before = session.client.http.request("GET", one.path)
        path = one.resource.path(one.namespace, one.name, words.text("subresource"))
        if dry == "client":
            report(session, one, before, "patched", dry)
            continue
        try:
            made = session.client.http.request("PATCH", path, query=query, body=change, media=PATCH[how])
        except ApiFailure as e:
            if e.code == 415:
                raise Failed(
                    f"{PATCH[how]} is not supported by {one.resource.api_version}, Kind={one.resource.kind}: "
                    f"{e.message}"
                ) from e
            raise
        same = made["metadata"].get("resourceVersion") == before["metadata"].get("resourceVersion")
        report(session, one, made, "patched (no change)" if same else "patched", dry)
    return 0


def _change(session: Session) -> Any:
    text = session.words.text("patch")
    if session.words.text("patch-file"):
        try:
            text = Path(session.words.text("patch-file")).read_text()
        except OSError as e:
            raise Failed(f"unable to read patch file: {e.strerror}") from e
    if not text:
        raise BadUsage("must specify --patch or --patch-file containing the contents of the patch")
    try:
        return json.loads(text)
    except ValueError:
        found = [value for value, _ in documents(text, "patch")]
        if len(found) != 1 or not isinstance(found[0], dict | list):
            raise BadUsage(f"unable to parse {text!r} as JSON or YAML") from None
        return found[0]
