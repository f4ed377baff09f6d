"""The findings as SARIF 2.1.0, which code scanners of GitHub and GitLab read.

Fields and their rules are those of the OASIS standard and of its JSON schema. The few that a linter needs are written
here, because the libraries for the format on PyPI are object models without more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from workshop.lint.findings import Finding
from workshop.lint.linter import Report
from workshop.lint.rules import RULES, Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(report: Report) -> dict[str, Any]:
    """A log with one run. Findings that comments ignore are suppressed in it."""
    ids = list(RULES)
    driver = {"name": "workshop lint", "rules": [_rule(rule) for rule in RULES.values()]}
    results = [_result(one, ids.index(one.rule)) for one in report.findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.finds},
        "fullDescription": {"text": f"{rule.finds} {rule.why}"},
        "help": {"text": rule.advice},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(one: Finding, index: int) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": _uri(one.file)},
        "region": {"startLine": one.line, "startColumn": one.column},
    }
    found: dict[str, Any] = {
        "ruleId": one.rule,
        "ruleIndex": index,
        "level": one.severity,
        "message": {"text": f"{one.message} {one.advice}"},
        "locations": [{"physicalLocation": place}],
    }
    if one.reason:
        found["suppressions"] = [{"kind": "inSource", "justification": one.reason}]
    return found


def _uri(file: str) -> str:
    """A path as a URI, relative to the working directory where it is inside of it."""
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
