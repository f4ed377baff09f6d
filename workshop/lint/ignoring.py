"""Comments that ignore a finding: `# workshop-lint: ignore RULE[,RULE]: the reason`.

It counts for the line that it is on, or else for the next line. `ignore-file` counts for the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from workshop.lint.findings import Finding
from workshop.lint.rules import RULES

_COMMENT = re.compile(r"#\s*workshop-lint:\s*(ignore(?:-file)?)\s+([a-z, -]+?)\s*(?::\s*(.*?)\s*)?$")


@dataclass
class _Comment:
    """One comment. `line` is the line that it is about, 0 for the whole file."""

    written: int
    line: int
    rules: tuple[str, ...]
    reason: str
    used: bool = False


def with_ignored(
    findings: Sequence[Finding], lines: Mapping[str, Sequence[str]], rules: Collection[str]
) -> list[Finding]:
    """The findings with the reasons of those that comments ignore, and findings about comments without effect.

    `rules` were applied; a comment about another one is no finding.
    """
    comments = {file: list(_comments(text)) for file, text in lines.items()}
    found = [_ignored(one, comments.get(one.file, ())) for one in findings]
    for file, of_file in comments.items():
        for one in of_file:
            unknown = [rule for rule in one.rules if rule not in RULES]
            applied = all(rule in rules for rule in one.rules)
            problem = "" if one.used or not applied else f"No {' or '.join(one.rules)} is found there."
            problem = f"There is no rule {' and no rule '.join(unknown)}." if unknown else problem
            problem = problem if one.reason else "The comment gives no reason, so it has no effect."
            if problem:
                found.append(Finding(file, one.written, 1, "unused-ignore", problem, "warning"))
    return found


def _ignored(finding: Finding, comments: Sequence[_Comment]) -> Finding:
    for one in comments:
        if one.reason and one.line in (0, finding.line) and finding.rule in one.rules:
            one.used = True
            return replace(finding, reason=one.reason)
    return finding


def _comments(lines: Sequence[str]) -> Iterator[_Comment]:
    for number, line in enumerate(lines, 1):
        match = _COMMENT.search(line) if "workshop-lint:" in line else None
        if match:
            alone = not line[: match.start()].strip()
            about = 0 if match.group(1) == "ignore-file" else number + 1 if alone else number
            rules = tuple(one for one in re.split(r"[,\s]+", match.group(2)) if one)
            yield _Comment(number, about, rules, match.group(3) or "")
