"""OpenShift's templates: `oc process` posts one and gets its objects with the parameters filled in.

The rules are those of `pkg/template` of openshift/library-go: `${NAME}` in a text is replaced by the parameter, a text
that is `${{NAME}}` by the parameter's JSON, and `generate: expression` makes a value from a pattern.
"""

from __future__ import annotations

import json
import re
import secrets
import string
from typing import Any

from workshop.lab.api import validation
from workshop.lab.api.review import Review
from workshop.lab.api_errors import Invalid
from workshop.manifests.objects import Object

_TEXT = re.compile(r"\$\{([a-zA-Z0-9_]+)\}")
_WHOLE = re.compile(r"\$\{\{([a-zA-Z0-9_]+)\}\}")
_PATTERN = re.compile(r"\[([a-zA-Z0-9\-\\]+)\](?:\{(\w+)\})?")
_CLASSES = {
    r"\w": string.ascii_letters + string.digits + "_",
    r"\d": string.digits,
    r"\a": string.ascii_letters + string.digits,
    r"\A": "".join(chr(code) for code in range(33, 127) if not chr(code).isalnum()),
}
_LONGEST = 255


def process(review: Review) -> Object:
    """The template with its objects processed. Raises BadRequest, Invalid."""
    template = {**review.value, "metadata": review.value.get("metadata") or {}}
    validation.check(review.kind, template, "Ignore")
    values = {}
    for index, parameter in enumerate(template.get("parameters") or ()):
        values[parameter.get("name")] = parameter["value"] = _value(template, index, parameter)
    labels = template.get("labels") or {}
    objects = [_labelled(_filled(one, values), labels) for one in template.get("objects") or ()]
    return {**template, "kind": "Template", "apiVersion": review.kind.api_version, "objects": objects}


def _value(template: Object, index: int, parameter: Object) -> str:
    value = parameter.get("value") or ""
    if not value and parameter.get("generate"):
        if parameter["generate"] != "expression":
            raise _invalid(
                template, f"template.parameters[{index}]", f"Unknown generator name '{parameter['generate']}'"
            )
        value = _generated(template, index, str(parameter.get("from") or ""))
    if not value and parameter.get("required"):
        name = parameter.get("name")
        why = f"Required value: template.parameters[{index}]: parameter {name} is required and must be specified"
        raise _invalid(template, f"template.parameters[{index}]", why)
    return str(value)


def _generated(template: Object, index: int, pattern: str) -> str:
    def one(match: re.Match[str]) -> str:
        length = match[2] or "1"
        if not length.isdecimal() or not 1 <= int(length) <= _LONGEST:
            why = f"range must be within [1-{_LONGEST}] characters ({length})"
            raise _invalid(template, f"template.parameters[{index}]", why)
        try:
            allowed = _alphabet(match[1])
        except ValueError as e:
            raise _invalid(template, f"template.parameters[{index}]", str(e)) from e
        return "".join(secrets.choice(allowed) for _ in range(int(length)))

    return _PATTERN.sub(one, pattern)


def _alphabet(text: str) -> str:
    """The characters of a class such as `a-zA-Z0-9` or `\\w`. Raises ValueError for a range that goes backwards."""

    def between(match: re.Match[str]) -> str:
        if match[1] > match[2]:
            raise ValueError(f"invalid range specified: {match[0]}")
        return "".join(map(chr, range(ord(match[1]), ord(match[2]) + 1)))

    for name, characters in _CLASSES.items():
        text = text.replace(name, characters) if name in text else text
    return "".join(dict.fromkeys(re.sub(r"(\w)-(\w)", between, text)))


def _filled(value: Any, values: dict[Any, str]) -> Any:
    if isinstance(value, dict):
        return {_filled(key, values): _filled(one, values) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, values) for one in value]
    if not isinstance(value, str):
        return value
    whole = _WHOLE.fullmatch(value)
    if whole and whole[1] in values:
        try:
            return json.loads(values[whole[1]])
        except (ValueError, RecursionError):
            return values[whole[1]]
    return _TEXT.sub(lambda match: values.get(match[1], match[0]), value)


def _labelled(obj: Any, labels: Object) -> Any:
    if not isinstance(obj, dict) or not labels:
        return obj
    meta = obj.get("metadata") or {}
    own = (meta.get("labels") or {}) if isinstance(meta, dict) else None
    # An object that is none is refused when it is created.
    return {**obj, "metadata": {**meta, "labels": {**own, **labels}}} if isinstance(own, dict) else obj


def _invalid(template: Object, path: str, why: str) -> Invalid:
    name = (template.get("metadata") or {}).get("name") or ""
    return Invalid(
        f'Template.template.openshift.io "{name}" is invalid: {path}: {why}',
        details={"name": name, "group": "template.openshift.io", "kind": "Template"},
    )
