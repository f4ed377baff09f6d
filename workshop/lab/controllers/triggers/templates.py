"""Fills a TriggerTemplate's manifests with an event's values.

Replacement works on the JSON text without escaping, because values are JSON fragments (see `values`). So a list or an
object is possible only where the surrounding text makes it JSON. The annotation `triggers.tekton.dev/old-escape-quotes`
escapes the quotes of such a value, for templates that put it into a string. A parameter without a value stays
unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from workshop.manifests.objects import Object
from workshop.manifests.triggers import TriggerTemplateSpec

OLD_ESCAPE = "triggers.tekton.dev/old-escape-quotes"
_VARIABLE = re.compile(r"\$\((?:tt\.params\.([_a-zA-Z][_a-zA-Z0-9.-]*)|(uid))\)")


class TemplateError(ValueError):
    """The result of a template is not a manifest."""


def filled(spec: TriggerTemplateSpec, values: Mapping[str, str], uid: str, *, old_escape: bool = False) -> list[Object]:
    """The manifests with `$(tt.params.x)` and `$(uid)` replaced, once. Raises TemplateError."""
    if old_escape:
        values = {name: value.replace('"', '\\"') for name, value in values.items()}

    def one(match: re.Match[str]) -> str:
        return uid if match.group(2) else values.get(match.group(1), match.group(0))

    made = []
    for index, template in enumerate(spec.resourcetemplates):
        text = _VARIABLE.sub(one, orjson.dumps(template).decode())
        try:
            obj: Any = orjson.loads(text)
        except orjson.JSONDecodeError as e:
            raise TemplateError(
                f"resourcetemplates[{index}]: couldn't unmarshal json: {e}; a list or an object was put into a string: "
                f'annotate the TriggerTemplate with {OLD_ESCAPE}: "true"'
            ) from e
        made.append(obj)
    return made
