"""The built-in kinds, listed once, and the registry of the kinds that a store serves.

A `Kind` has an object's place in the API (group, version, plural), its subresources, and the columns of `kubectl get`.
The types of the fields are in `workshop.manifests`; admission rules are in `workshop.lab.admission`. CRDs that a user
applies are added at run time through `Kinds.add`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from workshop.manifests.apiresource import ApiResource
from workshop.manifests.objects import Object


@dataclass(frozen=True)
class Column:
    """One column of `kubectl get`: `path` is a JSONPath as in a CRD's additionalPrinterColumns."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True)
class Kind(ApiResource):
    """One kind as the API serves it."""

    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    columns: tuple[Column, ...] = field(default=(), compare=False)
    schema: Object | None = field(default=None, compare=False)
    """The OpenAPI schema of a kind from a CRD. The schemas of built-in kinds are in `workshop.manifests.types`."""
    absent: str = field(default="", compare=False)
    """Why the lab has no object of this kind and refuses to create one. Clients can list the kind."""
    read_only: str = field(default="", compare=False)
    """Why clients cannot write the objects of this kind."""

    @property
    def title(self) -> str:
        """Kind and group, as in the API server's messages: `TaskRun.tekton.dev`, `Pod`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def is_custom(self) -> bool:
        """Whether a cluster has this kind from a CRD."""
        return "." in self.group and not self.group.endswith((".k8s.io", ".openshift.io"))

    @property
    def is_lenient(self) -> bool:
        """Whether its CRD keeps unknown fields. The kind's webhook refuses them with its own message."""
        return self.group in ("tekton.dev", "triggers.tekton.dev")

    def details(self, name: str) -> dict[str, Any]:
        """The `details` of a Status about an object of this kind."""
        found = {"name": name, "group": self.group, "kind": self.plural}
        return {key: value for key, value in found.items() if value}


_RUN_COLUMNS = (
    Column("Succeeded", '.status.conditions[?(@.type=="Succeeded")].status'),
    Column("Reason", '.status.conditions[?(@.type=="Succeeded")].reason'),
    Column("StartTime", ".status.startTime", "date"),
    Column("CompletionTime", ".status.completionTime", "date"),
)
_AGE = Column("Age", ".metadata.creationTimestamp", "date")
_LISTENER_COLUMNS = (
    Column("Address", ".status.address.url"),
    Column("Available", '.status.conditions[?(@.type=="Available")].status'),
    Column("Reason", '.status.conditions[?(@.type=="Available")].reason'),
    Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
    Column("Reason", '.status.conditions[?(@.type=="Ready")].reason'),
)
_REQUEST_COLUMNS = (
    Column("OwnerKind", ".metadata.ownerReferences[0].kind"),
    Column("Owner", ".metadata.ownerReferences[0].name"),
    *_RUN_COLUMNS[:2],
    Column("StartTime", ".metadata.creationTimestamp"),
    Column("EndTime", '.status.conditions[?(@.type=="Succeeded")].lastTransitionTime'),
)
_APPROVAL_COLUMNS = (
    Column("State", ".status.state"),
    Column("Required", ".status.approvalsRequired", "integer"),
    Column("Received", ".status.approvalsReceived", "integer"),
    _AGE,
)


def _tekton(kind: str, plural: str, version: str = "v1", **more: Any) -> Kind:
    return Kind("tekton.dev", version, kind, plural, categories=("tekton", "tekton-pipelines"), **more)


def _triggers(kind: str, plural: str, version: str = "v1beta1", **more: Any) -> Kind:
    return Kind("triggers.tekton.dev", version, kind, plural, categories=("tekton", "tekton-triggers"), **more)


def _monitoring(kind: str, plural: str, short_name: str, version: str = "v1") -> Kind:
    return Kind(
        "monitoring.coreos.com", version, kind, plural, short_names=(short_name,), categories=("prometheus-operator",)
    )


def _absent(group: str, kind: str, plural: str, why: str, *short_names: str, **more: Any) -> Kind:
    return Kind(group, "v1", kind, plural, short_names=short_names, absent=why, **more)


