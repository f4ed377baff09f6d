"""Patches and selectors hold their laws for any input."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
