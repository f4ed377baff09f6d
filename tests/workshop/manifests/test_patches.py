"""Properties of patches and selectors for any input."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workshop.cluster.kubectl import kubectl
from workshop.manifests import patches, selectors
from workshop.manifests.schemas import schema_of
from workshop.manifests.strategic import strategic

KEYS = st.text("abc", min_size=1, max_size=2)
SCALARS = st.one_of(st.booleans(), st.integers(-3, 3), st.text("xy", max_size=2))
VALUES: Any = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)
NAMED = st.lists(
    st.builds(lambda n, i: {"name": n, "image": i}, KEYS, st.text("xy", max_size=2)),
    max_size=4,
    unique_by=lambda one: one["name"],
)


@given(OBJECTS, OBJECTS)
def test_difference_leads_from_one_to_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    kept = copy.deepcopy((old, new))
    assert patches.merge(old, patches.difference(old, new)) == new
    assert (old, new) == kept
    assert patches.difference(new, new) == {}


@given(OBJECTS, OBJECTS)
def test_merge_is_idempotent(target: dict[str, Any], patch: dict[str, Any]) -> None:
    once = patches.merge(target, patch)
    assert patches.merge(once, patch) == once


@given(NAMED, NAMED)
@settings(max_examples=50)
def test_strategic_patch_keeps_each_name_once(old: list[dict[str, str]], new: list[dict[str, str]]) -> None:
    schema = schema_of("v1", "Pod")
    target = {"spec": {"containers": old}}
    result = strategic(target, {"spec": {"containers": new}}, schema)["spec"]["containers"]
    by_name = {one["name"]: one for one in result}
    assert len(by_name) == len(result)
    assert {one["name"] for one in [*old, *new]} == set(by_name)
    assert all(by_name[one["name"]] == one for one in new)
    again = strategic({"spec": {"containers": result}}, {"spec": {"containers": new}}, schema)
    assert again["spec"]["containers"] == result


def test_strategic_directives_are_obeyed() -> None:
    schema = schema_of("v1", "Pod")
    pod = {"spec": {"containers": [{"name": "a"}, {"name": "b"}], "nodeSelector": {"x": "y"}}}
    patch = {
        "spec": {
            "containers": [{"name": "a", "$patch": "delete"}, {"name": "c"}],
            "$setElementOrder/containers": [{"name": "c"}, {"name": "b"}],
            "nodeSelector": {"$patch": "replace", "q": "r"},
        }
    }
    assert strategic(pod, patch, schema) == {
        "spec": {"containers": [{"name": "c"}, {"name": "b"}], "nodeSelector": {"q": "r"}}
    }
    with pytest.raises(patches.PatchError, match="does not contain declared merge key: name"):
        strategic(pod, {"spec": {"containers": [{"image": "x"}]}}, schema)


@given(
    st.dictionaries(KEYS, st.text("xyz", min_size=1, max_size=2), max_size=4),
    KEYS,
    st.text("xyz", min_size=1, max_size=2),
)
def test_selector_and_its_negation_share_all_labels(labels: dict[str, str], key: str, value: str) -> None:
    for one, other in (
        (f"{key}={value}", f"{key}!={value}"),
        (key, f"!{key}"),
        (f"{key} in ({value},q)", f"{key} notin ({value},q)"),
    ):
        assert selectors.labels(one)(labels) != selectors.labels(other)(labels)
    assert selectors.labels("")(labels)
    equal = labels.get(key) == value
    assert selectors.labels(f"{key}={value}")(labels) is equal


@pytest.mark.parametrize(
    ("api_version", "kind", "spec", "change"),
    [
        ("v1", "Service", {"selector": {"a": "1"}, "ports": [{"port": 80}]}, {"selector": {"b": "2"}}),
        ("v1", "Service", {"ports": [{"port": 80}, {"port": 81}]}, {"ports": [{"port": 80, "$patch": "delete"}]}),
        (
            "policy/v1",
            "PodDisruptionBudget",
            {"selector": {"matchLabels": {"a": "1"}}},
            {"selector": {"matchLabels": {"b": "2"}}},
        ),
        (
            "v1",
            "Pod",
            {"containers": [{"name": "c", "image": "x"}], "volumes": [{"name": "v", "emptyDir": {"medium": "Memory"}}]},
            {"volumes": [{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "m"}}]},
        ),
        (
            "v1",
            "Pod",
            {
                "containers": [{"name": "c", "image": "x", "env": [{"name": "A", "value": "1"}]}],
                "nodeSelector": {"a": "1"},
            },
            {"containers": [{"name": "c", "env": [{"name": "B", "value": "2"}]}], "nodeSelector": {"b": "2"}},
        ),
    ],
)
def test_strategic_patch_is_that_of_kubectl(
    api_version: str, kind: str, spec: dict[str, Any], change: dict[str, Any], tmp_path: Path
) -> None:
    before = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    (tmp_path / "before.json").write_text(json.dumps(before))
    words = ["patch", "--local", "-f", str(tmp_path / "before.json"), "-p", json.dumps({"spec": change}), "-o", "json"]
    env = {"HOME": str(tmp_path), "KUBECONFIG": "/nowhere"}
    done = subprocess.run([kubectl(), *words], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    mine = strategic(before, {"spec": change}, schema_of(api_version, kind))["spec"]

    def plain(value: Any) -> Any:
        """Without empty fields, which kubectl writes, and with lists in one order: the patch does not say which."""
        if isinstance(value, dict):
            return {key: plain(one) for key, one in sorted(value.items()) if one not in ({}, "", None)}
        return sorted(map(plain, value), key=json.dumps) if isinstance(value, list) else value

    assert plain(mine) == plain(json.loads(done.stdout)["spec"])
