"""Discovery of groups, versions and kinds, in the unaggregated and the aggregated form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from workshop.lab.api import answers
from workshop.lab.api.context import Api
from workshop.lab.api.request import wants
from workshop.lab.kinds import Kind, built_in
from workshop.manifests.tekton import beta
from workshop.manifests.triggers import alpha

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
REVIEWS = (
    Kind("authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews", namespaced=False),
    Kind("authentication.k8s.io", "v1", "TokenReview", "tokenreviews", namespaced=False),
    Kind("authorization.k8s.io", "v1", "LocalSubjectAccessReview", "localsubjectaccessreviews"),
    Kind("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", namespaced=False),
    Kind("authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", namespaced=False),
    Kind("authorization.k8s.io", "v1", "SubjectAccessReview", "subjectaccessreviews", namespaced=False),
    Kind("authorization.openshift.io", "v1", "LocalResourceAccessReview", "localresourceaccessreviews"),
    Kind("authorization.openshift.io", "v1", "ResourceAccessReview", "resourceaccessreviews", namespaced=False),
    Kind("image.openshift.io", "v1", "ImageStreamImport", "imagestreamimports"),
    Kind("project.openshift.io", "v1", "ProjectRequest", "projectrequests", namespaced=False),
    Kind("template.openshift.io", "v1", "Template", "processedtemplates"),
)
"""Kinds that accept POST only. The response is the answer; nothing is stored."""
_REVIEW_AT = {(kind.group, kind.version, kind.plural): kind for kind in REVIEWS}
PROJECT = Kind("project.openshift.io", "v1", "Project", "projects", namespaced=False)
"""OpenShift's view of a namespace."""
SHOWN: dict[Kind, Kind] = {
    PROJECT: built_in("Namespace"),
    **{
        replace(built_in("SeldonDeployment"), version=version): built_in("SeldonDeployment")
        for version in ("v1alpha2", "v1alpha3")
    },
    **{replace(built_in(kind), version="v1beta1"): built_in(kind) for kind in beta.KINDS},
    replace(built_in("StepAction"), version="v1alpha1"): built_in("StepAction"),
    **{replace(built_in(kind), version="v1alpha1"): built_in(kind) for kind in alpha.KINDS},
}
"""Kinds that show the stored objects of another kind: OpenShift's Project, and the older versions of a kind.

The CustomResourceDefinition of Seldon Core serves v1alpha2, v1alpha3 and v1 with one schema and the conversion None;
that of Tekton's StepAction serves v1alpha1 and v1beta1 with the same fields. `manifests/tekton/beta.py` converts
Tekton's v1beta1, `manifests/triggers/alpha.py` Triggers' v1alpha1.
"""

VERSION = {
    "major": "1",
    "minor": "32",
    "gitVersion": "v1.32.0+workshop",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "cpython",
    "platform": "linux/amd64",
}


def review(group: str, version: str, plural: str) -> Kind | None:
    """The review at a REST path, or None."""
    return _REVIEW_AT.get((group, version, plural))


def served(api: Api) -> list[Kind]:
    """Every kind that discovery lists."""
    return sorted([*api.kinds, *REVIEWS, *SHOWN], key=lambda kind: kind.plural)


def verbs(kind: Kind) -> list[str]:
    """The verbs of a kind."""
    if kind in REVIEWS:
        return ["create"]
    if kind.plural == "imagestreamtags":
        return ["create", "delete", "get", "list", "update", "watch"]
    return ["get", "list", "watch"] if kind.absent or kind.read_only else list(VERBS)


