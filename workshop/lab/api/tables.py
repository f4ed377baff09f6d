"""Tables: the output of `oc get`, computed by the server as in Kubernetes.

Custom kinds have the columns of their CRD (`Kind.columns`). Core kinds have the columns of kubectl, with one function
for each kind here. Any other kind shows name and age.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from workshop.lab.api.partial import reader
from workshop.lab.api.podtable import POD_COLUMNS, pod_cells
from workshop.lab.api.views import View
from workshop.lab.kinds import Column, Kind
from workshop.lab.records import Record
from workshop.manifests.ages import age
from workshop.manifests.jsonpath import compile_path, text
from workshop.manifests.objects import Object, annotations_of, status_of

Cells = Callable[[Object, datetime], list[Any]]
MEDIA_TYPE = "application/json"
_NAME = {
    "name": "Name",
    "type": "string",
    "format": "name",
    "description": "The name, unique in its namespace.",
    "priority": 0,
}


def table(
    kind: Kind, objects: Iterable[Object], meta: dict[str, Any], *, include: str = "Metadata", definitions: bool = True
) -> dict[str, Any]:
    """Objects as a `meta.k8s.io/v1` Table; `include` sets how much of each object a row contains."""
    now = datetime.now(UTC)
    columns, cells = _of(kind)
    named = all(column.name != "Name" for column in columns)  # an Event's name is long and comes last
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta,
        "columnDefinitions": [*[_NAME][:named], *map(_definition, columns)] if definitions else None,
        "rows": [
            {
                "cells": [*[obj["metadata"]["name"]][:named], *cells(obj, now)],
                "object": _included(obj, include),
            }
            for obj in objects
        ],
    }


def objects(view: View, records: Iterable[Record], include: str) -> Iterable[Object]:
    """The objects of `records`, each with the parts that `table` reads."""
    if include == "Object" or view.differs or not view.kind.columns or view.kind.resource in _CORE:
        return map(view.object, records)
    read = reader(tuple(column.path for column in view.kind.columns))
    return (read(record.body) for record in records)


def _included(obj: Object, include: str) -> Any:
    if include == "None":
        return None
    if include == "Object":
        return obj
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _definition(column: Column) -> dict[str, Any]:
    about = column.path or f"The {column.name.lower()} of the object."
    return {"name": column.name, "type": column.type, "format": "", "description": about, "priority": column.priority}


def _of(kind: Kind) -> tuple[tuple[Column, ...], Cells]:
    known = _CORE.get(kind.resource)
    if known:
        return known
    if kind.columns:
        compiled = [(column.type, compile_path(column.path)) for column in kind.columns]
        return kind.columns, lambda obj, now: [_cell(type_, path(obj), now) for type_, path in compiled]
    return _AGE, lambda obj, now: [_age(obj, now)]


def _cell(type_: str, found: list[Any], now: datetime) -> Any:
    if not found:
        return None
    value = found[0]
    if type_ == "date":
        return age(value, now) if isinstance(value, str) else None
    if type_ in ("integer", "number", "boolean"):
        return value
    return text(value)


def _age(obj: Object, now: datetime) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)


def _columns(*names: str, wide: tuple[str, ...] = ()) -> tuple[Column, ...]:
    return tuple(Column(n, "") for n in names) + tuple(Column(n, "", priority=1) for n in wide)


_AGE = _columns("Age")


def _config_map(obj: Object, now: datetime) -> list[Any]:
    return [len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), _age(obj, now)]


def _secret(obj: Object, now: datetime) -> list[Any]:
    return [obj.get("type") or "Opaque", len(obj.get("data") or {}), _age(obj, now)]


def _namespace(obj: Object, now: datetime) -> list[Any]:
    return [status_of(obj).get("phase") or "Active", _age(obj, now)]


def _service(obj: Object, now: datetime) -> list[Any]:
    spec = obj.get("spec") or {}
    ports = [
        f"{p.get('port')}{':' + str(p['nodePort']) if p.get('nodePort') else ''}/{p.get('protocol') or 'TCP'}"
        for p in spec.get("ports") or []
    ]
    selector = ",".join(f"{k}={v}" for k, v in sorted((spec.get("selector") or {}).items()))
    external = ",".join(spec.get("externalIPs") or []) or spec.get("externalName") or "<none>"
    return [
        spec.get("type") or "ClusterIP",
        spec.get("clusterIP") or "<none>",
        external,
        ",".join(ports) or "<none>",
        _age(obj, now),
        selector or "<none>",
    ]


def _deployment(obj: Object, now: datetime) -> list[Any]:
    spec, status = obj.get("spec") or {}, status_of(obj)
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or []
    labels = (spec.get("selector") or {}).get("matchLabels") or {}
    return [
        f"{status.get('readyReplicas') or 0}/{spec.get('replicas', 1)}",
        status.get("updatedReplicas") or 0,
        status.get("availableReplicas") or 0,
        _age(obj, now),
        ",".join(c.get("name", "") for c in containers),
        ",".join(c.get("image", "") for c in containers),
        ",".join(f"{k}={v}" for k, v in sorted(labels.items())) or "<none>",
    ]


def _event(obj: Object, now: datetime) -> list[Any]:
    about = obj.get("involvedObject") or {}
    last = obj.get("lastTimestamp") or obj.get("eventTime") or obj.get("firstTimestamp")
    first = obj.get("firstTimestamp") or obj.get("eventTime")
    source = obj.get("source") or {}
    component = source.get("component") or obj.get("reportingComponent") or ""
    return [
        age(last, now),
        obj.get("type") or "",
        obj.get("reason") or "",
        f"{(about.get('kind') or '').lower()}/{about.get('name') or ''}",
        about.get("fieldPath") or "",
        component + (f", {source['host']}" if source.get("host") else ""),
        (obj.get("message") or "").strip(),
        age(first, now),
        obj.get("count") or 1,
        obj["metadata"]["name"],
    ]


def _claim(obj: Object, now: datetime) -> list[Any]:
    spec, status = obj.get("spec") or {}, status_of(obj)
    short = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
    modes = ",".join(short.get(mode, mode) for mode in status.get("accessModes") or [])
    capacity = (status.get("capacity") or {}).get("storage") or ""
    return [
        status.get("phase") or "Pending",
        spec.get("volumeName") or "",
        capacity,
        modes,
        spec.get("storageClassName") or "",
        "<unset>",
        _age(obj, now),
        spec.get("volumeMode") or "Filesystem",
    ]


def _service_account(obj: Object, now: datetime) -> list[Any]:
    return [len(obj.get("secrets") or []), _age(obj, now)]


def _created(obj: Object, _: datetime) -> list[Any]:
    return [obj["metadata"].get("creationTimestamp")]


def _quota(obj: Object, now: datetime) -> list[Any]:
    hard = (obj.get("spec") or {}).get("hard") or {}
    used = status_of(obj).get("used") or {}
    shown = {key: f"{key}: {used.get(key, 0)}/{hard[key]}" for key in sorted(hard)}
    limits = [text for key, text in shown.items() if key.startswith("limits.")]
    requests = [text for key, text in shown.items() if not key.startswith("limits.")]
    return [_age(obj, now), ", ".join(requests), ", ".join(limits)]


def _bindings(obj: Object, now: datetime) -> list[Any]:
    ref = obj.get("roleRef") or {}
    names: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for one in obj.get("subjects") or []:
        prefix = f"{one.get('namespace') or ''}/" if one.get("kind") == "ServiceAccount" else ""
        names.setdefault(str(one.get("kind")), []).append(prefix + str(one.get("name")))
    wide = [", ".join(names[kind]) for kind in ("User", "Group", "ServiceAccount")]
    return [f"{ref.get('kind')}/{ref.get('name')}", _age(obj, now), *wide]


def _network_policy(obj: Object, now: datetime) -> list[Any]:
    selector = ((obj.get("spec") or {}).get("podSelector") or {}).get("matchLabels") or {}
    return [",".join(f"{k}={v}" for k, v in sorted(selector.items())) or "<none>", _age(obj, now)]


def _autoscaler(obj: Object, now: datetime) -> list[Any]:
    spec, status = obj.get("spec") or {}, status_of(obj)
    target = spec.get("scaleTargetRef") or {}
    return [
        f"{target.get('kind')}/{target.get('name')}",
        "<unknown>",
        str(spec.get("minReplicas") or "<unset>"),
        spec.get("maxReplicas"),
        status.get("currentReplicas") or 0,
        _age(obj, now),
    ]


def _disruption_budget(obj: Object, now: datetime) -> list[Any]:
    spec, status = obj.get("spec") or {}, status_of(obj)
    return [
        str(spec.get("minAvailable", "N/A")),
        str(spec.get("maxUnavailable", "N/A")),
        status.get("disruptionsAllowed") or 0,
        _age(obj, now),
    ]


def _route(obj: Object, _: datetime) -> list[Any]:
    spec = obj.get("spec") or {}
    tls = spec.get("tls") or {}
    ends = "/".join(filter(None, (tls.get("termination"), tls.get("insecureEdgeTerminationPolicy"))))
    ingress = (status_of(obj).get("ingress") or [{}])[0]
    backends = [spec.get("to") or {}, *(spec.get("alternateBackends") or [])]
    total = sum(one.get("weight", 100) for one in backends) or 1
    shares = [f"{one.get('name')}({100 * one.get('weight', 100) // total}%)" for one in backends]
    return [
        ingress.get("host") or spec.get("host") or "",
        spec.get("path") or "",
        ",".join(shares) if len(backends) > 1 else backends[0].get("name") or "",
        str((spec.get("port") or {}).get("targetPort") or "<all>"),
        ends,
        spec.get("wildcardPolicy") or "None",
    ]


def _build_source(spec: Object) -> str:
    """The column FROM of a BuildConfig or a Build."""
    source = spec.get("source") or {}
    git = source.get("git") or {}
    kind = str(source.get("type") or "None")
    return f"{kind}@{git['ref']}" if git.get("ref") else kind


def _build_config(obj: Object, _: datetime) -> list[Any]:
    spec = obj.get("spec") or {}
    return [spec["strategy"].get("type") or "", _build_source(spec), status_of(obj).get("lastVersion") or 0]


def _build(obj: Object, now: datetime) -> list[Any]:
    spec, status = obj.get("spec") or {}, status_of(obj)
    phase, reason = status.get("phase") or "New", status.get("reason")
    started = status.get("startTimestamp")
    seconds = round((status.get("duration") or 0) / 1e9)
    took = f"{seconds // 60}m{seconds % 60}s" if seconds >= 60 else f"{seconds}s"
    return [
        spec["strategy"].get("type") or "",
        _build_source(spec),
        f"{phase} ({reason})" if reason else phase,
        f"{age(started, now)} ago" if started else "",
        took if status.get("duration") is not None else "",
    ]


def _image_stream(obj: Object, now: datetime) -> list[Any]:
    status = status_of(obj)
    tags = status.get("tags") or []
    names = [one["tag"] for one in tags]
    shown = ",".join(names[:3]) + (f" + {len(names) - 3} more..." if len(names) > 3 else "")
    newest = max((item["created"] for one in tags for item in one.get("items") or []), default="")
    return [status.get("dockerImageRepository") or "", shown, f"{age(newest, now)} ago" if newest else ""]


def _image_stream_tag(obj: Object, now: datetime) -> list[Any]:
    image = obj.get("image") or {}
    created = (image.get("metadata") or {}).get("creationTimestamp")
    return [image.get("dockerImageReference") or "", f"{age(created, now)} ago" if created else ""]


def _template(obj: Object, _: datetime) -> list[Any]:
    parameters = obj.get("parameters") or []
    blank = sum(not one.get("value") and not one.get("generate") for one in parameters)
    generated = sum(bool(one.get("generate")) for one in parameters)
    state = f"{blank} blank" if blank else f"{generated} generated" if generated else "all set"
    about = annotations_of(obj).get("description") or ""
    return [about, f"{len(parameters)} ({state})", len(obj.get("objects") or [])]


def _project(obj: Object, _: datetime) -> list[Any]:
    shown = annotations_of(obj).get("openshift.io/display-name") or ""
    return [shown, status_of(obj).get("phase") or "Active"]


_CORE: dict[str, tuple[tuple[Column, ...], Cells]] = {
    "buildconfigs.build.openshift.io": (_columns("Type", "From", "Latest"), _build_config),
    "builds.build.openshift.io": (_columns("Type", "From", "Status", "Started", "Duration"), _build),
    "clusterrolebindings.rbac.authorization.k8s.io": (
        _columns("Role", "Age", wide=("Users", "Groups", "ServiceAccounts")),
        _bindings,
    ),
    "clusterroles.rbac.authorization.k8s.io": (_columns("Created At"), _created),
    "configmaps": (_columns("Data", "Age"), _config_map),
    "customresourcedefinitions.apiextensions.k8s.io": (_columns("Created At"), _created),
    "deployments.apps": (
        _columns("Ready", "Up-to-date", "Available", "Age", wide=("Containers", "Images", "Selector")),
        _deployment,
    ),
    "events": (
        (
            *_columns("Last Seen", "Type", "Reason", "Object"),
            *_columns(wide=("Subobject", "Source")),
            *_columns("Message"),
            *_columns(wide=("First Seen", "Count", "Name")),
        ),
        _event,
    ),
    "horizontalpodautoscalers.autoscaling": (
        _columns("Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"),
        _autoscaler,
    ),
    "imagestreams.image.openshift.io": (_columns("Image Repository", "Tags", "Updated"), _image_stream),
    "imagestreamtags.image.openshift.io": (_columns("Image Reference", "Updated"), _image_stream_tag),
    "limitranges": (_columns("Created At"), _created),
    "namespaces": (_columns("Status", "Age"), _namespace),
    "networkpolicies.networking.k8s.io": (_columns("Pod-Selector", "Age"), _network_policy),
    "persistentvolumeclaims": (
        _columns(
            "Status",
            "Volume",
            "Capacity",
            "Access Modes",
            "StorageClass",
            "VolumeAttributesClass",
            "Age",
            wide=("VolumeMode",),
        ),
        _claim,
    ),
    "poddisruptionbudgets.policy": (
        _columns("Min Available", "Max Unavailable", "Allowed Disruptions", "Age"),
        _disruption_budget,
    ),
    "pods": (POD_COLUMNS, pod_cells),
    "projects.project.openshift.io": (_columns("Display Name", "Status"), _project),
    "resourcequotas": (_columns("Age", "Request", "Limit"), _quota),
    "rolebindings.rbac.authorization.k8s.io": (
        _columns("Role", "Age", wide=("Users", "Groups", "ServiceAccounts")),
        _bindings,
    ),
    "roles.rbac.authorization.k8s.io": (_columns("Created At"), _created),
    "routes.route.openshift.io": (_columns("Host/Port", "Path", "Services", "Port", "Termination", "Wildcard"), _route),
    "secrets": (_columns("Type", "Data", "Age"), _secret),
    "serviceaccounts": (_columns("Secrets", "Age"), _service_account),
    "templates.template.openshift.io": (_columns("Description", "Parameters", "Objects"), _template),
    "services": (_columns("Type", "Cluster-IP", "External-IP", "Port(s)", "Age", wide=("Selector",)), _service),
}
