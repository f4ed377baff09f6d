"""Module 5, version data: Git has the pointer of August, and the remote has its bytes, a whole month."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import yaml

from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.checks.git import BRANCH, drop, git, has, shown
from workshop.languages.catalog import N_, Sentence

MONTH = "model/data/flights-2013-08.csv"
POINTER = f"{MONTH}.dvc"
_WORK, _GIT, _BYTES, _REMOTE = (
    Sentence("you work on the branch {branch}", branch=BRANCH),
    N_("Git has the pointer to August"),
    N_("your August is the one that the pointer names"),
    N_("the DVC remote has it"),
)


def check(context: CheckContext) -> list[Finding]:
    """The branch, the pointer, the file, the remote."""
    if not has(context, BRANCH):
        return [
            Finding(_WORK, False, Sentence("there is no branch {branch}", branch=BRANCH), f"git switch -c {BRANCH}"),
            *(
                Finding(task, False, Sentence("it belongs on {branch}", branch=BRANCH), "")
                for task in (_GIT, _BYTES, _REMOTE)
            ),
        ]
    work = Finding(_WORK, True, Sentence("it has {count} commits of yours", count=_count(context)))
    md5 = _md5(shown(context, BRANCH, POINTER))
    if not md5:
        return [
            work,
            Finding(
                _GIT,
                False,
                Sentence("{pointer} is in no commit of {branch}", pointer=POINTER, branch=BRANCH),
                f"git add {POINTER}, then git commit",
            ),
            *(Finding(task, False, N_("it needs the pointer"), "") for task in (_BYTES, _REMOTE)),
        ]
    commit = git(context, "log", "--diff-filter=A", "--format=%h", "-1", BRANCH, "--", POINTER)
    return [
        work,
        Finding(_GIT, True, Sentence("commit {commit}", commit=commit)),
        _same(context, md5),
        _remote(context),
    ]


def reset(context: CheckContext, _: Editor) -> list[str]:
    """Set the branch back to its start; August's file and its pointer are removed."""
    said = drop(context, BRANCH)
    for name in (MONTH, POINTER):
        (context.clone / name).unlink(missing_ok=True)
    return said


def _same(context: CheckContext, md5: str) -> Finding:
    file = context.clone / MONTH
    again = f"cd model && dvc pull {Path(POINTER).relative_to('model')}"
    if not file.exists():
        return Finding(_BYTES, False, Sentence("{month} is not there", month=MONTH), again)
    found = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    if found != md5:
        return Finding(
            _BYTES,
            False,
            Sentence("its md5 is {found}..., the pointer says {md5}...", found=found[:8], md5=md5[:8]),
            again,
        )
    rows = file.read_bytes().splitlines()[1:]
    days = {row[:10] for row in rows}
    if len(days) != 31:
        return Finding(
            _BYTES,
            False,
            Sentence("it has {count} days of August", count=len(days)),
            "cd model && python -m flights.ensure --months 8",
        )
    return Finding(_BYTES, True, Sentence("{count:,} flights, md5 {md5}...", count=len(rows), md5=md5[:8]))


def _remote(context: CheckContext) -> Finding:
    name = str(Path(POINTER).relative_to("model"))
    done = subprocess.run(
        ["dvc", "status", "--cloud", "--json", name],
        cwd=context.clone / "model", env=dict(context.env) or None, text=True, capture_output=True, check=False,
    )  # fmt: skip
    try:
        states = json.loads(done.stdout)
    except ValueError:
        return Finding(
            _REMOTE,
            False,
            Sentence("dvc status says: {message}", message=done.stderr.strip()[-200:]),
            "cd model && dvc remote list",
        )
    if done.returncode != 0 or states:
        said = ", ".join(f"{file}: {state}" for file, state in states.items()) or done.stderr.strip()[-200:]
        return Finding(_REMOTE, False, said, f"cd model && dvc push {name}")
    return Finding(_REMOTE, True, N_("every clone of your branch can dvc pull it"))


def _md5(pointer: str) -> str:
    try:
        return str(yaml.safe_load(pointer)["outs"][0]["md5"])
    except (yaml.YAMLError, KeyError, IndexError, TypeError):
        return ""


def _count(context: CheckContext) -> int:
    """Commits of the branch after the kit's first one."""
    return len(git(context, "rev-list", BRANCH).split()) - 1
