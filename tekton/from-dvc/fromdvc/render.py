"""Objects as YAML or JSON text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import yaml

from fromdvc.tekton import Manifest

try:
    from yaml import CSafeDumper as _Base
except ImportError:  # a PyYAML without libyaml: slower, the same text
    from yaml import SafeDumper as _Base  # type: ignore[assignment]


class _Dumper(_Base):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
# kubectl reads these texts as truth values and numbers unless they are quoted; PyYAML does not know that.
_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^[yYnN]$"), list("yYnN"))
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"), list("-+.0123456789")
)


def as_yaml(objects: Sequence[Manifest], command: str) -> str:
    """One document for each object. The first lines name the command that makes the file."""
    head = f"# Made by fromdvc, do not edit. To make it again, in the root of the repository:\n#   {command}\n"
    return head + yaml.dump_all(
        objects, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True, explicit_start=True
    )


def as_json(objects: Sequence[Manifest]) -> str:
    """A List of the objects."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}) + "\n"
