"""CEL in `.tekton/`: in the annotation on-cel-expression, in `{{ }}`, and in the filters of a Repository's params.

Variables are those of pkg/matcher/cel.go and pkg/cel/cel.go. cel-go's list library is missing, as in Triggers here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cel_expr_python import cel  # type: ignore[import-not-found, import-untyped, unused-ignore]
from cel_expr_python.ext import ext_strings  # type: ignore[import-not-found, import-untyped, unused-ignore]

from workshop.lab.controllers.celvalues import ExpressionError, as_json, doubles, first_line, in_go
from workshop.lab.controllers.pipelinesascode.event import PUSH, Event
from workshop.lab.controllers.pipelinesascode.globs import matches

MAX_EXPRESSION = 64 * 1024
_MAP, _STRING = cel.Type.Map(cel.Type.STRING, cel.Type.DYN), cel.Type.STRING
_WORDS = (
    "event", "event_type", "target_branch", "source_branch", "target_url", "source_url", "event_title", "revision",
    "repo_owner", "repo_name", "sender", "repo_url", "git_tag", "target_namespace", "trigger_comment",
    "pull_request_labels", "pull_request_number", "git_auth_secret",
)  # fmt: skip
"""The variables of `{{ }}` besides body, headers, files and pac."""
_QUOTED = re.compile(r"""("([^"\\]|\\.)*"|'([^'\\]|\\.)*')""")
_HEADS = "refs/heads/"


def is_match(expression: str, event: Event, params: Mapping[str, str]) -> bool:
    """Whether on-cel-expression is true for an event. `params` are those of the Repository. Raises ExpressionError."""
    variables: dict[str, Any] = {
        "event": event.target,
        "event_type": event.type,
        "event_title": event.event_title,
        "target_branch": event.base_branch,
        "source_branch": event.head_branch,
        "target_url": event.url,
        "source_url": event.url,
        "body": doubles(dict(event.body)),
        "headers": {name.lower(): value for name, value in event.headers.items()},
        "files": _files(event),
    }
    if event.target == PUSH and _HEADS not in expression:
        # The branch of a push is a ref; an expression that does not write refs/heads/ compares the name.
        bare = _QUOTED.sub("", expression)
        for name in ("target_branch", "source_branch"):
            if re.search(rf"\b{name}\b", bare):
                variables[name] = variables[name].removeprefix(_HEADS)
    variables = {**params, **variables}
    paths = event.changed.all
    changed = cel.FunctionDecl(
        "pathChanged",
        [cel.Overload("path_changed", cel.Type.BOOL, [_STRING], True, lambda one: any(matches(one, p) for p in paths))],
    )
    return evaluate(expression, variables, [changed]) is True


def value(expression: str, event: Event, params: Mapping[str, str], headers: Mapping[str, str]) -> Any:
    """The value of an expression in `{{ }}` or of a filter. Raises ExpressionError."""
    variables: dict[str, Any] = {
        **{name: params.get(name, "") for name in _WORDS},
        "body": doubles(dict(event.body)),
        "headers": dict(headers),
        "files": _files(event),
        "pac": dict(params),
    }
    return evaluate(expression, variables)


def _files(event: Event) -> dict[str, list[str]]:
    """The variable `files`."""
    changed = event.changed
    return {
        "all": list(changed.all),
        "added": list(changed.added),
        "deleted": list(changed.deleted),
        "modified": list(changed.modified),
        "renamed": list(changed.renamed),
    }


def evaluate(expression: str, variables: Mapping[str, Any], functions: list[cel.FunctionDecl] | None = None) -> Any:
    """The value of an expression as JSON. Raises ExpressionError, in the words of cel-go where they are known."""
    if len(expression) > MAX_EXPRESSION:
        raise ExpressionError(f"the expression has {len(expression)} characters; at most {MAX_EXPRESSION} are taken")
    quoted = json.dumps(expression, ensure_ascii=False)
    types = {name: _STRING if isinstance(one, str) else _MAP for name, one in variables.items()}
    environment = cel.NewEnv(variables=types, extensions=[ext_strings.ExtStrings()], functions=functions or [])
    try:
        compiled = environment.compile(expression)
    except RuntimeError as e:
        message = str(e)
        if "Syntax error" in message:
            raise ExpressionError(f"failed to parse expression {quoted}: {first_line(message)}") from e
        raise ExpressionError(f"expression {quoted} check failed: {first_line(message)}") from e
    result = compiled.eval(data=dict(variables))
    found = result.plain_value()
    if result.type() == cel.Type.ERROR:
        raise ExpressionError(f"expression {quoted} failed to evaluate: {in_go(first_line(str(found)))}")
    return as_json(found)
