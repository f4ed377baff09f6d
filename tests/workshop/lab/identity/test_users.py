"""The table of users and their tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workshop.errors import SetupError
from workshop.lab.identity.users import Users, person

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


def test_a_given_token_replaces_the_one_in_the_table(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    first = Users.read(file).ensure([ANN])
    first.save()
    old = first.token("ann")
    made = Users.read(file).ensure([ANN], {"ann": "given"})
    assert made.find("given") == ANN and made.find(old) is None
    made.save()
    assert Users.read(file).find("given") == ANN


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
