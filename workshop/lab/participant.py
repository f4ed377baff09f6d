"""A participant's repository: a bare one on the lab's Git server, and the clone in which they work.

Both are made once, as one commit of the kit's files in this checkout. Later changes belong to the participant; `up`
does not touch them. Data versions are pushed to the lab's DVC remote, a folder.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from configobj import ConfigObj  # type: ignore[import-untyped]

from workshop.errors import SetupError
from workshop.lab.paths import KIT, LabPaths
from workshop.participants.names import LAB_PARTICIPANT, Participant
from workshop.usecase import folders

if TYPE_CHECKING:
    from workshop.lab.lab import Lab

REPOSITORY = "mlops-workshop"
DVC_REMOTE = "lab"
LEFT_OUT = (".ci",)
"""The kit's own CI. `.github`, `.gitlab-ci.yml` and `.tekton` are for the participant's repository."""
_IDENTITY = {
    "GIT_AUTHOR_NAME": "MLOps workshop",
    "GIT_AUTHOR_EMAIL": "workshop@example.com",
    "GIT_COMMITTER_NAME": "MLOps workshop",
    "GIT_COMMITTER_EMAIL": "workshop@example.com",
}


def prepare(lab: Lab, env: Mapping[str, str]) -> None:
    """Create the repository and the clone, and connect the clone to this lab.

    Raises SetupError when git fails.
    """
    ensure_repository(lab.paths, env, lab.kit)
    point_remote(lab.paths, env, str(lab.url("git")), lab.participant)
    point_dvc(lab.paths)
    leave_outputs_out(lab.paths, env, lab.kit)


def clone_folder(state: LabPaths) -> Path:
    """The participant's clone."""
    return state.home / REPOSITORY


def bare_folder(state: LabPaths) -> Path:
    """The bare repository that they push to."""
    return state.git / repository_path(state)


def repository_path(state: LabPaths) -> str:
    """The path of their repository on the Git server; that of the first participant is at its root."""
    folder = "" if state.participant == LAB_PARTICIPANT.name else f"{state.participant}/"
    return f"{folder}{REPOSITORY}.git"


def ensure_repository(state: LabPaths, env: Mapping[str, str], kit: Path = KIT) -> bool:
    """Create the missing ones of the bare repository and the clone. Returns True if anything was created.

    Both are created under another name and then moved, so that an interrupted start leaves nothing incomplete. Raises
    SetupError when git fails.
    """
    made = False
    bare, clone = bare_folder(state), clone_folder(state)
    if not bare.exists():
        work = _fresh(bare.parent / "making")
        _copy_kit(kit, work)
        git = _git(work, env)
        git("init", "-q", "-b", "main")
        git("add", "--all")
        git("commit", "-q", "-m", "Start from the workshop kit")
        partial = _fresh(bare.parent / "making.git")
        git("clone", "-q", "--bare", str(work), str(partial))
        partial.rename(bare)
        shutil.rmtree(work)
        made = True
    if not clone.exists():
        partial = _fresh(state.home / ".making")
        _git(state.home, env)("clone", "-q", str(bare), str(partial))
        git = _git(partial, env)
        git("config", "user.name", "Participant")
        git("config", "user.email", "participant@example.com")
        partial.rename(clone)
        made = True
    return made


def point_remote(state: LabPaths, env: Mapping[str, str], url: str, participant: Participant) -> None:
    """Set `origin` of the clone to the Git server at `url`. No file of Git has the password, which is their token.

    Raises SetupError when git fails.
    """
    git = _git(clone_folder(state), env)
    git("remote", "set-url", "origin", f"{url}/{repository_path(state)}")
    answer = f'echo username={participant.name} && echo "password=$(cat {shlex.quote(str(state.token))})"'
    helper = f'!f() {{ test "$1" = get && {answer}; }}; f'
    # For this server only: a general helper would send the token to any remote that the participant adds.
    git("config", "--replace-all", f"credential.{url}.helper", helper)


def point_dvc(state: LabPaths) -> None:
    """Write the lab's DVC remote to a file of each use case that Git does not track; other settings in it stay.

    The address is set at each start: otherwise a copied state folder would push data into the original lab.
    """
    for folder in folders(clone_folder(state)):
        if not (folder / ".dvc").is_dir():
            continue
        # DVC's own format: it quotes a value with a comma, which would be a list otherwise.
        config = ConfigObj(str(folder / ".dvc" / "config.local"), encoding="utf-8")
        before = config.dict()
        config.setdefault("core", {}).setdefault("remote", DVC_REMOTE)
        config.setdefault(f'remote "{DVC_REMOTE}"', {})["url"] = str(state.dvc_remote)
        if config.dict() != before:
            config.write()


def leave_outputs_out(state: LabPaths, env: Mapping[str, str], kit: Path = KIT) -> None:
    """Let Git ignore the outputs of notebooks, so that running one is not a change.

    Raises SetupError when git fails.
    """
    clone = clone_folder(state)
    command = shlex.join([sys.executable, str(kit / "notebooks" / "clean.py")])
    _git(clone, env)("config", "filter.notebook.clean", command)
    attributes = clone / ".git" / "info" / "attributes"
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text("*.ipynb filter=notebook\n")


def kit_files(kit: Path) -> list[Path]:
    """The kit's files, relative: those that Git tracks or would track; without Git, all except build products."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=kit,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        names = [Path(os.fsdecode(name)) for name in listed.stdout.split(b"\0") if name]
    else:
        skipped = {".git", ".venv", ".workshop", ".cache", "__pycache__", "node_modules"}
        names = [
            p.relative_to(kit) for p in kit.rglob("*") if p.is_file() and not skipped & set(p.relative_to(kit).parts)
        ]
    return sorted(n for n in names if n.parts[0] not in LEFT_OUT and (kit / n).is_file())


def _copy_kit(kit: Path, to: Path) -> None:
    for name in kit_files(kit):
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(kit / name, target)


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _git(folder: Path, env: Mapping[str, str]) -> Callable[..., None]:
    def run(*words: str) -> None:
        done = subprocess.run(
            ["git", *words], cwd=folder, env={**env, **_IDENTITY}, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SetupError(
                f"git {' '.join(words)} failed in {folder}: {done.stderr.strip() or done.stdout.strip()}",
                hint="workshop doctor lists missing programs; workshop reset starts again from the kit",
            )

    return run
