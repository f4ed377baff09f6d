"""Validation of metadata for every kind: the syntax of names and labels, the size of annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workshop.lab.api_errors import Invalid
from workshop.lab.kinds import Kind
from workshop.lab.rbac.policy import GROUP
from workshop.manifests.objects import Object

_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_ANNOTATIONS = 256 * 1024
_SYNTAX = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_KEY_RULE = (
    f"name part {_SYNTAX} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_DOMAIN_LENGTH = 253
_DOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def check(kind: Kind, obj: Object, old: Object | None) -> None:
    """Raise Invalid for the name of a new object, and for new labels and annotations, that are not valid."""
    meta, before = obj["metadata"], (old or {}).get("metadata") or {}
    causes = [] if old else list(_name_causes(kind, meta))
    for field in ("labels", "annotations"):
        if meta.get(field) == before.get(field):
            continue
        found = {key: value or "" for key, value in (meta.get(field) or {}).items()}
        for key, value in found.items():
            wrong = [(key, problem) for problem in _key_problems(key)]
            if field == "labels":
                wrong += [(value, problem) for problem in _value_problems(value)]
            causes += [
                {
                    "reason": "FieldValueInvalid",
                    "message": f'Invalid value: "{shown}": {problem}',
                    "field": f"metadata.{field}",
                }
                for shown, problem in wrong
            ]
        if field == "annotations" and sum(len(k.encode()) + len(v.encode()) for k, v in found.items()) > _ANNOTATIONS:
            message = f"Too long: may not be more than {_ANNOTATIONS} bytes"
            causes.append({"reason": "FieldValueTooLong", "message": message, "field": "metadata.annotations"})
    if causes:
        name = str(meta.get("name") or "")
        lines = [f"{cause['field']}: {cause['message']}" for cause in causes]
        text = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
        details = {"name": name, "group": kind.group, "kind": kind.kind, "causes": causes}
        raise Invalid(f'{kind.title} "{name}" is invalid: {text}', details={k: v for k, v in details.items() if v})


def _name_causes(kind: Kind, meta: Object) -> Iterator[dict[str, str]]:
    """The rules of `ValidateObjectMeta` (apimachinery) for the name, or for the prefix of a name to be generated."""
    name, prefix = meta.get("name") or "", meta.get("generateName") or ""
    if not name and not prefix:
        message = "Required value: name or generateName is required"
        yield {"reason": "FieldValueRequired", "message": message, "field": "metadata.name"}
    # The names of Roles and bindings are path segments, for example system:admin.
    problems = _segment_problems if kind.group == GROUP else _domain_problems
    for field, value in (("generateName", prefix), ("name", name)):
        # Five characters follow a prefix, so it may end with a dash.
        checked = f"{value[:-1]}a" if field == "generateName" and value.endswith("-") else value
        for problem in problems(checked) if value else ():
            message = f'Invalid value: "{value}": {problem}'
            yield {"reason": "FieldValueInvalid", "message": message, "field": f"metadata.{field}"}


def _segment_problems(text: str) -> Iterator[str]:
    if text in (".", ".."):
        yield f"may not be '{text}'"
    yield from (f"may not contain '{one}'" for one in "/%" if one in text)


def _domain_problems(text: str) -> Iterator[str]:
    if len(text) > _DOMAIN_LENGTH:
        yield f"must be no more than {_DOMAIN_LENGTH} characters"
    elif not _DOMAIN.fullmatch(text):
        yield _DOMAIN_RULE


def _key_problems(key: str) -> Iterator[str]:
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        yield (
            f"a qualified name {_SYNTAX} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' "
            "(e.g. 'example.com/MyName')"
        )
        return
    if slash and not prefix:
        yield "prefix part must be non-empty"
    elif prefix:
        yield from (f"prefix part {problem}" for problem in _domain_problems(prefix))
    if not name:
        yield "name part must be non-empty"
    elif len(name) > 63:
        yield "name part must be no more than 63 characters"
    if not _PART.fullmatch(name):
        yield _KEY_RULE


def _value_problems(value: str) -> Iterator[str]:
    if len(value) > 63:
        yield "must be no more than 63 characters"
    if value and not _PART.fullmatch(value):
        yield _VALUE_RULE
