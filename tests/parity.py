"""The page `workshop/lab/PARITY.md`: the lab's support for each field of the kinds that it acts on.

`make parity` writes it, from the tables next to the types and the rules of admission. A field of Tekton links
to conformance folders that set it; a folder may not cover every use of the field.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import yaml

from workshop.lab.admission import builds, pipelinesascode, route
from workshop.lab.admission.seldon import support as seldon_support
from workshop.lab.admission.tekton.decode import fold_case
from workshop.lab.monitoring import support as monitoring_support
from workshop.lab.paths import KIT
from workshop.manifests import tekton
from workshop.manifests.tekton import config as tekton_config
from workshop.manifests.tekton import support as tekton_support
from workshop.manifests.triggers import support as triggers_support

PAGE = KIT / "workshop" / "lab" / "PARITY.md"
CONFORMANCE = KIT / "tests" / "conformance"
_TYPES: dict[str, type[msgspec.Struct]] = {
    one.__name__: one
    for one in (
        tekton.CustomRun,
        tekton.Pipeline,
        tekton.PipelineRun,
        tekton.StepAction,
        tekton.Task,
        tekton.TaskRun,
    )
}
_LINKS = 2
"""Number of folders in a row: those that set the fewest other fields."""


@dataclass(frozen=True)
class Row:
    """One field: `status` is supported, accepted or refused; `note` the reason or the message."""

    field: str
    status: str
    note: str = ""
    folders: tuple[str, ...] = ()


def tekton_rows() -> list[Row]:
    """Tekton's fields, each with conformance folders. Raises OSError without a checkout."""
    used = fields_of_folders()
    found = []
    refused = {**tekton_support.REFUSED, **tekton_support.REFUSED_WITH_ALPHA}
    rows = _rows(tekton_support.SUPPORTED, tekton_support.ACCEPTED, refused)
    rows += [Row(name, "supported", f"needs `{flag}`") for name, flag in tekton_support.GATED.items()]
    for row in sorted(rows, key=lambda row: row.field):
        setting = sorted((len(fields), folder) for folder, fields in used.items() if row.field in fields)
        found.append(Row(row.field, row.status, row.note, tuple(folder for _, folder in setting[:_LINKS])))
    return found


def config_rows() -> list[Row]:
    """The keys of the ConfigMaps `feature-flags` and `config-defaults`."""
    types = (tekton_config.FeatureFlags, tekton_config.Defaults)
    keys = {one.metadata["key"] for type_ in types for one in dataclasses.fields(type_)}
    found = [Row(key, "accepted", reason) for key, reason in tekton_config.ACCEPTED.items()]
    for key, values in tekton_config.IMPLEMENTED.items():
        other = next((f"`{value}`" for value in values if value), "no value")
        found.append(Row(key, "refused", f"any value but {other} is refused"))
    listed = {row.field for row in found}
    return sorted([*found, *(Row(key, "supported") for key in keys - listed)], key=lambda row: row.field)


def triggers_rows() -> list[Row]:
    """The fields of Triggers and of the approval gate."""
    return _rows(triggers_support.SUPPORTED, triggers_support.ACCEPTED, triggers_support.REFUSED)


def seldon_rows() -> list[Row]:
    """Seldon's fields, and the values that have their own row."""
    rows = _rows(seldon_support.SUPPORTED, seldon_support.ACCEPTED, seldon_support.REFUSED)
    values = [Row(name, "supported") for name in seldon_support.SUPPORTED_VALUES]
    return sorted([*rows, *values], key=lambda row: row.field)


def route_rows() -> list[Row]:
    """The fields of OpenShift's Routes."""
    return _rows(route.SUPPORTED, route.ACCEPTED, route.REFUSED)


def builds_rows() -> list[Row]:
    """The fields of OpenShift's BuildConfigs."""
    return _rows(builds.SUPPORTED, builds.ACCEPTED, builds.REFUSED)


