"""What the lab's admission refuses in an object: every finding, each with its field.

Admission stops at an unknown field or a value of the wrong type, because the rest cannot be decoded. Such a finding is
noted, the field removed or its value written as text, and the object is admitted again.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from workshop.lab.admission.tekton.decode import Undecodable
from workshop.lab.admission.tekton.findings import Denied
from workshop.lab.api import offline
from workshop.lab.api.views import View
from workshop.lab.api_errors import ApiError
from workshop.lint.findings import Found
from workshop.manifests.objects import Object
from workshop.manifests.places import parts

_MOST = 100
"""Findings of fields that cannot be decoded, in one object."""
_PLACE = re.compile(r" - at `\$([^`]*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")
_LISTED = re.compile(r'unknown field "([^"]+)"')
_FIELD = re.compile(r"Go struct field \.?(\S+) ")
_FLAG = re.compile(r'requires "enable-api-fields" feature gate|^feature flag ')
_WITHOUT_PATH = {
    "stdout stream": "stdoutConfig",
    "stderr stream": "stderrConfig",
    "debug requires": "debug",
    "pipelineRef requires": "pipelineRef",
    "pipelineSpec requires": "pipelineSpec",
}
"""Fields that the webhook refuses without their path, by words of its message."""
_DENIED = re.compile(r'^(?:admission webhook "[^"]*" denied the request: )?(?:[a-z]+ failed: )?')


def refusals(view: View, obj: Object) -> tuple[Object | None, list[Found]]:
    """The object as far as it can be decoded, in the version that is stored, and why admission refuses it."""
    found: list[Found] = []
    tried = copy.deepcopy(obj)
    for _ in range(_MOST):
        try:
            offline.admitted(view, copy.deepcopy(tried))
            return view.taken(tried), found
        except Denied as e:
            return view.taken(tried), [*found, *_denied(e, tried)]
        except ApiError as e:
            if isinstance(e, Undecodable) and not isinstance(e.__cause__, msgspec.ValidationError):
                found += _refused(e)
                if _remove(tried, e.path):
                    continue
                return None, found
            problem = e.__cause__
            if isinstance(problem, msgspec.ValidationError) and (one := _mended(tried, problem)):
                found.append(one)
                continue
            if listed := _LISTED.findall(e.message):
                for field in listed:
                    found.append(Found("admission", parts(field), f'The field "{field}" is unknown.'))
                    _remove(tried, parts(field))
                continue
            return None, [*found, *_refused(e)]
    return None, found


def _denied(error: Denied, obj: Object) -> Iterator[Found]:
    """What a webhook of Tekton or Triggers refuses."""
    for message, paths in error.found.items():
        rule = "alpha-field" if _FLAG.search(message) else "admission"
        for path in paths or [""]:
            field = next((key for word, key in _WITHOUT_PATH.items() if word in message and not path), "")
            yield Found(rule, _path_of(obj, field) if field else parts(path), _sentence(message, path))


def _refused(error: ApiError) -> Iterator[Found]:
    """Other refusals: with causes, or with a message alone."""
    causes = (error.details or {}).get("causes") or []
    for cause in causes:
        field = str(cause.get("field") or "")
        yield Found("admission", parts(field), _sentence(str(cause.get("message")), field))
    if not causes:
        path = error.path if isinstance(error, Undecodable) else parts(next(iter(_FIELD.findall(error.message)), ""))
        yield Found("admission", path, _sentence(_DENIED.sub("", error.message), ""))


def _mended(obj: Object, problem: msgspec.ValidationError) -> Found | None:
    """The finding of a field that cannot be decoded, after the object was changed so that it can be."""
    text = str(problem)
    at = _PLACE.search(text)
    path = parts(at.group(1)) if at else []
    unknown = _UNKNOWN.match(text)
    if unknown:
        path = [*path, unknown.group(1)]
        return Found("admission", path, f'The field "{_written(path)}" is unknown.') if _remove(obj, path) else None
    if text.startswith("Expected `str`") and (holder := _holder(obj, path)) is not None:
        value = holder[path[-1]]
        if isinstance(value, bool | int | float):
            holder[path[-1]] = str(value).lower() if isinstance(value, bool) else str(value)
            return Found("admission", path, f'The field "{_written(path)}" is a text: write it in quotes.')
    return None


def _path_of(obj: Object, key: str) -> list[str | int]:
    """The path of a field by its name, the innermost one of several; empty when there is none."""
    return max(_paths_of(obj, key), key=len, default=[])


def _paths_of(value: Any, key: str) -> Iterator[list[str | int]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, one in inner:
        if part == key:
            yield [part]
        yield from ([part, *path] for path in _paths_of(one, key))


def _remove(obj: Object, path: list[str | int]) -> bool:
    holder = _holder(obj, path)
    if holder is None:
        return False
    del holder[path[-1]]
    return True


def _holder(obj: Any, path: list[str | int]) -> Any:
    """The object or list that has the last part of a path; None when there is none."""
    for part in path[:-1]:
        try:
            obj = obj[part]
        except (KeyError, IndexError, TypeError):
            return None
    last = path[-1] if path else None
    if isinstance(obj, dict):
        return obj if last in obj else None
    return obj if isinstance(obj, list) and isinstance(last, int) and last < len(obj) else None


def _written(path: list[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _sentence(message: str, field: str) -> str:
    """A message as one line with its field."""
    line = " ".join(message.split()).rstrip(".")
    return f"{field}: {line}." if field else f"{line}."
