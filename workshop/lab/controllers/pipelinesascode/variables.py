"""The variables of `{{ }}`: standard ones, those of the Repository, body, headers, files and CEL.

The rules are those of pkg/customparams and pkg/templates at v0.48. A variable without a value stays as it is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workshop.lab.controllers.celvalues import ExpressionError
from workshop.lab.controllers.pipelinesascode import expressions
from workshop.lab.controllers.pipelinesascode.event import Event

PLACEHOLDER = re.compile(r"\{\{([^}]{2,})\}\}")
_EVALUATED = ("body", "headers", "files")
_ARGUMENT = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^"\'\s]+))')
"""An argument of a comment that begins with a slash: key=value, key="two words"."""
ReadSecret = Callable[[str, str], str]
"""`read(name, key)`; raises LookupError."""


def standard(event: Event, namespace: str) -> dict[str, str]:
    """The variables of every event."""
    return {
        "revision": event.sha,
        "repo_url": event.url,
        "repo_owner": event.owner.lower(),
        "repo_name": event.repository.lower(),
        "target_branch": branch(event.base_branch),
        "source_branch": branch(event.head_branch),
        "git_tag": event.base_branch.removeprefix("refs/tags/") if event.base_branch.startswith("refs/tags/") else "",
        "source_url": event.url,
        "sender": event.sender.lower(),
        "target_namespace": namespace,
        "event_type": event.type,
        "trigger_comment": event.comment.replace("\r\n", "\\n").replace("\n", "\\n"),
        "pull_request_labels": "\\n".join(event.labels),
    }


def branch(ref: str) -> str:
    """A branch without refs/heads/; another ref as it is."""
    return ref.removeprefix("refs/heads/").removeprefix("refs-heads-")


def params_of(
    event: Event, namespace: str, declared: Sequence[Mapping[str, Any]] | None, secret: ReadSecret
) -> dict[str, str]:
    """The values by name: `declared` are spec.params of the Repository. Raises ExpressionError, LookupError.

    With params in the Repository, a standard variable without a value is left out, as in Pipelines as Code.
    """
    known = standard(event, namespace)
    given = _arguments(event.comment)
    known |= {name: text for name, text in given.items() if name in known}
    known |= event.given
    if declared is None:
        return known
    found: dict[str, str] = {}
    filtered: set[str] = set()
    for one in declared:
        name = one.get("name", "")
        if not name or (one.get("filter") and name in filtered):
            continue
        if one.get("filter"):
            if expressions.value(one["filter"], event, known, {}) is not True:
                continue
            filtered.add(name)
        if one.get("value"):
            found[name] = one["value"]
        elif name in given and name not in known:
            found[name] = ""
        elif reference := one.get("secret_ref"):
            found[name] = secret(reference["name"], reference.get("key", ""))
    found = {**{name: text for name, text in known.items() if text}, **found}
    return {**found, **{name: text for name, text in given.items() if name in found and text}, **event.given}


def substitute(text: str, params: Mapping[str, str], event: Event | None) -> str:
    """A text with the values of its variables. Without an event, only `params` are substituted."""

    def one(match: re.Match[str]) -> str:
        name = match[1].strip()
        is_cel = name.startswith("cel:")
        if not is_cel and not name.startswith(_EVALUATED):
            return params.get(name, match[0])
        if event is None:
            return match[0]
        expression = name.removeprefix("cel:").strip() if is_cel else name
        try:
            return _text(expressions.value(expression, event, params if is_cel else {}, event.headers))
        except ExpressionError:
            return "" if is_cel else match[0]

    return PLACEHOLDER.sub(one, text)


def _arguments(comment: str) -> dict[str, str]:
    if not comment.startswith("/"):
        return {}
    return {name: quoted.replace('\\"', '"') or bare for name, quoted, bare in _ARGUMENT.findall(comment)}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    )