def monitoring_rows() -> list[Row]:
    """The fields of PodMonitors, ServiceMonitors, PrometheusRules and AlertmanagerConfigs."""
    return _rows(monitoring_support.SUPPORTED, monitoring_support.ACCEPTED, monitoring_support.REFUSED)


def pipelinesascode_rows() -> list[Row]:
    """The fields of Repositories."""
    return _rows(pipelinesascode.SUPPORTED, pipelinesascode.ACCEPTED, pipelinesascode.REFUSED)


def fields_of_folders(root: Path = CONFORMANCE) -> dict[str, set[str]]:
    """`Type.field` of all fields that each conformance folder sets in Tekton's kinds. Raises OSError."""
    found: dict[str, set[str]] = {}
    for expect in sorted(root.rglob("expect.yaml")):
        fields = found.setdefault(expect.parent.relative_to(root).as_posix(), set())
        for document in yaml.safe_load_all((expect.parent / "pipeline.yaml").read_text()):
            if not document or document.get("kind") not in _TYPES:
                continue
            type_ = _TYPES[document["kind"]]
            document = _quoted(document)
            fold_case(document, type_)
            fields |= set(_set_in(msgspec.convert(document, type_)))
    return found


def page() -> str:
    """The whole page."""
    rows = tekton_rows()
    linked = {folder for row in rows for folder in row.folders}
    others = [folder for folder in fields_of_folders() if folder not in linked]
    supported = [row for row in rows if row.status == "supported"]
    shown = sum(bool(row.folders) for row in supported)
    return "\n".join(
        [
            _INTRODUCTION,
            "## Tekton Pipelines",
            "",
            f"{shown} of the {len(supported)} supported fields are set in a [conformance folder]({_link('')}); the "
            "last column names those that set little else. A folder runs in every test of the lab, with private file "
            "trees and without.",
            "",
            *_table(rows, folders=True),
            "### Feature flags and defaults",
            "",
            "The ConfigMaps `feature-flags` and `config-defaults` in the namespace `tekton-pipelines` decide as on a "
            "cluster. The administrator changes them, and a change applies at once: "
            "`KUBECONFIG=.workshop/admin.kubeconfig kubectl edit configmap feature-flags -n tekton-pipelines`. The "
            "first values are those of OpenShift Pipelines.",
            "",
            *_table(config_rows()),
            "### Resolvers",
            "",
            *_RESOLVERS,
            "",
            "Conformance folders that no row names, because others set fewer fields:",
            "",
            *(f"- {_folder(one)}" for one in others),
            "",
            "## Triggers and the approval gate",
            "",
            "`v1alpha1` is served beside `v1beta1`; its interceptors `cel`, `github`, `gitlab` and `bitbucket` become "
            "references, as the webhook makes them. A resource template of a kind that nobody can create here, or that "
            "nothing runs, is stored with a warning, and the listener's log has it at each event. The Service of an "
            "interceptor has the type ExternalName; `externalName: localhost` is this machine.",
            "",
            *_table(triggers_rows()),
            "## Pipelines as Code",
            "",
            *_PIPELINES_AS_CODE,
            "",
            *_table(pipelinesascode_rows()),
            "## Seldon",
            "",
            *_table(seldon_rows()),
            "## Runtimes",
            "",
            _RUNTIMES,
            "## Routes",
            "",
            "Without a host it gets `<name>-<namespace>.localhost`; `status.ingress` carries the gateway's port too.",
            "",
            *_table(route_rows()),
            "## BuildConfigs",
            "",
            "A build runs with the lab's buildah and s2i, which know the instructions that s2i writes. A base image "
            "that the lab has not built cannot be pulled: the build then fails with `PullBuilderImageFailed`.",
            "",
            *_table(builds_rows()),
            "## Roles, accounts and tokens",
            "",
            _AUTHORIZATION,
            "## PodMonitors, ServiceMonitors, PrometheusRules and AlertmanagerConfigs",
            "",
            "`MonitorSpec` and `MetricsEndpoint` are the fields that both kinds of monitor have. promtool also checks "
            "each object: what the lab's version of Prometheus would not load is refused with promtool's message. "
            "amtool does the same for AlertmanagerConfigs.",
            "",
            *_table(monitoring_rows()),
        ]
    )


