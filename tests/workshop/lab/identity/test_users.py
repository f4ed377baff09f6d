"""The table of users and their tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workshop.errors import SetupError
from workshop.lab.build import build_lab
from workshop.lab.identity.users import Users, person
from workshop.lab.paths import LabPaths
from workshop.lab.store import Store

ANN, BOB = person("ann", "mlops-workshop"), person("bob")


def test_each_user_has_a_token_that_survives_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    first = Users.read(file).ensure([ANN, BOB])
    first.save()
    assert first.find(first.token("ann")) == ANN and first.token("ann") != first.token("bob")
    assert file.stat().st_mode & 0o077 == 0
    again = Users.read(file).ensure([ANN, BOB])
    assert [again.token(name) for name in again.names()] == [first.token("ann"), first.token("bob")]
    assert again.find("another") is None


def test_the_token_that_tasks_get_for_mlflow_does_not_open_the_api(tmp_path: Path) -> None:
    lab = build_lab(LabPaths(tmp_path), Store(), "the-token", {}, {})
    assert lab.identities.of("Bearer the-token") is None
    assert lab.identities.of(f"Bearer {lab.identities.users.token('user1')}") == lab.user


def test_people_that_somebody_added_stay(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    file.write_text(json.dumps({"eve": {"groups": ["instructors"], "token": "t"}}))
    made = Users.read(file).ensure([ANN])
    found = made.find("t")
    assert found is not None and (found.name, found.groups) == ("eve", ("instructors",))


@pytest.mark.parametrize("text", ["{", "[]", '{"ann": {}}', '{"ann": {"groups": 1, "token": "t"}}'])
def test_a_file_that_is_no_table_is_an_error_with_its_path(tmp_path: Path, text: str) -> None:
    file = tmp_path / "users.json"
    file.write_text(text)
    with pytest.raises(SetupError, match=r"users\.json: is not a table of users"):
        Users.read(file)