def answer(api: Api, request: Request, path: str) -> Response | None:
    """The response to a discovery path, or None for any other path."""
    parts = [part for part in path.split("/") if part]
    match parts:
        case ["version"]:
            return answers.json(VERSION)
        case ["api" | "apis"] if wants(request, "g=apidiscovery.k8s.io"):
            version = "v2" if wants(request, "v=v2;") or wants(request, "v=v2,") else "v2beta1"
            media = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
            return answers.json(_aggregated(api, core=parts == ["api"], version=version), media_type=media)
        case ["api"]:
            addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": request.url.netloc}]
            return answers.json({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses})
        case ["apis"]:
            groups = [_group(api, name) for name in _groups(api) if name]
            return answers.json({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        case ["apis", group] if group in _groups(api):
            return answers.json({"kind": "APIGroup", "apiVersion": "v1", **_group(api, group)})
        case ["api", version]:
            return _resources(api, "", version)
        case ["apis", group, version]:
            return _resources(api, group, version)
    return None


def _groups(api: Api) -> list[str]:
    """The groups in the order of a real server: core, then Kubernetes' own, then others."""
    names = {kind.group for kind in served(api)}
    return sorted(names, key=lambda name: (name != "", "." in name and not name.endswith("k8s.io"), name))


def _versions(api: Api, group: str) -> list[str]:
    """The versions in the order of their priority: stable before beta before alpha, and the newest of each first."""
    found = sorted({kind.version for kind in served(api) if kind.group == group}, reverse=True)
    return sorted(found, key=lambda v: ("alpha" in v, "beta" in v))


def _group(api: Api, name: str) -> dict[str, Any]:
    versions = [{"groupVersion": f"{name}/{v}", "version": v} for v in _versions(api, name)]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _aggregated(api: Api, *, core: bool, version: str) -> dict[str, Any]:
    items = []
    for group in _groups(api):
        if (group == "") != core:
            continue
        versions = [
            {
                "version": v,
                "resources": [_discovered(k) for k in served(api) if (k.group, k.version) == (group, v)],
                "freshness": "Current",
            }
            for v in _versions(api, group)
        ]
        meta = {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None}
        items.append({"metadata": meta, "versions": versions})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": items,
    }


def _discovered(kind: Kind) -> dict[str, Any]:
    gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    found: dict[str, Any] = {
        "resource": kind.plural,
        "responseKind": gvk,
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular_name,
        "verbs": verbs(kind),
    }
    if kind.short_names:
        found["shortNames"] = list(kind.short_names)
    if kind.categories:
        found["categories"] = list(kind.categories)
    if kind.subresources:
        found["subresources"] = [
            {"subresource": name, "responseKind": _subresource_kind(kind, name), "verbs": _subresource_verbs(name)}
            for name in kind.subresources
        ]
    return found


_KIND_OF = {
    "instantiate": ("", "", "BuildRequest"),
    "instantiatebinary": ("", "", "BinaryBuildRequestOptions"),
    "scale": ("autoscaling", "v1", "Scale"),
    "token": ("authentication.k8s.io", "v1", "TokenRequest"),
}
"""The group, version and kind of what a subresource takes; empty where they are those of the resource."""


def _subresource_kind(kind: Kind, name: str) -> dict[str, str]:
    group, version, of = _KIND_OF.get(name, ("", "", ""))
    return {"group": group or kind.group, "version": version or kind.version, "kind": of or kind.kind}


def _subresource_verbs(name: str) -> list[str]:
    verb = {"instantiate": "create", "instantiatebinary": "create", "log": "get", "token": "create"}.get(name)
    return [verb] if verb else ["get", "patch", "update"]


def _resources(api: Api, group: str, version: str) -> Response | None:
    mine = [kind for kind in served(api) if (kind.group, kind.version) == (group, version)]
    if not mine:
        return None
    resources: list[dict[str, Any]] = []
    for kind in mine:
        one: dict[str, Any] = {
            "name": kind.plural,
            "singularName": kind.singular_name,
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": verbs(kind),
        }
        if kind.short_names:
            one["shortNames"] = list(kind.short_names)
        if kind.categories:
            one["categories"] = list(kind.categories)
        resources.append(one)
        for name in kind.subresources:
            gvk = _subresource_kind(kind, name)
            more = {"group": gvk["group"], "version": gvk["version"]} if name in ("scale", "token") else {}
            resources.append(
                {
                    "name": f"{kind.plural}/{name}",
                    "singularName": "",
                    "namespaced": kind.namespaced,
                    **more,
                    "kind": gvk["kind"],
                    "verbs": _subresource_verbs(name),
                }
            )
    return answers.json(
        {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": f"{group}/{version}" if group else version,
            "resources": resources,
        }
    )