def main() -> int:
    """Write the page."""
    PAGE.write_text(page())
    sys.stdout.write(f"wrote {PAGE}\n")
    return 0


_RESOLVERS = (
    "A reference makes a ResolutionRequest, which `oc get resolutionrequests` lists. What a resolver returns is "
    "validated as if it were created. The ConfigMaps `bundleresolver-config`, `cluster-resolver-config`, "
    "`git-resolver-config` and `hubresolver-config` in `tekton-pipelines-resolvers` have the defaults.",
    "",
    "| Resolver | Status | Note |",
    "|---|---|---|",
    "| `bundles` | supported | with the login of `secret` or of the ServiceAccount; nothing is cached, "
    "so `cache` has no effect |",
    "| `cluster` | supported | `openshift-pipelines` has `buildah`, `git-clone`, `openshift-client`, `s2i-python` and "
    "`tkn` with the params, results and workspaces of OpenShift Pipelines |",
    "| `git` | supported | any URL or path that git reads here; with `repo` the API of a Git server, also of the "
    "lab's own (`scmType: gitea`) |",
    "| `git`, param `scmType`: gitea, github, gitlab | supported | without `serverURL` the public server |",
    "| `git`, param `scmType`: others | refused | the lab supports gitea, github, gitlab |",
    "| `http` | supported | |",
    "| `hub` | supported | also constraints such as `>= 0.5, < 2`, and `url`; Tekton Hub is shut down |",
)
_PIPELINES_AS_CODE = (
    "The folder `.tekton/` of a participant's repository runs as Pipelines as Code 0.48 runs it with a Git server of "
    "the type gitea, because a Repository names the repository's page (`repo_url`, without `.git`). "
    "`oc get repositories` has the last runs, and the console's page *Commits* has each commit's statuses.",
    "",
    "| What | Status | Note |",
    "|---|---|---|",
    "| push, tag | supported | `[skip ci]` and `[skip tkn]` in the commit's message start nothing |",
    "| merge request | supported | `git push -o merge_request.create`, with GitLab's options `target`, `title`, "
    "`description` and `label`; a push of its commits to the target merges it, deleting the branch closes it; "
    "a push option that does not exist here is refused |",
    "| comment on a merge request | supported | by the API of Gitea: `on-comment`, `/test`, `/retest`, `/cancel`, each "
    "also with a name, and `/ok-to-test`; only the owner can write a comment here |",
    "| comment on a pushed commit | not supported | Pipelines as Code has it with GitHub and GitLab, not with Gitea |",
    "| `on-event`, `on-target-branch`, `on-path-change`, `on-path-change-ignore`, `on-cel-expression`, `on-comment` | "
    "supported | cel-go's list library is missing in CEL |",
    "| `on-label` | supported | labels come from the push option `merge_request.label=NAME`, also several, or from "
    "Gitea's API (`POST` and `PUT` of `issues/N/labels`) |",
    "| `task`, `task-N`, `pipeline` | supported | a path in the repository, a URL, or a name in Artifact Hub |",
    "| `max-keep-runs`, `cancel-in-progress`, `target-namespace` | supported | |",
    "| variables of `{{ }}` | supported | body, headers, files, `cel:`, `git_auth_secret`, params of the Repository |",
    "| incoming webhooks | supported | POST `/incoming` of the Git server; a secret in the URL is refused |",
    "| global Repository | supported | `pipelines-as-code` in `openshift-pipelines`: its concurrency_limit, params, "
    "git_provider and settings; not its incoming rules, as in Pipelines as Code 0.48 |",
)
_AUTHORIZATION = """\
Every request is authorized by the Roles and bindings in the lab, with the default ClusterRoles of Kubernetes,
OpenShift, OpenShift Pipelines and OpenShift's monitoring, aggregation, and the verbs `escalate`, `bind` and
`impersonate`.
A Pod of a run uses the token of its ServiceAccount; a token ends with its account, its Pod, or its time.
`oc auth can-i`, `oc policy who-can` and `oc create token` answer from the same rules.

Not there: OAuth and its scopes, RoleBindingRestrictions, SecurityContextConstraints at admission, and isolation of
processes: code in the lab runs as the user of this machine, who can read every token in the lab's folder.
"""
_RUNTIMES = """\
Steps and sidecars of TaskRuns run as processes of this machine, or with `workshop up --runtime podman` and
`workshop run --standalone --runtime podman` in containers of podman, with the image that the manifest names.

| | `process` | `podman` |
|---|---|---|
| image | a table of names; others are refused | the image, pulled if podman lacks it, by `imagePullPolicy` |
| `command` and `args` | as in the image, for the names in the table | from the image's own entrypoint and command |
| working directory | `/workspace` | the image's |
| `securityContext` | shown | user, groups, capabilities, `privileged`, read-only root, seccomp `Unconfined` |
| constraint `restricted-v2` | checked | checked; the container gets a user id of its range and no capabilities |
| `HOME` | `/tekton/home` | the image's; `/tekton/home` if the ServiceAccount has files for git, ssh or docker |
| network | this machine's | this machine's |
| resources | shown | shown |
| output for `stdoutConfig` | any file | a file in a volume |
| image `latest` without a policy | | pulled only if podman lacks it |
| images of OpenShift's registry | those that the lab built | `localhost/NAME:TAG`; a missing one names the build |
| model servers and Builds | processes | processes |
"""
_INTRODUCTION = """\
<!-- generated by `make parity`; do not edit -->
# What the lab does with each field

The lab takes the same manifests as a cluster. A field is

- **supported**: it has the same effect as on a cluster;
- **accepted**: it has no effect on one machine, for the reason in the table;
- **refused**: the object is not admitted, with this message.

A field that is in no table does not exist in the type, and is refused as the API server refuses an unknown field.
The name of a field begins with its type.
"""


