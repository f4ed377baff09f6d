"""The objects for a cluster's Grafana operator: the same JSON, and a data source for each participant."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from grafana.render import RENDERED
from tests.grafana.boards import KIT, load
from tests.kubectl import kustomize

OPENSHIFT = KIT / "grafana" / "openshift"


PRODUCTION = KIT / "tekton" / "participant" / "production"


def _built(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["kind"], one["metadata"]["name"]): one for one in kustomize(folder)}


def test_each_dashboard_is_the_file_that_the_lab_draws() -> None:
    objects = _built(OPENSHIFT / "base")
    shown = {}
    for (kind, name), one in objects.items():
        if kind == "GrafanaDashboard":
            where = one["spec"]["configMapRef"]
            text = objects["ConfigMap", where["name"]]["data"][where["key"]]
            shown[where["key"]] = text
            assert json.loads(text)["uid"] == name
    assert shown and shown == {path.name: path.read_text(encoding="utf-8") for path in RENDERED.glob("*.json")}


def test_dashboards_and_datasources_select_the_grafana_that_is_made() -> None:
    labels = _built(OPENSHIFT / "base")["Grafana", "grafana"]["metadata"]["labels"]
    selecting = [
        one
        for one in [*_built(OPENSHIFT / "base").values(), *_built(OPENSHIFT / "participant").values()]
        if one["kind"] in ("GrafanaDashboard", "GrafanaDatasource")
    ]
    names = sorted(one["metadata"]["name"] for one in selecting)
    assert names == ["metrics", "model-quality", "model-serving", "regression-quality"]
    for one in selecting:
        assert one["spec"]["instanceSelector"]["matchLabels"].items() <= labels.items(), one["metadata"]["name"]


def test_a_participants_datasource_answers_for_one_namespace_with_a_token_of_that_namespace() -> None:
    objects = _built(PRODUCTION)
    namespaced = [one for one in objects.values() if one["kind"] != "Namespace"]
    assert {one["metadata"]["namespace"] for one in namespaced} == {"user1-production"}
    spec = objects["GrafanaDatasource", "metrics"]["spec"]
    assert spec["datasource"]["url"].endswith(":9092") and spec["allowCrossNamespaceImport"] is True
    # Every placeholder is filled, and nothing else is looked up.
    given = json.dumps(spec["datasource"])
    filled = {one["targetPath"]: next(iter(one["valueFrom"].values())) for one in spec["valuesFrom"]}
    assert sorted(re.findall(r"\$\{([\w.-]+)\}", given)) == sorted(ref["key"] for ref in filled.values())
    for path, ref in filled.items():
        value: Any = spec["datasource"]
        for part in path.split("."):
            value = value[part]
        assert f"${{{ref['key']}}}" in value
    # The bearer goes to the cluster's own Thanos alone.
    assert "tlsSkipVerify" not in given and filled.pop("secureJsonData.tlsCACert")["name"] == "openshift-service-ca.crt"
    (name,) = {ref["name"] for ref in filled.values()}
    secret = objects["Secret", name]
    account = secret["metadata"]["annotations"]["kubernetes.io/service-account.name"]
    assert ("ServiceAccount", account) in objects
    assert objects["RoleBinding", "metrics-reader"]["subjects"] == [
        {"kind": "ServiceAccount", "name": account, "namespace": "user1-production"}
    ]


@pytest.mark.parametrize("folder", [OPENSHIFT / "base", PRODUCTION], ids=["base", "production"])
def test_the_yaml_contains_no_secret(folder: Path) -> None:
    assert [
        key for key, one in _built(folder).items() if key[0] == "Secret" and ("data" in one or "stringData" in one)
    ] == []


def test_the_variable_of_the_datasource_lets_a_viewer_choose_the_namespace() -> None:
    first = [load(path)["templating"]["list"][0] for path in RENDERED.glob("*.json")]
    assert {(one["type"], one["query"]) for one in first} == {("datasource", "prometheus")}
