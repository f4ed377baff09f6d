"""JSON patches: what the library of API servers makes of them, word for word; kubectl has the same one inside."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from workshop.cluster.kubectl import kubectl
from workshop.manifests import jsonpatch
from workshop.manifests.patches import PatchError

OBJECT: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a", "labels": {"x": "1"}, "annotations": {"a/b": "c", "m~n": "d"}, "finalizers": ["p", "q"]},
    "data": {"k": "v"},
}
LIST = "/metadata/finalizers"


def step(op: str, path: Any, **more: Any) -> dict[str, Any]:
    return {"op": op, "path": path, **more}


FITS = [
    [step("add", "/data/new", value="1")],
    [step("add", "/data/k", value="2")],
    [step("add", "/data/z")],
    [step("add", f"{LIST}/-", value="r")],
    [step("add", f"{LIST}/0", value="r")],
    [step("add", f"{LIST}/2", value="r")],
    [step("add", f"{LIST}/01", value="r")],
    [step("add", f"{LIST}/+1", value="r")],
    [step("add", f"{LIST}/-1", value="r")],
    [step("add", f"{LIST}/-3", value="r")],
    [step("remove", "/metadata/annotations/a~1b")],
    [step("remove", "/metadata/annotations/m~0n")],
    [step("remove", f"{LIST}/-1")],
    [step("replace", "/data/nope", value="z")],
    [step("replace", "/data", value=None)],
    [step("replace", f"{LIST}/-1", value="r")],
    [step("replace", "/", value="1")],
    [step("replace", "", value={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "r"}})],
    [step("test", "/data/nope", value=None)],
    [step("test", "/metadata/labels", value={"x": "1"}), step("test", LIST, value=["p", "q"])],
    [step("add", "/data/z", value=None), step("test", "/data/z", value=None)],
    [step("move", "/data/z", **{"from": "/data/k"})],
    [step("move", "/data/z", **{"from": f"{LIST}/0"})],
    [step("copy", "/data/z", **{"from": "/data/nope"})],
    [step("copy", "/data/z", **{"from": f"{LIST}/-1"})],
    [],
]
DOES_NOT_FIT = [
    [step("remove", "/metadata/labels/nope")],
    [step("remove", f"{LIST}/5")],
    [step("remove", f"{LIST}/-3")],
    [step("remove", f"{LIST}/-")],
    [step("remove", "/nope/nope")],
    [step("remove", "")],
    [step("add", f"{LIST}/9", value="z")],
    [step("add", f"{LIST}/x", value="z")],
    [step("add", f"{LIST}/-4", value="z")],
    [step("add", "metadata", value=1)],
    [step("add", "metadata/labels/q", value="1")],
    [step("add", "", value={})],
    [step("add", "/data/k/y", value="y")],
    [step("add", 5, value="y")],
    [{"op": "add", "value": "1"}],
    [{"path": "/data/z", "value": "1"}],
    [step("bogus", "/a")],
    [step("test", "/metadata/labels/x", value="2")],
    [step("test", "/data/k")],
    [step("test", "", value={})],
    [step("test", f"{LIST}/7", value="p")],
    [step("test", "/a/b/c", value="p")],
    [step("copy", "/data/z")],
    [step("copy", "/data/z", **{"from": "/a/b/c"})],
    [step("copy", "/a/b/c", **{"from": "/data/k"})],
    [step("copy", f"{LIST}/9", **{"from": "/data/k"})],
    [step("copy", "/data/z", **{"from": f"{LIST}/9"})],
    [step("move", "/data/z", **{"from": "/data/nope"})],
    [step("move", "/data/z", **{"from": f"{LIST}/9"})],
    [step("move", "/a/b/c", **{"from": "/data/k"})],
    [step("move", "/data/z", **{"from": "/a/b/c"})],
    [step("replace", "/a/b/c", value=1)],
    {"op": "add"},
    [5],
]


def by_kubectl(file: Path, patch: Any) -> subprocess.CompletedProcess[str]:
    file.write_text(json.dumps(OBJECT))
    words = ["patch", "--local", "-f", str(file), "--type=json", "-p", json.dumps(patch), "-o", "json"]
    env = {"HOME": str(file.parent), "KUBECONFIG": "/nowhere"}
    return subprocess.run([kubectl(), *words], capture_output=True, text=True, env=env, check=False)


@pytest.mark.parametrize("patch", FITS, ids=json.dumps)
def test_a_patch_that_fits_gives_what_kubectl_gives(tmp_path: Path, patch: Any) -> None:
    done = by_kubectl(tmp_path / "object.json", patch)
    before = copy.deepcopy(OBJECT)
    assert jsonpatch.apply(OBJECT, patch) == json.loads(done.stdout), done.stderr
    assert before == OBJECT


@pytest.mark.parametrize("patch", DOES_NOT_FIT, ids=json.dumps)
def test_a_patch_that_does_not_fit_is_refused_in_kubectls_words(tmp_path: Path, patch: Any) -> None:
    with pytest.raises(PatchError) as error:
        jsonpatch.apply(OBJECT, patch)
    assert by_kubectl(tmp_path / "object.json", patch).stderr == f"error: {error.value}\n"


@pytest.mark.parametrize(
    ("patch", "result"),
    [
        ([step("add", "/l/-", value=3)], {"l": [1, 2, 3], "m": {"a/b": 1}}),
        ([step("add", "/l/0", value=0)], {"l": [0, 1, 2], "m": {"a/b": 1}}),
        ([step("remove", "/m/a~1b")], {"l": [1, 2], "m": {}}),
        ([step("replace", "/l/1", value=9)], {"l": [1, 9], "m": {"a/b": 1}}),
        ([step("move", "/m/n", **{"from": "/l/0"})], {"l": [2], "m": {"a/b": 1, "n": 1}}),
        ([step("copy", "/k", **{"from": "/l"})], {"l": [1, 2], "m": {"a/b": 1}, "k": [1, 2]}),
        ([step("test", "/l/0", value=1)], {"l": [1, 2], "m": {"a/b": 1}}),
    ],
    ids=str,
)
def test_a_patch_does_what_rfc_6902_says(patch: Any, result: Any) -> None:
    assert jsonpatch.apply({"l": [1, 2], "m": {"a/b": 1}}, patch) == result


@pytest.mark.parametrize("patch", DOES_NOT_FIT, ids=json.dumps)
def test_a_patch_that_does_not_fit_is_refused(patch: Any) -> None:
    with pytest.raises(PatchError):
        jsonpatch.apply(OBJECT, patch)


def test_replace_sets_a_member_that_is_not_there_by_which_a_run_is_cancelled() -> None:
    assert jsonpatch.apply({"spec": {}}, [step("replace", "/spec/status", value="Cancelled")]) == {
        "spec": {"status": "Cancelled"}
    }


@pytest.mark.parametrize(("there", "value"), [(1, True), (1, 1.0), (0, False), ([1], [True]), ({"a": 0}, {"a": False})])
def test_values_of_other_types_are_not_the_same(there: Any, value: Any) -> None:
    with pytest.raises(PatchError, match="test failed"):
        jsonpatch.apply({"a": there}, [step("test", "/a", value=value)])


def test_an_index_outside_a_list_is_a_key_that_is_not_there() -> None:
    for index in ("2", "-3", "-", "x"):
        with pytest.raises(PatchError, match=f"^replace operation does not apply: doc is missing key: /l/{index}"):
            jsonpatch.apply({"l": [1, 2]}, [step("replace", f"/l/{index}", value=3)])


def test_copies_may_not_grow_an_object_without_bound() -> None:
    doubling = [step("copy", f"/a/{n}", **{"from": "/a"}) for n in range(60)]
    with pytest.raises(PatchError, match="the accumulated size increase of copy is"):
        jsonpatch.apply({"a": {"text": "x" * 1000}}, doubling)


def test_a_patch_of_too_many_operations_is_too_large() -> None:
    with pytest.raises(jsonpatch.UnreadablePatch, match="is 10000, got 10001") as error:
        jsonpatch.apply({}, [step("add", "/a", value=1)] * 10_001)
    assert error.value.too_large
