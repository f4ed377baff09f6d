"""CustomResourceDefinitions: kinds that a user adds while the lab runs.

Objects of such a kind are stored, listed, watched, validated against the CRD's schema and printed with its columns.
There is no conversion: all served versions share the stored objects.
"""

from __future__ import annotations

import json
from typing import Any

from workshop.lab.api.context import Api
from workshop.lab.api.discovery import SHOWN
from workshop.lab.api_errors import Invalid
from workshop.lab.kinds import Column, Kind, built_in
from workshop.lab.store import now
from workshop.manifests.objects import Object
from workshop.manifests.patterns import PatternError, compiled


def check(crd: Object) -> None:
    """Raise Invalid unless the definition can be served."""
    spec = crd.get("spec")
    names = spec.get("names") if isinstance(spec, dict) else None
    wrong = ""
    if not isinstance(spec, dict) or not isinstance(names, dict):
        wrong = "spec.names: Required value"
    elif not spec.get("group") or not names.get("plural") or not names.get("kind"):
        wrong = "spec.group, spec.names.plural, spec.names.kind: Required value"
    elif crd["metadata"].get("name") != f"{names['plural']}.{spec['group']}":
        wrong = (
            f'metadata.name: Invalid value: "{crd["metadata"].get("name")}": must be spec.names.plural+"."+spec.group'
        )
    elif not [v for v in spec.get("versions") or [] if isinstance(v, dict) and v.get("name") and v.get("served")]:
        wrong = "spec.versions: Invalid value: must have exactly one version marked as storage version"
    if not wrong:
        wrong = _bad_pattern(spec) or _other_scale(spec)
    if wrong:
        name = crd["metadata"].get("name", "")
        raise Invalid(
            f'CustomResourceDefinition.apiextensions.k8s.io "{name}" is invalid: {wrong}',
            details={"name": name, "group": "apiextensions.k8s.io", "kind": "CustomResourceDefinition"},
        )


def _bad_pattern(value: Any) -> str:
    """The error of the first invalid regular expression in a schema; empty when all are valid."""
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if key == "pattern" and isinstance(one, str):
            try:
                compiled(one)
            except PatternError as e:
                return (
                    f"spec.versions: pattern: Invalid value: {json.dumps(one)}: must be a valid regular expression: {e}"
                )
        if found := _bad_pattern(one):
            return found
    return ""


def _other_scale(spec: Any) -> str:
    """The error of a scale subresource whose specReplicasPath is not `.spec.replicas`; empty when there is none."""
    for version in spec.get("versions") or []:
        scale = (version.get("subresources") or {}).get("scale") or {}
        path = scale.get("specReplicasPath", ".spec.replicas")
        if path != ".spec.replicas":
            error = f'Unsupported value: {json.dumps(path)}: supported values: ".spec.replicas"'
            return f"spec.versions.subresources.scale.specReplicasPath: {error}"
    return ""


def kinds_of(crd: Object) -> list[Kind]:
    """The kinds that a definition adds: one for each served version."""
    spec = crd["spec"]
    names = spec["names"]
    found: list[Kind] = []
    for version in spec.get("versions") or []:
        if version.get("served"):
            schema = (version.get("schema") or {}).get("openAPIV3Schema")
            found.append(
                Kind(
                    spec["group"],
                    version["name"],
                    names["kind"],
                    names["plural"],
                    namespaced=spec.get("scope") != "Cluster",
                    short_names=tuple(names.get("shortNames") or ()),
                    subresources=tuple(sorted(version.get("subresources") or ())),
                    categories=tuple(names.get("categories") or ()),
                    columns=tuple(_column(c) for c in version.get("additionalPrinterColumns") or ()),
                    singular=names.get("singular") or names["kind"].lower(),
                    schema=schema if isinstance(schema, dict) else {"type": "object"},
                )
            )
    return found


def serve(api: Api, crd: Object) -> Object:
    """Serve the definition's kinds from now on. Returns the definition with the status that clients wait for."""
    for kind in kinds_of(crd):
        if not _built_in(api, kind):
            api.kinds.add(kind)
    time = now()
    names = crd["spec"]["names"]
    crd["status"] = {
        "acceptedNames": names,
        "storedVersions": [v["name"] for v in crd["spec"].get("versions") or [] if v.get("storage")],
        "conditions": [
            {
                "type": "NamesAccepted",
                "status": "True",
                "reason": "NoConflicts",
                "message": "no conflicts found",
                "lastTransitionTime": time,
            },
            {
                "type": "Established",
                "status": "True",
                "reason": "InitialNamesAccepted",
                "message": "the initial names have been accepted",
                "lastTransitionTime": time,
            },
        ],
    }
    return api.store.update_status(built_in("CustomResourceDefinition"), crd).object()


def stop_serving(api: Api, crd: Object) -> None:
    """Stop serving the definition's kinds, and delete their objects."""
    for kind in kinds_of(crd):
        known = api.kinds.at(kind.group, kind.version, kind.plural)
        if known is None or _built_in(api, kind):
            continue
        for record in list(api.store.records(known)):
            api.store.delete(known, record.namespace, record.name)
        api.kinds.remove(known)


def restore(api: Api) -> None:
    """Serve the kinds of definitions in the store, and load their objects."""
    definitions = api.store.objects(built_in("CustomResourceDefinition"))
    for crd in definitions:
        for kind in kinds_of(crd):
            if not _built_in(api, kind):
                api.kinds.add(kind)
    if definitions:
        api.store.load()


def _built_in(api: Api, kind: Kind) -> bool:
    path = (kind.group, kind.version, kind.plural)
    known = api.kinds.at(*path)
    return (known is not None and known.schema is None) or path in [(k.group, k.version, k.plural) for k in SHOWN]


def _column(column: dict[str, Any]) -> Column:
    return Column(
        str(column["name"]), str(column["jsonPath"]), str(column.get("type", "string")), int(column.get("priority", 0))
    )
