"""`workshop lint FILE|FOLDER...`: find mistakes in manifests without a lab and without a cluster."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable

from workshop import output
from workshop.errors import OK, ManifestError, UsageError
from workshop.lint.findings import Finding
from workshop.lint.linter import Report
from workshop.lint.linter import lint as check
from workshop.lint.rules import RULES
from workshop.lint.sarif import sarif


def lint(words: argparse.Namespace) -> int:
    """Print the findings. The exit code is 4 if one of them is an error, or with --strict if there is any."""
    _refuse_unknown([*words.rule, *words.ignore])
    report = check(words.files, only=words.rule, without=words.ignore)
    if words.output == output.SARIF:
        output.say(json.dumps(sarif(report), indent=2))
    elif words.output == output.JSON:
        for one in report.findings:
            output.emit(_fields(one))
    else:
        for one in report.counted:
            output.say(f"{one.file}:{one.line}:{one.column}: {one.severity} {one.rule}: {one.message} {one.advice}")
        output.note(_summary(report))
    refused = [one for one in report.counted if words.strict or one.severity == "error"]
    return ManifestError.exit_code if refused else OK


def _refuse_unknown(rules: Iterable[str]) -> None:
    unknown = [rule for rule in rules if rule not in RULES]
    if unknown:
        raise UsageError(f"there is no rule {unknown[0]}", hint=f"allowed: {', '.join(RULES)}")


def _fields(one: Finding) -> dict[str, object]:
    found: dict[str, object] = {
        "file": one.file,
        "line": one.line,
        "column": one.column,
        "severity": one.severity,
        "rule": one.rule,
        "message": one.message,
        "advice": one.advice,
    }
    return found | ({"ignored": one.reason} if one.reason else {})


def _summary(report: Report) -> str:
    errors = sum(one.severity == "error" for one in report.counted)
    warnings, ignored = len(report.counted) - errors, len(report.findings) - len(report.counted)
    parts = [_number(errors, "error"), _number(warnings, "warning"), f"{ignored} ignored"]
    others = f", {_number(report.left_out, 'object')} of unknown kinds not checked" if report.left_out else ""
    return f"{_number(report.checked, 'object')} checked: {', '.join(parts)}{others}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