_RUNS = "the lab runs the Pods of Tekton and of SeldonDeployments only"
_LOOPBACK = "everything in the lab is on one loopback"
_ALL = ("all",)
_ABSENT = (
    _absent("", "Endpoints", "endpoints", _LOOPBACK, "ep"),
    _absent("", "Node", "nodes", "the lab is one process on this machine", "no", namespaced=False),
    _absent("", "PersistentVolume", "persistentvolumes", "a claim is a folder here", "pv", namespaced=False),
    _absent("", "ReplicationController", "replicationcontrollers", _RUNS, "rc", categories=_ALL),
    _absent("apps", "DaemonSet", "daemonsets", _RUNS, "ds", categories=_ALL),
    _absent("apps", "ReplicaSet", "replicasets", _RUNS, "rs", categories=_ALL),
    _absent("apps", "StatefulSet", "statefulsets", _RUNS, "sts", categories=_ALL),
    _absent("batch", "CronJob", "cronjobs", _RUNS, "cj", categories=_ALL),
    _absent("batch", "Job", "jobs", _RUNS, categories=_ALL),
    _absent("networking.k8s.io", "Ingress", "ingresses", f"{_LOOPBACK}; a Route names its address", "ing"),
)
"""Kinds that clients list although the lab has none of them: `oc status`, `rollout history`, `apply --prune`."""

BUILT_IN = (
    *_ABSENT,
    Kind("", "v1", "ConfigMap", "configmaps", short_names=("cm",)),
    Kind("", "v1", "Event", "events", short_names=("ev",)),
    Kind("", "v1", "LimitRange", "limitranges", short_names=("limits",)),
    Kind("", "v1", "Namespace", "namespaces", namespaced=False, short_names=("ns",), subresources=("status",)),
    Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", short_names=("pvc",), subresources=("status",)),
    Kind("", "v1", "Pod", "pods", short_names=("po",), subresources=("log", "status"), categories=("all",)),
    Kind("", "v1", "ResourceQuota", "resourcequotas", short_names=("quota",), subresources=("status",)),
    Kind("", "v1", "Secret", "secrets"),
    Kind("", "v1", "Service", "services", short_names=("svc",), subresources=("status",), categories=("all",)),
    Kind("", "v1", "ServiceAccount", "serviceaccounts", short_names=("sa",), subresources=("token",)),
    Kind(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        namespaced=False,
        short_names=("crd", "crds"),
        subresources=("status",),
        categories=("api-extensions",),
    ),
    Kind(
        "apps",
        "v1",
        "Deployment",
        "deployments",
        short_names=("deploy",),
        subresources=("scale", "status"),
        categories=("all",),
    ),
    Kind(
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        short_names=("hpa",),
        subresources=("status",),
        categories=("all",),
    ),
    _monitoring("AlertmanagerConfig", "alertmanagerconfigs", "amcfg", "v1alpha1"),
    _monitoring("PodMonitor", "podmonitors", "pmon"),
    _monitoring("PrometheusRule", "prometheusrules", "promrule"),
    _monitoring("ServiceMonitor", "servicemonitors", "smon"),
    Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", short_names=("netpol",)),
    Kind(
        "openshift-pipelines.org",
        "v1alpha1",
        "ApprovalTask",
        "approvaltasks",
        subresources=("status",),
        columns=_APPROVAL_COLUMNS,
    ),
    Kind(
        "pipelinesascode.tekton.dev",
        "v1alpha1",
        "Repository",
        "repositories",
        short_names=("repo",),
        subresources=("status",),
        columns=(
            Column("URL", ".spec.url"),
            Column("Succeeded", '.pipelinerun_status[-1].conditions[?(@.type=="Succeeded")].status'),
            Column("Reason", '.pipelinerun_status[-1].conditions[?(@.type=="Succeeded")].reason'),
            Column("StartTime", ".pipelinerun_status[-1].startTime", "date"),
            Column("CompletionTime", ".pipelinerun_status[-1].completionTime", "date"),
        ),
    ),
    Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", short_names=("pdb",), subresources=("status",)),
    Kind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced=False),
    Kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False),
    Kind("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    Kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
    Kind("build.openshift.io", "v1", "Build", "builds", subresources=("log",), categories=("all",)),
    Kind(
        "build.openshift.io",
        "v1",
        "BuildConfig",
        "buildconfigs",
        short_names=("bc",),
        subresources=("instantiate", "instantiatebinary"),
        categories=("all",),
    ),
    Kind(
        "image.openshift.io",
        "v1",
        "ImageStream",
        "imagestreams",
        short_names=("is",),
        subresources=("status",),
        categories=("all",),
    ),
    Kind(
        "image.openshift.io",
        "v1",
        "ImageStreamTag",
        "imagestreamtags",
        short_names=("istag",),
        read_only="oc tag, oc import-image and a push to the registry make one, and oc tag --delete removes it",
    ),
    Kind("template.openshift.io", "v1", "Template", "templates"),
    Kind("route.openshift.io", "v1", "Route", "routes", subresources=("status",), categories=("all",)),
    Kind(
        "machinelearning.seldon.io",
        "v1",
        "SeldonDeployment",
        "seldondeployments",
        short_names=("sdep",),
        subresources=("scale", "status"),
        categories=("all",),
        columns=(_AGE,),
    ),
    Kind(
        "resolution.tekton.dev",
        "v1beta1",
        "ResolutionRequest",
        "resolutionrequests",
        categories=("tekton", "tekton-pipelines"),
        subresources=("status",),
        columns=_REQUEST_COLUMNS,
    ),
    _tekton("CustomRun", "customruns", "v1beta1", subresources=("status",), columns=_RUN_COLUMNS),
    _tekton("Pipeline", "pipelines", columns=(_AGE,)),
    _tekton("PipelineRun", "pipelineruns", short_names=("pr", "prs"), subresources=("status",), columns=_RUN_COLUMNS),
    _tekton("StepAction", "stepactions", "v1beta1", columns=(_AGE,)),
    _tekton("Task", "tasks", columns=(_AGE,)),
    _tekton("TaskRun", "taskruns", short_names=("tr", "trs"), subresources=("status",), columns=_RUN_COLUMNS),
    _triggers(
        "ClusterInterceptor",
        "clusterinterceptors",
        "v1alpha1",
        namespaced=False,
        short_names=("ci",),
        subresources=("status",),
    ),
    _triggers("ClusterTriggerBinding", "clustertriggerbindings", namespaced=False, short_names=("ctb",)),
    _triggers(
        "EventListener", "eventlisteners", short_names=("el",), subresources=("status",), columns=_LISTENER_COLUMNS
    ),
    _triggers("Interceptor", "interceptors", "v1alpha1", short_names=("ni",), subresources=("status",)),
    _triggers("Trigger", "triggers", short_names=("tri",)),
    _triggers("TriggerBinding", "triggerbindings", short_names=("tb",)),
    _triggers("TriggerTemplate", "triggertemplates", short_names=("tt",)),
)


