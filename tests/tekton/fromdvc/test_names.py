"""Names of stages become names of tasks."""

from __future__ import annotations

import re

import yaml
from fromdvc.names import labels
from fromdvc.render import as_yaml
from fromdvc.tekton import Manifest
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.lists(st.text(st.sampled_from("abcXY019_-@./:训é "), min_size=1, max_size=90), unique=True, max_size=12)


@given(NAMES)
def test_every_name_becomes_a_dns_label_of_its_own(names: list[str]) -> None:
    found = labels(names, taken=("fetch", "publish"))
    assert set(found) == set(names)
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", label) for label in found.values())
    assert len({*found.values(), "fetch", "publish"}) == len(names) + 2


@given(NAMES)
def test_a_label_does_not_depend_on_the_order_of_the_stages(names: list[str]) -> None:
    assert labels(names) == labels(names[::-1])


def test_a_name_that_is_a_label_stays() -> None:
    assert labels(["train", "train@a_b", "../x/dvc.yaml:clean"]) == {
        "train": "train",
        "train@a_b": "train-a-b",
        "../x/dvc.yaml:clean": "x-dvc-yaml-clean",
    }


def test_names_that_would_be_the_same_label_end_with_their_hash() -> None:
    found = labels(["train@a_b", "train@A-b", "fetch"], taken=("fetch",))
    assert len(set(found.values())) == 3
    assert all(re.fullmatch(r"(train-a-b|fetch)-[0-9a-f]{6}", label) for label in found.values())


def test_names_that_kubectl_would_read_as_something_else_are_quoted() -> None:
    names = ["y", "N", "1e3", "0.5", "12e345", "yes", "a"]
    task = Manifest(apiVersion="tekton.dev/v1", kind="Pipeline", metadata={"name": "p"}, spec={"names": names})
    written = as_yaml([task], "fromdvc")
    (read,) = yaml.safe_load_all(written)
    assert read["spec"] == {"names": names}
    plain = [line.strip().removeprefix("- ") for line in written.splitlines() if line.strip().startswith("- ")]
    assert [line.strip("'\"") for line in plain] == names
    assert [line for line in plain if line[0] not in "'\""] == ["a"]
