"""Drills of a commit: a change on a branch of its own, with which the pipeline must stop at a certain Task.

The branch is `drill/<name>`. It is made in a temporary worktree, so the participant's files and branches stay as they
are, and pushed to their repository. `main` never has it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from workshop.cluster.client import Client
from workshop.cluster.runs import Progress, first_failure
from workshop.drills.drill import Note, Place
from workshop.errors import RunFailed, SetupError
from workshop.manifests.load import load
from workshop.manifests.objects import Object, is_done, name_of
from workshop.operations.runs import failure_text, logs_command, submit
from workshop.usecase import FOLDER, KIT

DRILL = "mlops-workshop/drill"
"""The label of a drill's runs: its name."""
RUN = "tekton/runs/train-and-stage.yaml"
Change = Callable[[Path, Mapping[str, str]], None]
"""Changes the use case's folder of a clone; the second argument is the environment of commands."""


@dataclass(frozen=True)
class Commit:
    """A change that the Task `task` must refuse with a message that `pattern` matches.

    `restores` says that staging runs the bad model when the drill ends, so that taking it back trains `main` again.
    """

    name: str
    title: str
    look: str
    change: Change
    task: str
    pattern: str
    restores: bool = False
    params: Mapping[str, str] = field(default_factory=dict)
    """Params of the run, besides the revision."""

    @property
    def catcher(self) -> str:
        """The Task."""
        return f"Task {self.task}"

    @property
    def branch(self) -> str:
        """Where the change is."""
        return f"drill/{self.name}"

    def run(self, place: Place, note: Note, seconds: float) -> str:
        """Push the change, run the pipeline with it and read why it failed."""
        note(f"pushing {self.branch}")
        with _worktree(place) as folder:
            self.change(folder / FOLDER, place.env)
            _git(
                folder,
                place,
                "commit",
                "--all",
                "--allow-empty",
                "--no-verify",
                "--no-gpg-sign",
                "--quiet",
                "--message",
                f"Drill: {self.title}",
            )
            _git(folder, place, "push", "--no-verify", "--quiet", "--force", "origin", f"HEAD:refs/heads/{self.branch}")
        client, namespace = place.target.client(), place.target.namespace()
        done = _run(client, namespace, self.name, self.branch, seconds, self.params)
        return self.evidence(client, done)

    def evidence(self, client: Client, done: Progress) -> str:
        """The line of the log that refuses the change. Raises RunFailed when another Task failed, or none."""
        failed = [task.name for task in done.tasks if task.state == "failed"]
        failure = first_failure(client, done, lines=200)
        found = [line.strip() for line in failure.log if re.search(self.pattern, line)] if failure else []
        if not any(name.partition(" ")[0] == self.task for name in failed) or not found:
            what = failure_text(client, done) if failed else f"{done.name} succeeded: nothing caught the failure"
            raise RunFailed(what, hint=logs_command(done))
        return f"{self.task} of {done.name}: {found[-1]}"

    def stop(self, place: Place, note: Note) -> list[str]:
        """Cancel the runs that go on, and delete the branch."""
        client, namespace = place.target.client(), place.target.namespace()
        said = []
        for run in client.list("PipelineRun", namespace, labels={DRILL: self.name}):
            if not is_done(run):
                client.patch("PipelineRun", namespace, name_of(run), {"spec": {"status": "Cancelled"}})
                said.append(f"cancelled {name_of(run)}")
        clone = place.target.clone()
        if _git(clone, place, "ls-remote", "--heads", "origin", self.branch):
            if self.restores:
                note("training main again, because staging runs the model of the drill: about 100 s")
                done = _run(client, namespace, "", "main", 1800)
                if not done.succeeded:
                    raise RunFailed(failure_text(client, done), hint=logs_command(done))
                said.append("staging runs the model of main again")
            # Last, so that an interrupted `stop` trains again when it is called again.
            _git(clone, place, "push", "--quiet", "origin", "--delete", self.branch)
            said.append(f"deleted the branch {self.branch}")
        return said


def _run(
    client: Client, namespace: str, drill: str, revision: str, seconds: float, params: Mapping[str, str] | None = None
) -> Progress:
    (document,) = load(str(KIT / RUN))
    obj: Object = document.object
    given = {"revision": revision, **(params or {})}
    obj["spec"]["params"] = [{"name": name, "value": value} for name, value in given.items()]
    if drill:
        obj["metadata"]["labels"][DRILL] = drill
    (done,) = submit(client, [document], namespace, timeout=seconds, quiet=False)
    return done


@contextmanager
def _worktree(place: Place) -> Iterator[Path]:
    """A folder with `main` of the participant's repository, without a branch; removed at the end."""
    clone = place.target.clone()
    _git(clone, place, "fetch", "--quiet", "origin", "main")
    parent = Path(tempfile.mkdtemp(prefix="drill-"))
    folder = parent / "clone"
    try:
        _git(clone, place, "worktree", "add", "--quiet", "--detach", str(folder), "FETCH_HEAD")
        remote = clone / FOLDER / ".dvc" / "config.local"
        if remote.exists():
            shutil.copy(remote, folder / FOLDER / ".dvc" / "config.local")
        yield folder
    finally:
        shutil.rmtree(parent, ignore_errors=True)
        _git(clone, place, "worktree", "prune")


def _git(folder: Path, place: Place, *words: str) -> str:
    """The output of git. Raises SetupError; a lock of another git is waited for."""
    for attempt in range(3):
        done = subprocess.run(
            ["git", *words], cwd=folder, env=dict(place.env), capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout.strip()
        if "index.lock" not in done.stderr:
            break
        time.sleep(0.5 * (attempt + 1))
    raise SetupError(f"git {words[0]} failed in {folder}: {done.stderr.strip()[-300:]}", hint="git status in the clone")


def append(file: Path, text: str) -> None:
    """Add lines to the end of a file of the clone."""
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")