class Kinds:
    """The kinds of one store: the built-in ones and those of its CRDs."""

    def __init__(self, kinds: tuple[Kind, ...] = BUILT_IN) -> None:
        self.revision = 0
        """Counts the changes, for caches of data from all kinds."""
        self._by_path: dict[tuple[str, str, str], Kind] = {}
        self._by_kind: dict[tuple[str, str], Kind] = {}
        for kind in kinds:
            self.add(kind)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._by_path.values())

    def add(self, kind: Kind) -> None:
        """Serve a kind from now on. It replaces a kind of the same group, version and plural."""
        self.revision += 1
        self._by_path[(kind.group, kind.version, kind.plural)] = kind
        self._by_kind[(kind.api_version, kind.kind)] = kind

    def remove(self, kind: Kind) -> None:
        """Stop serving a kind."""
        self.revision += 1
        self._by_path.pop((kind.group, kind.version, kind.plural), None)
        self._by_kind.pop((kind.api_version, kind.kind), None)

    def at(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind at a REST path, or None."""
        return self._by_path.get((group, version, plural))

    def of(self, api_version: str, kind: str) -> Kind | None:
        """The kind of a manifest, or None."""
        return self._by_kind.get((api_version, kind))


_BY_NAME = {kind.kind: kind for kind in reversed(BUILT_IN)}


def built_in(kind: str) -> Kind:
    """The built-in kind of this name. Raises KeyError when there is none."""
    return _BY_NAME[kind]
