"""An object that was created is changed by a later apply as if it had been applied from the start."""

from __future__ import annotations

import pytest

from tests.workshop.cluster.adoption import configmap, data_after
from tests.workshop.lab.api.conftest import lab, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab
from workshop.cluster.adopting import adopted
from workshop.errors import ManifestError


def test_a_field_that_is_no_longer_wanted_goes_and_one_of_others_stays(
    lab: Lab,  # noqa: F811
    namespace: str,  # noqa: F811
) -> None:
    first, second = configmap(namespace, a="1", b="2"), configmap(namespace, a="3")
    data, mine = data_after(lab.state.kubeconfig, namespace, first, second, between={"c": "theirs"})
    assert data == {"a": "3", "c": "theirs"} and mine == ["Apply"]


def test_a_value_that_somebody_else_has_changed_is_a_conflict(lab: Lab, namespace: str) -> None:  # noqa: F811
    first, second = configmap(namespace, a="1"), configmap(namespace, a="3")
    with pytest.raises(ManifestError, match="somebody"):
        data_after(lab.state.kubeconfig, namespace, first, second, between={"a": "theirs"})


def test_the_entries_of_one_manager_become_one() -> None:
    def entry(operation: str, *names: str, manager: str = "kit") -> dict[str, object]:
        fields: dict[str, object] = {"f:data": {f"f:{name}": {} for name in names}}
        return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields}

    theirs = entry("Update", "c", manager="other")
    found = adopted([entry("Update", "a"), theirs, entry("Apply", "b")], "kit")
    assert found == [theirs, entry("Apply", "a", "b")]
    assert adopted([theirs, entry("Apply", "b")], "kit") is None and adopted([], "kit") is None
