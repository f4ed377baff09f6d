"""Check a merge request: the tests, the model and the gate of each use case that it changes, in one comment.

    python -m delivery merge-request [--target REF] [--results DIR]     checks, and writes the comment to a file
    python -m delivery merge-request --post NUMBER                      posts that file: a token is needed here only

Run it at the top of a clone. A use case is a folder with usecase.yaml; it has changed when a file in it has, since the
branch left the target branch. For each: `dvc repro`, pytest, the gate as a dry run. The same `dvc repro` of the target
branch, in a clone beside, gives the metrics and the model to compare with; stages that are equal come from DVC's cache.

Nothing goes to MLflow. A failed test, and a stage that fails, make the exit code 1, after the comment is written.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from delivery import forges, usecase
from delivery.cli import add_results, say, write_results
from delivery.commands.comment import metrics, rendered, verdict_of
from delivery.errors import DeliveryError
from delivery.repository import dvc_remotes, git, refuse_links, set_remote
from delivery.usecase import FILE

TARGET = "origin/main"
COMMENT = Path(".cache/merge-request.md")
"""The comment, from the top of the clone. Git ignores the folder."""
MARKER = "<!-- delivery merge-request -->"
_FEW = ["--quiet", "-p", "no:cacheprovider", "--no-header", "-m", "not slow"]


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--target", default=TARGET, metavar="REF", help=f"the target branch (default: {TARGET})")
    parser.add_argument("--post", type=int, default=0, metavar="NUMBER", help="post the comment that is written")
    add_results(parser, "changed")


def run(given: argparse.Namespace) -> int:
    """Check, or post."""
    return _post(given.post) if given.post else _check(given.target, given.results)


def changed(target: str) -> list[Path]:
    """The folders of the use cases that differ from where the branch left the target, relative. DeliveryError."""
    files = git("ls-files", "-z", "--", f":(glob)**/{FILE}").split("\0")
    folders = [Path(name).parent for name in files if name]
    names = [Path(name) for name in git("diff", "--name-only", "-z", f"{target}...HEAD").split("\0") if name]
    return [folder for folder in folders if any(name.is_relative_to(folder) for name in names)]


def _post(number: int) -> int:
    if COMMENT.is_symlink() or not COMMENT.is_file():
        # A link that the branch makes could publish what only this step may read.
        say(f"{COMMENT} does not exist: the merge request changes no use case")
        return 0
    say(f"---> {forges.configured().post(number, COMMENT.read_text(encoding='utf-8'), MARKER)}")
    return 0


def _check(target: str, results: Path | None) -> int:
    COMMENT.unlink(missing_ok=True)
    folders = changed(target)
    write_results(results, {"changed": ",".join(map(str, folders))})
    if not folders:
        say(f"no use case has changed since {target}")
        return 0
    found, failures = [], []
    with TemporaryDirectory(prefix="target-") as work:
        other = Path(work, "clone")
        git("clone", "--quiet", "--shared", "--no-checkout", ".", str(other))
        git("-C", str(other), "checkout", "--quiet", "--detach", git("rev-parse", f"{target}^{{commit}}"))
        for folder in folders:
            text, failed = _checked(folder, other / folder, target)
            found.append(text)
            failures += failed
    COMMENT.parent.mkdir(exist_ok=True)
    COMMENT.write_text("\n\n".join([MARKER, *found]) + "\n", encoding="utf-8")
    say(f"---> the comment is in {COMMENT}")
    if failures:
        raise DeliveryError("; ".join(failures), next="see the log above")
    return 0


def _checked(folder: Path, before: Path, target: str) -> tuple[str, list[str]]:
    """The part of the comment about one use case, and what failed."""
    config = usecase.read(folder.resolve())
    try:
        _reproduce(folder)
    except DeliveryError as error:
        return f"### {config.deployment}: {error.message}", [f"{folder}: {error.message}"]
    words = ["-m", "delivery", "gate", "--mode", "dry-run"]
    has_target = (before / FILE).is_file()
    if has_target:
        _share(folder, before)
        try:
            _reproduce(before)
        except DeliveryError as error:
            say(f"{target} is not compared with: {error.message}")
            has_target = False
    if has_target:
        words += ["--against", str(before), "--name", target.rpartition("/")[2]]
    failed = [f"{folder}: the tests failed"] if _fails(folder, "-m", "pytest", *_FEW) else []
    # What an earlier check of this clone has written is not the verdict of this one.
    (folder / "reports" / "gate.json").unlink(missing_ok=True)
    if _fails(folder, *words):
        failed.append(f"{folder}: the gate has no verdict")
    text = rendered(config, metrics(folder), metrics(before) if has_target else {}, verdict_of(folder))
    return "\n\n".join([text, *(f"**{one}**" for one in failed)]), failed


def _reproduce(folder: Path) -> None:
    """Make the model of a use case. DeliveryError when a stage fails, or when data lies behind a link."""
    if os.environ.get("DVC_REMOTE_URL"):
        set_remote(folder)
    refuse_links(folder)
    pointers = [str(file.relative_to(folder)) for file in sorted(folder.glob("data/*.dvc"))]
    if pointers and dvc_remotes(folder) and _fails(folder, "-m", "dvc", "pull", "--quiet", *pointers):
        say(f"the DVC remote has not all data of {folder}")
    if _fails(folder, "-m", "dvc", "repro"):
        raise DeliveryError("dvc repro failed")


def _share(folder: Path, other: Path) -> None:
    """Give a clone the cache and the remote of this one."""
    (folder / ".dvc" / "cache").mkdir(parents=True, exist_ok=True)
    # A link, because `dvc cache dir` accepts ASCII only.
    (other / ".dvc" / "cache").symlink_to((folder / ".dvc" / "cache").resolve())
    local = folder / ".dvc" / "config.local"
    if local.is_file():
        (other / ".dvc" / "config.local").write_bytes(local.read_bytes())


def _fails(folder: Path, *words: str) -> bool:
    """Run Python in a use case's folder, without tokens and without MLflow."""
    say(f"---> {folder}: {' '.join(words[1:])}")
    return _run(folder, [sys.executable, *words]) != 0


def _run(folder: Path, argv: Sequence[str]) -> int:
    left_out = {*forges.SECRETS, "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "USE_CASE"}
    env = {name: value for name, value in os.environ.items() if name not in left_out}
    # The commands of dvc.yaml call `python`.
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
    return subprocess.run(argv, cwd=folder, env=env, check=False).returncode