def _rows(supported: Mapping[str, str], accepted: Mapping[str, str], refused: Mapping[str, str]) -> list[Row]:
    found = [Row(f"{type_}.{name}", "supported") for type_, names in supported.items() for name in names.split()]
    found += [Row(name, "accepted", reason) for name, reason in accepted.items()]
    found += [Row(name, "refused", message) for name, message in refused.items()]
    return sorted(found, key=lambda row: row.field)


def _table(rows: list[Row], *, folders: bool = False) -> Iterator[str]:
    yield "| Field | Status | Reason or message |" + (" See |" if folders else "")
    yield "|---|---|---|" + ("---|" if folders else "")
    for row in rows:
        name, colon, what = row.field.partition(":")
        line = f"| `{name}`{colon}{what} | {row.status} | {row.note} |"
        yield line + (f" {', '.join(map(_folder, row.folders))} |" if folders else "")
    yield ""


def _folder(name: str) -> str:
    return f"[{name}]({_link(name)})"


def _link(folder: str) -> str:
    return f"../../tests/conformance/{folder}"


def _quoted(value: Any, key: str = "") -> Any:
    """Numbers and booleans of parameters as text, as the mutating webhook returns them."""
    if isinstance(value, dict):
        return {name: _quoted(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_quoted(one, key) for one in value]
    return str(value) if key in ("value", "default") and isinstance(value, int | float) else value


def _set_in(value: Any) -> Iterator[str]:
    """`Type.field` of all fields that a typed manifest sets."""
    if isinstance(value, msgspec.Struct):
        for name, wire in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            one = getattr(value, name)
            if one is not None and one not in ("", [], {}):
                yield f"{type(value).__name__}.{wire}"
                yield from _set_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from _set_in(one)


if __name__ == "__main__":
    sys.exit(main())
