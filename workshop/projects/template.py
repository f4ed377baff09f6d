"""The template of a project: rendered by Copier, and a project brought to the present one with its own changes kept.

Copier updates from a Git repository with a commit for each version. The template is a folder of the kit, so such a
repository is made of the kit's history when it is needed: one commit with the template as the project was made from,
one with the present. `.copier-answers.yml` of a project has the kit's commit and the answers.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from workshop.errors import SetupError, UsageError

ANSWERS = ".copier-answers.yml"
TEMPLATE = Path("workshop/template")
LOCKS = (Path("model/requirements.in"), Path("model/requirements.txt"))
"""What the images of all use cases install; a project gets the same files."""
UNKNOWN = "unknown"
_SETTINGS = ("user.name=workshop", "user.email=workshop@mlops-workshop.invalid", "commit.gpgsign=false")
_IDENTITY = [word for setting in _SETTINGS for word in ("-c", setting)]
_BEGIN = "# `workshop update` reads this file. Do not edit it.\n"


@dataclass
class Updated:
    """The files of a project that an update has changed, and those in which Git's conflict markers need a person."""

    changed: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


def render(kit: Path, answers: Mapping[str, Any], target: Path) -> None:
    """Render the present template into an empty folder. Raises SetupError when Copier or Git fails."""
    # Imported here: it takes half a second.
    import copier

    with TemporaryDirectory(prefix="template-") as temporary:
        source = Path(temporary)
        _present(kit, source)
        _commit(source, "1")
        with _copier_errors():
            copier.run_copy(str(source), target, data=dict(answers), defaults=True, quiet=True)
    _put_answers(target, _commit_of(kit))


def update(kit: Path, project: Path) -> Updated:
    """Bring a project to the present template. All of it happens in a copy, so an error changes nothing.

    Raises UsageError for a folder that `workshop new` has not made, SetupError when the kit's history lacks its commit.
    """
    import copier

    file = project / ANSWERS
    try:
        answers: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        made_from = str(answers["_commit"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise UsageError(
            f"{file} cannot be read: {type(error).__name__}: {error}", hint="workshop update FOLDER, of workshop new"
        ) from error
    with TemporaryDirectory(prefix="template-") as temporary:
        source, copy = Path(temporary, "template"), Path(temporary, "project")
        source.mkdir()
        _past(kit, made_from, source)
        _commit(source, "1")
        for one in source.iterdir():
            if one.name != ".git":
                shutil.rmtree(one) if one.is_dir() else one.unlink()
        _present(kit, source)
        _commit(source, "2")
        names = _files(project)
        for name in names:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(project / name, copy / name)
        _write(copy / ANSWERS, {**answers, "_commit": "1", "_src_path": str(source)})
        _commit(copy, "")
        with _copier_errors():
            copier.run_update(copy, defaults=True, overwrite=True, quiet=True, skip_answered=True, conflict="inline")
        _put_answers(copy, _commit_of(kit))
        return _take(copy, project, names)


def _take(copy: Path, project: Path, before: list[str]) -> Updated:
    """Write what differs in the copy into the project."""
    found, after = Updated(), _files(copy)
    for name in sorted({*before, *after}):
        new, old = copy / name, project / name
        if not new.is_file():
            old.unlink()
        elif not old.is_file() or old.read_bytes() != new.read_bytes():
            old.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(new, old)
        else:
            continue
        if name != ANSWERS:
            found.changed.append(name)
            if new.is_file() and b"<<<<<<< " in new.read_bytes():
                found.conflicts.append(name)
    return found


def _present(kit: Path, target: Path) -> None:
    """The template as the files of the kit are."""
    # With the time of now: Git takes a file with its old time and size for unchanged.
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(kit / TEMPLATE, target, dirs_exist_ok=True, ignore=ignored, copy_function=shutil.copy)
    for lock in LOCKS:
        shutil.copy(kit / lock, target / "project" / lock.name)


def _past(kit: Path, commit: str, target: Path) -> None:
    """The template as a commit of the kit has it."""
    paths = [str(TEMPLATE), *map(str, LOCKS)]
    # As zip: the first releases of Python 3.11 unpack a tar without its filter for safe names.
    archive = ["git", "-C", str(kit), "archive", "--format=zip", commit, "--", *paths]
    done = subprocess.run(archive, capture_output=True, check=False)
    if done.returncode:
        raise SetupError(
            f"{kit} has no template of commit {commit[:12]}: {done.stderr.decode('utf-8', 'replace').strip()[-300:]}",
            hint="git fetch --unshallow, in the folder of the kit",
        )
    with TemporaryDirectory(prefix="template-") as temporary, zipfile.ZipFile(io.BytesIO(done.stdout)) as files:
        files.extractall(temporary)
        _present(Path(temporary), target)


def _commit_of(kit: Path) -> str:
    """The kit's commit, or `unknown` where it is no checkout."""
    done = subprocess.run(["git", "-C", str(kit), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else UNKNOWN


def _commit(folder: Path, tag: str) -> None:
    """A commit of all files of a folder, with a tag; the repository is made the first time."""
    steps = [] if (folder / ".git").is_dir() else [["init", "--quiet"]]
    steps += [["add", "--all", "--force"], ["commit", "--quiet", "--allow-empty", "--message", "files"]]
    for words in (*steps, *([["tag", tag]] if tag else [])):
        done = subprocess.run(["git", *_IDENTITY, *words], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SetupError(f"git {' '.join(words)} failed: {done.stderr.strip()[-300:]}", hint="git --version")


def _files(folder: Path) -> list[str]:
    """The files of a folder that Git has or would take, relative to it; all files outside of a checkout."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    names = done.stdout.split("\0") if done.returncode == 0 else [
        str(one.relative_to(folder)) for one in folder.rglob("*")]  # fmt: skip
    return [name for name in names if name and (folder / name).is_file()]


def _put_answers(project: Path, commit: str) -> None:
    """Name the kit and its commit in place of the temporary repository."""
    file = project / ANSWERS
    _write(file, {**yaml.safe_load(file.read_text(encoding="utf-8")), "_commit": commit, "_src_path": str(TEMPLATE)})


def _write(file: Path, answers: Mapping[str, Any]) -> None:
    file.write_text(_BEGIN + yaml.safe_dump(dict(answers), sort_keys=True), encoding="utf-8")


@contextmanager
def _copier_errors() -> Iterator[None]:
    from copier.errors import CopierError

    try:
        yield
    except (CopierError, OSError, ValueError) as error:
        raise SetupError(
            f"the template cannot be rendered: {type(error).__name__}: {str(error)[:400]}", hint="workshop --debug new"
        ) from error
