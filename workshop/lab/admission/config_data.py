"""ConfigMaps and Secrets: their keys become names of files.

The rule and its words are those of Kubernetes (`IsConfigMapKey` in apimachinery's validation). The ConfigMaps that
configure Tekton have values that Tekton's webhook checks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from workshop.lab.admission.tekton.config import check_config
from workshop.lab.api_errors import Invalid
from workshop.manifests.objects import Object

_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_LONGEST = 253
_FORMAT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  "
    "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def admit_config_map(new: Object, old: Object | None) -> Object:
    """A ConfigMap. Raises BadRequest for a value that Tekton or the lab does not know, Invalid."""
    new = admit_config_data(new, old)
    check_config(new)
    return new


def admit_config_data(new: Object, old: Object | None) -> Object:
    """A ConfigMap or a Secret whose keys may be names of files. Raises Invalid."""
    causes = [
        f"{field}[{key}]: Invalid value: {json.dumps(key)}: {problem}"
        for field in ("data", "binaryData", "stringData")
        for key in new.get(field) or {}
        for problem in _problems(key)
    ]
    if causes:
        said = causes[0] if len(causes) == 1 else f"[{', '.join(causes)}]"
        name = new["metadata"].get("name", "")
        raise Invalid(f'{new.get("kind", "")} "{name}" is invalid: {said}')
    return new


def _problems(key: str) -> Iterator[str]:
    if len(key) > _LONGEST:
        yield f"must be no more than {_LONGEST} characters"
    if not _KEY.fullmatch(key):
        yield _FORMAT
    if key in (".", ".."):
        yield f"must not be '{key}'"
    elif key.startswith(".."):
        yield "must not start with '..'"
