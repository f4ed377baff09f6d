"""Keys of ConfigMaps and Secrets become file names, so only valid file names are accepted."""

from __future__ import annotations

import pytest

from workshop.lab.admission import admit
from workshop.lab.api_errors import Invalid
from workshop.lab.kinds import built_in

FORMAT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  "
    "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("../x", f"{FORMAT}"),
        ("a/b", FORMAT),
        ("..", "must not be '..'"),
        (".", "must not be '.'"),
        ("..2024", "must not start with '..'"),
        ("x" * 254, "must be no more than 253 characters"),
    ],
)
@pytest.mark.parametrize(("kind", "field"), [("ConfigMap", "data"), ("ConfigMap", "binaryData"), ("Secret", "data")])
def test_a_key_that_is_no_name_of_a_file_is_refused(kind: str, field: str, key: str, problem: str) -> None:
    with pytest.raises(Invalid) as error:
        admit(built_in(kind), {"kind": kind, "metadata": {"name": "k"}, field: {key: "v"}}, None)
    assert str(error.value).startswith(f'{kind} "k" is invalid: ')
    assert f'{field}[{key}]: Invalid value: "{key}": {problem}' in str(error.value)


def test_ordinary_keys_are_taken() -> None:
    made = {"kind": "ConfigMap", "metadata": {"name": "k"}, "data": {".env": "", "a_B-1.yaml": "", "x" * 253: ""}}
    assert admit(built_in("ConfigMap"), made, None) == made
