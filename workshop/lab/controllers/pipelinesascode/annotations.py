"""The values of annotations: one word, or a list in brackets (pkg/matcher/annotation_matcher.go)."""

from __future__ import annotations

import re
from collections.abc import Mapping

_FORM = re.compile(r"\[(.*)\]|[^\[\]\s]*")
_COMMA = "&#44;"
"""A comma inside a value."""


class AnnotationError(ValueError):
    """An annotation has another form."""


def values(text: str) -> list[str]:
    """The values of an annotation. Raises AnnotationError."""
    text = text.strip()
    match = _FORM.fullmatch(text)
    if match is None:
        raise AnnotationError(f"annotations in pipeline are in wrong format: {text}")
    if match[1] is None:
        return [text.replace(_COMMA, ",")]
    found = [one.replace(_COMMA, ",").strip() for one in match[1].split(",")]
    if not found[0]:
        raise AnnotationError(f'annotation "{text}" has empty values')
    return found


def remote(annotations: Mapping[str, str], pattern: str) -> list[str]:
    """The values of all annotations whose key matches a pattern, in the order of the keys. Raises AnnotationError."""
    return [value for key in sorted(annotations) if re.fullmatch(pattern, key) for value in values(annotations[key])]
