"""The lab's API server with the controllers that an OpenShift has and the lab has not, as far as an installation waits.

Deployments get available, builds end with an image, and a Subscription brings the operator's kinds and its
ClusterServiceVersion. Pods do not run.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from tests.workshop.lab.serving import Lab

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
OLM = "/apis/operators.coreos.com/v1alpha1"
MERGE = "application/merge-patch+json"
OPERATORS = {
    "grafana-operator": [
        ("grafana.integreatly.org", "v1beta1", kind) for kind in ("Grafana", "GrafanaDashboard", "GrafanaDatasource")
    ]
}
"""The kinds that each package brings."""
HAS = (
    ("operators.coreos.com", "v1alpha1", "Subscription"),
    ("operators.coreos.com", "v1alpha1", "ClusterServiceVersion"),
    ("operator.tekton.dev", "v1alpha1", "ManualApprovalGate", "Cluster"),
)


class OpenShift(Lab):
    """Starts on construction; `stop()` when done."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.ask("DELETE", "/api/v1/namespaces/user1-dev")
        for name in ("openshift-operators", "openshift-monitoring", "openshift-user-workload-monitoring"):
            self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        for kind in HAS:
            assert self.ask("POST", CRDS, crd(*kind))[0] == 201
        self._ended = threading.Event()
        self._controllers = threading.Thread(target=self._control, daemon=True)
        self._controllers.start()

    def stop(self) -> None:
        """End the controllers and the server."""
        self._ended.set()
        self._controllers.join(10)
        super().stop()

    def _control(self) -> None:
        while not self._ended.wait(0.05):
            self._deployments()
            self._builds()
            self._subscriptions()

    def _listed(self, path: str) -> list[dict[str, Any]]:
        return list(self.ask("GET", path)[1].get("items") or [])

    def _deployments(self) -> None:
        for one in self._listed("/apis/apps/v1/deployments"):
            meta, replicas = one["metadata"], one["spec"].get("replicas", 1)
            if (one.get("status") or {}).get("availableReplicas") != replicas:
                status = {"availableReplicas": replicas, "observedGeneration": meta["generation"], "conditions": []}
                path = f"/apis/apps/v1/namespaces/{meta['namespace']}/deployments/{meta['name']}/status"
                self.ask("PATCH", path, {"status": status}, media=MERGE)

    def _builds(self) -> None:
        for one in self._listed("/apis/build.openshift.io/v1/builds"):
            if one["status"]["phase"] == "New":
                meta = one["metadata"]
                path = f"/apis/build.openshift.io/v1/namespaces/{meta['namespace']}/builds/{meta['name']}"
                self.ask("PATCH", path, {"status": {"phase": "Complete"}}, media=MERGE)

    def _subscriptions(self) -> None:
        for one in self._listed(f"{OLM}/subscriptions"):
            meta, spec = one["metadata"], one["spec"]
            if (one.get("status") or {}).get("installedCSV"):
                continue
            for kind in OPERATORS[spec["name"]]:
                self.ask("POST", CRDS, crd(*kind))
            where, name = f"{OLM}/namespaces/{meta['namespace']}", spec["startingCSV"]
            self.ask("POST", f"{where}/clusterserviceversions", {"metadata": {"name": name}, "status": SUCCEEDED})
            self.ask("PATCH", f"{where}/subscriptions/{meta['name']}", {"status": {"installedCSV": name}}, media=MERGE)


SUCCEEDED = {"phase": "Succeeded"}


def crd(group: str, version: str, kind: str, scope: str = "Namespaced") -> dict[str, Any]:
    """A CustomResourceDefinition that keeps any field."""
    plural = f"{kind.lower()}s"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "scope": scope,
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }
