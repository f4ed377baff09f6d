"""The next command of an error depends on why the server refused."""

from __future__ import annotations

import pytest

from workshop.cluster.applying import refused
from workshop.cluster.transport import ApiFailure

OWNED = {"causes": [{"reason": "FieldManagerConflict", "message": 'conflict with "somebody"', "field": ".data.a"}]}


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (ApiFailure(409, "Conflict", "Apply failed with 1 conflict", OWNED), "--force takes them over"),
        (ApiFailure(409, "Conflict", "the object has been modified"), "the same command goes on"),
        (ApiFailure(403, "Forbidden", "exceeded quota: small"), "ResourceQuota"),
        (ApiFailure(403, "Forbidden", "cannot patch"), "preflight lists the rights"),
    ],
)
def test_the_hint_fits_the_refusal(error: ApiFailure, hint: str) -> None:
    found = refused(error, "change ConfigMap a in b")
    assert hint in str(found) and ("--force" in str(found)) == ("--force" in hint)
    assert str(found).startswith(f"cannot change ConfigMap a in b: {error.code} ")
