"""YAML is read as kubectl reads it."""

from __future__ import annotations

import pytest

from workshop.errors import ManifestError
from workshop.manifests.load import documents, parse


def test_the_one_letter_truth_values_of_yaml_1_1_are_truth_values() -> None:
    (found,) = parse('apiVersion: v1\nkind: X\nvalues: [y, N, "y", yes, off, yy]\ny: 1\n')
    assert found.object == {
        "apiVersion": "v1", "kind": "X", "values": [True, False, "y", True, False, "yy"], "true": 1,
    }  # fmt: skip


def test_a_key_that_is_no_text_is_an_error_with_its_line() -> None:
    with pytest.raises(ManifestError, match=r":3: bad YAML: a key is a list or a mapping; quote \{\{ \}\}"):
        parse("kind: X\nspec:\n  url: {{ repo_url }}\n")


def test_a_key_of_a_mapping_replaces_a_merged_one() -> None:
    text = "base: &base {apiVersion: v1, kind: A, x: 1}\nown: {<<: *base, x: 2}\nthird: {x: 3, <<: *base}\n"
    ((value, _),) = documents(text)
    assert (value["own"]["x"], value["third"]["x"]) == (2, 3)
    with pytest.raises(ManifestError, match='key "x" already set in map'):
        list(documents(text.replace("x: 2", "x: 2, x: 2")))
