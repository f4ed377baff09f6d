"""The types of Kubernetes are those that its published definitions describe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from workshop.manifests import generate, kubernetes, schemas
from workshop.manifests.types import TYPES

PUBLISHED: dict[str, Any] = json.loads(generate.DATA.read_text())


def test_the_module_is_what_make_types_makes() -> None:
    ruff = [str(Path(sys.executable).with_name("ruff")), "format", "--stdin-filename", str(generate.MODULE), "-"]
    made = subprocess.run(ruff, input=generate.module(PUBLISHED), capture_output=True, text=True, check=True)
    assert made.stdout == generate.MODULE.read_text(), "make types"


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_type_has_the_published_fields(name: str) -> None:
    fields = {field.encode_name for field in msgspec.structs.fields(getattr(kubernetes, name))}
    assert fields == set(PUBLISHED[name]["properties"])


@pytest.mark.parametrize(
    ("kind", "path", "rules"),
    [
        ("Pod", "spec volumes", {"patch-merge-key": "name", "patch-strategy": "merge,retainKeys", "list-type": "map"}),
        ("Pod", "spec tolerations", {"list-type": "atomic"}),
        ("Pod", "spec nodeSelector", {"map-type": "atomic"}),
        ("Service", "spec ports", {"list-map-keys": ["port", "protocol"], "patch-merge-key": "port"}),
        ("Pod", "spec containers [] env [] valueFrom configMapKeyRef", {"map-type": "atomic"}),
    ],
)
def test_merge_rules_reach_the_schema(kind: str, path: str, rules: dict[str, Any]) -> None:
    schema = schemas.schema_of("v1", kind)
    for step in path.split():
        schema = schemas.items(schema) if step == "[]" else schemas.child(schema, step)
    assert schema is not None
    assert {name: schema.get(f"x-kubernetes-{name}") for name in rules} == rules


def test_every_generated_kind_is_served() -> None:
    assert {kind.rpartition(".")[2] for kind in generate.KINDS} == {
        kind for (_, kind), type_ in TYPES.items() if type_.__module__ == kubernetes.__name__
    }


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("hostIPs", "host_ips"),
        ("nonResourceURLs", "non_resource_urls"),
        ("clusterIP", "cluster_ip"),
        ("httpGet", "http_get"),
        ("from", "from_"),
        ("seLinuxOptions", "se_linux_options"),
    ],
)
def test_names_become_pythons(name: str, attribute: str) -> None:
    assert generate.snake(name) == attribute
