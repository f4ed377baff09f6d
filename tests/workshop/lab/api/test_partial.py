"""Partial parsing of stored objects for Tables."""

from __future__ import annotations

import orjson
import pytest

from workshop.lab.api.partial import reader
from workshop.manifests.jsonpath import find

RUN = {
    "metadata": {"name": "r", "labels": {"a": "b"}},
    "spec": {"pipelineRef": {"name": "p"}, "params": [{"name": "x", "value": "1"}]},
    "status": {
        "conditions": [{"type": "Ready", "status": "False"}, {"type": "Succeeded", "status": "True"}],
        "startTime": "2026-11-21T01:45:29Z",
        "childReferences": [{"name": "c"}] * 50,
        "made.by": "somebody",
    },
    "flag": None,
    "a.b": {"c": 1},
}


@pytest.mark.parametrize(
    "path",
    [
        '.status.conditions[?(@.type=="Succeeded")].status',
        "{.status.startTime}",
        ".spec.pipelineRef.name",
        ".spec",
        ".spec['params']",
        ".status.missing",
        ".nothing.at.all",
        ".flag.below",
        "..name",
        ".metadata.labels.a",
        r".status.made\.by",
        r".a\.b.c",
    ],
)
def test_a_path_finds_in_the_part_what_it_finds_in_the_whole(path: str) -> None:
    assert find(path, reader((path,))(orjson.dumps(RUN))) == find(path, RUN)


def test_fields_without_a_column_are_not_parsed() -> None:
    part = reader((".status.startTime", ".metadata.name"))(orjson.dumps(RUN))
    assert part == {"metadata": RUN["metadata"], "status": {"startTime": "2026-11-21T01:45:29Z"}}


def test_a_path_to_the_whole_of_a_field_wins_over_one_into_it() -> None:
    part = reader((".spec.pipelineRef.name", ".spec"))(orjson.dumps(RUN))
    assert part["spec"] == RUN["spec"]
