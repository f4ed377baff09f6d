"""apply: make the server's objects what the files say. kustomize: print what a folder builds.

A three-way merge as kubectl's: what the files say, what they said last time (an annotation) and what is there. The
patch is a merge patch for every kind, so lists are replaced as a whole where kubectl would merge a core kind's list
item by item; use --server-side where others write into the same list.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from workshop.cluster.client import PATCH, ApiFailure
from workshop.manifests.jsonpath import go_json
from workshop.manifests.load import Manifest
from workshop.manifests.patches import three_way
from workshop.oc.asking import FILES, Named, manifests, of_manifest
from workshop.oc.failures import Failed, Quiet, told
from workshop.oc.flags import BadUsage, Flag
from workshop.oc.printing import as_yaml, show
from workshop.oc.session import MANAGER, Session

LAST = "kubectl.kubernetes.io/last-applied-configuration"
FLAGS = {
    "apply": (
        *FILES,
        Flag("server-side", "", "yes"),
        Flag("force-conflicts", "", "yes"),
        Flag("field-manager"),
        Flag("dry-run", "", "optional", "client"),
        Flag("output", "o"),
        Flag("validate", "", "optional", "strict"),
    ),
    "kustomize": (),
}
Object = dict[str, Any]


def apply(session: Session) -> int:
    """Create, change or leave each object; goes on after an error and then exits with 1."""
    errors: list[str] = []
    if session.words.args:
        raise BadUsage(f"Unexpected args: {session.words.args}")
    for item in manifests(session):
        where = of_manifest(session, item)
        try:
            if session.words.yes("server-side"):
                _server_side(session, item, where)
            else:
                _client_side(session, item, where)
        except ApiFailure as e:
            errors.append(_why(session, item, e))
    session.out.flush()
    for text in errors:
        single = len(errors) == 1 and text.startswith("Apply failed")
        session.warn(f"error: {text}" if single else text)
    if errors:
        raise Quiet
    return 0


def kustomize(session: Session) -> int:
    """Print what the folder builds."""
    from workshop.oc.kustomize.build import build

    folder = session.words.args[0] if session.words.args else "."
    session.say("\n---\n".join(as_yaml(obj) for obj in build(folder)))
    return 0


def _client_side(session: Session, item: Manifest, where: Named) -> None:
    wanted = _located(item.object, where)
    if not where.name:
        raise Failed(
            f"error when applying {item.where}: resource name may not be empty: use 'oc create' for objects "
            "with generateName"
        )
    dry = dry_run(session)
    query = {
        "fieldManager": session.words.text("field-manager") or "kubectl-client-side-apply",
        "fieldValidation": validation(session),
        **({"dryRun": "All"} if dry == "server" else {}),
    }
    try:
        there: Object = session.client.http.request("GET", where.path)
    except ApiFailure as e:
        if e.code != 404:
            raise
        made = _annotated(wanted)
        if dry != "client":
            made = session.client.http.request("POST", where.resource.path(where.namespace), query=query, body=made)
        report(session, where, made, "created", dry)
        return
    annotations = there["metadata"].get("annotations") or {}
    if LAST not in annotations:
        session.warn(
            f"Warning: resource {where.resource.plural}/{where.name} is missing the {LAST} annotation which "
            "is required by oc apply. oc apply should only be used on resources created declaratively by "
            "either oc create --save-config or oc apply. The missing annotation will be patched "
            "automatically."
        )
    try:
        original = json.loads(annotations.get(LAST) or "{}")
    except ValueError:
        original = {}
    change = three_way(original, _annotated(wanted), there)
    if not change:
        report(session, where, there, "unchanged", dry)
        return
    made = there
    if dry != "client":
        made = session.client.http.request("PATCH", where.path, query=query, body=change, media=PATCH["merge"])
    report(session, where, made, "configured", dry)


def _server_side(session: Session, item: Manifest, where: Named) -> None:
    dry = dry_run(session)
    if dry == "client":
        raise BadUsage("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)")
    query = {
        "fieldManager": session.words.text("field-manager") or MANAGER,
        "fieldValidation": validation(session),
        "force": str(session.words.yes("force-conflicts")).lower(),
    }
    if dry == "server":
        query["dryRun"] = "All"
    body = json.dumps(_located(item.object, where)).encode()
    made = session.client.http.request("PATCH", where.path, query=query, body=body, media=PATCH["apply"])
    report(session, where, made, "serverside-applied", dry)


def dry_run(session: Session) -> str:
    """none, client or server. Raises BadUsage."""
    value = session.words.text("dry-run", "none")
    if value not in ("none", "client", "server"):
        raise BadUsage(f'Invalid dry-run value ({value}). Must be "none", "server", or "client".')
    return value


def validation(session: Session) -> str:
    """The fieldValidation of --validate. Raises BadUsage."""
    values = {"strict": "Strict", "true": "Strict", "warn": "Warn", "ignore": "Ignore", "false": "Ignore"}
    value = session.words.text("validate", "strict")
    if value not in values:
        raise BadUsage(f'invalid - validate option "{value}", allowed are {", ".join(values)}')
    return values[value]


def report(session: Session, where: Named, obj: Object, done: str, dry: str = "none") -> None:
    """Say what was done to an object, or print it in the format of -o."""
    how = session.words.text("output")
    named = Named(where.resource, obj["metadata"].get("name") or where.name, where.namespace)
    if how == "name":
        session.say(named.shown)
    elif how:
        session.say(show(obj, how))
    else:
        session.say(f"{named.shown} {done}" + {"server": " (server dry run)", "client": " (dry run)"}.get(dry, ""))


def _located(obj: Object, where: Named) -> Object:
    wanted = copy.deepcopy(obj)
    if where.namespace:
        wanted.setdefault("metadata", {})["namespace"] = where.namespace
    return wanted


def _annotated(obj: Object) -> Object:
    """The object with the annotation that remembers what the file said."""
    plain = copy.deepcopy(obj)
    annotations = plain["metadata"].get("annotations") or {}
    annotations.pop(LAST, None)
    plain["metadata"]["annotations"] = annotations
    said = go_json(plain) + "\n"
    return {**plain, "metadata": {**plain["metadata"], "annotations": {**annotations, LAST: said}}}


_CONFLICT = """
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts"""


def _why(session: Session, item: Manifest, error: ApiFailure) -> str:
    if session.words.yes("server-side"):
        return error.message + _CONFLICT if error.code == 409 else told(error)
    source = "STDIN" if item.source == "-" else item.source
    return told(error, f'error when applying "{source}"' if error.code == 409 else f'error when creating "{source}"')
