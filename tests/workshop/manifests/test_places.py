"""Paths of fields as messages write them."""

from __future__ import annotations

from workshop.manifests.places import parts


def test_a_path_has_names_keys_and_indices() -> None:
    assert parts("spec.steps[0].env[NAME]") == ["spec", "steps", 0, "env", "NAME"]


def test_a_digit_that_is_no_number_is_a_key() -> None:
    assert parts("spec.params[²]") == ["spec", "params", "²"]
