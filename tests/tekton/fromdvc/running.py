"""Runs generated pipelines by the lab's own Tekton controller, and `dvc repro` as what they must equal."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fromdvc.graph import read_project
from fromdvc.project import Project
from fromdvc.tasks import Options
from fromdvc.tekton import tekton

from tests.conformance import harness
from tests.tekton.fromdvc.forking import forking
from tests.tekton.fromdvc.projects import AUTHOR, Shape, git, write
from workshop.manifests.objects import Object

T = TypeVar("T")
IMAGE = "example.com/mlops-toolbox:1"


class Cluster:
    """Tekton's controller in a thread, with a `python3` that has imported DVC."""

    def __init__(self, lab: harness.Lab, loop: asyncio.AbstractEventLoop, programs: Path) -> None:
        self._lab, self._loop, self.programs = lab, loop, programs
        self._runs = 0

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    def run(self, objects: list[Any], variables: dict[str, str], **params: str) -> Object:
        """Apply what a pipeline is made of and run it to its end; the PipelineRun."""
        return self._do(self._run(objects, variables, params))

    async def _run(self, objects: list[Any], variables: dict[str, str], params: dict[str, str]) -> Object:
        self._runs += 1
        suffix = f"-{self._runs}"
        config = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"variables{suffix}"},
            "data": variables,
        }
        self._lab.create(config)
        for one in objects:
            self._lab.create(one)
        name = objects[-1]["metadata"]["name"]
        claim = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
        run = {
            "apiVersion": "tekton.dev/v1",
            "kind": "PipelineRun",
            "metadata": {"name": name},
            "spec": {
                "pipelineRef": {"name": name},
                "params": [{"name": key, "value": value} for key, value in params.items()],
                "workspaces": [{"name": "source", "volumeClaimTemplate": claim}],
            },
        }
        self._lab.create(run)
        return await self._lab.done("PipelineRun", name, 100)

    @property
    def number(self) -> int:
        """Of the next run."""
        return self._runs + 1

    def task_runs(self, run: Object) -> dict[str, Object]:
        """The TaskRuns of a run by their tasks."""
        return {
            child["pipelineTaskName"]: self._lab.get("TaskRun", child["name"])
            for child in run["status"]["childReferences"]
        }

    def logs(self, run: Object) -> str:
        """All logs of a run."""
        found = []
        for task, task_run in self.task_runs(run).items():
            for step in task_run["status"].get("steps", ()):
                log = self._lab.log(task_run["status"]["podName"], step["container"])
                found.append(f"--- {task}, {step['name']}\n{log.read_text() if log.exists() else ''}")
        return "\n".join(found)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A controller until the end of the block."""
    loop = asyncio.new_event_loop()
    started: list[Cluster] = []
    ready, stop = threading.Event(), asyncio.Event()

    async def live(programs: Path) -> None:
        async with harness.lab(folder, programs=programs) as lab:
            started.append(Cluster(lab, loop, programs))
            ready.set()
            await stop.wait()

    with forking(folder) as programs:
        thread = threading.Thread(target=loop.run_until_complete, args=(live(programs),))
        thread.start()
        try:
            assert ready.wait(30)
            yield started[0]
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(30)
            loop.close()


@dataclass
class Pair:
    """A project twice: `laptop` is a clone in which a person calls `dvc repro`, `seed` the repository of a cluster."""

    cluster: Cluster
    folder: Path
    shape: Shape

    def __post_init__(self) -> None:
        self.seed, self.laptop, self.remote = (self.folder / name for name in ("seed", "laptop", "remote"))
        self.trace = self.folder / "trace"
        self.seed.mkdir()
        write(self.seed, self.shape.files)
        write(self.seed / ".dvc", {"config": "", ".gitignore": "/config.local\n/tmp\n/cache\n"})
        git(self.seed, "init", "--quiet", "--initial-branch=main")
        for name in self.shape.data:
            self.dvc(self.seed, "add", "--quiet", name)
        if self.shape.data:
            self._set_remote(self.seed)
            self.dvc(self.seed, "push", "--quiet")
        git(self.seed, "add", "--all")
        git(self.seed, "commit", "--quiet", "--message", "first")
        # The pipeline pushes to main, so no branch is checked out.
        git(self.seed, "checkout", "--quiet", "--detach")
        git(self.folder, "clone", "--quiet", "--branch", "main", str(self.seed), str(self.laptop))
        self._set_remote(self.laptop)
        if self.shape.data:
            self.dvc(self.laptop, "pull", "--quiet", "--allow-missing")

    def _set_remote(self, folder: Path) -> None:
        text = f"[core]\n    remote = r\n['remote \"r\"']\n    url = {self.remote}\n"
        (folder / ".dvc" / "config.local").write_text(text)

    def dvc(self, folder: Path, *words: str) -> None:
        env = {
            "PATH": f"{self.cluster.programs}:/usr/bin:/bin", "TRACE": str(self.trace), "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(self.folder / "site"), "HOME": str(self.folder), **AUTHOR,
        }  # fmt: skip
        done = subprocess.run(["dvc", *words], cwd=folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"dvc {' '.join(words)}: {done.stdout}{done.stderr}"

    def change(self) -> None:
        """The same commit in both."""
        git(self.laptop, "add", "--all")
        git(self.laptop, "commit", "--quiet", "--message", "reproduced")
        for folder in (self.laptop, self.seed):
            if folder == self.seed:
                git(folder, "checkout", "--quiet", "main")
            write(folder, self.shape.change)
            git(folder, "add", "--all")
            git(folder, "commit", "--quiet", "--message", "changed")
        git(self.seed, "checkout", "--quiet", "--detach")

    def reproduce(self) -> list[str]:
        """`dvc repro` on the laptop; the stages that ran, sorted."""
        self.dvc(self.laptop / self.shape.folder, "repro", "--quiet")
        return self._ran()

    def project(self) -> Project:
        return read_project(self.seed / self.shape.folder / "dvc.yaml")

    def run(self, **more: str) -> tuple[Object, list[str]]:
        """The pipeline of the repository, with more variables; its run, and the stages that ran, sorted."""
        number = self.cluster.number
        git(self.seed, "checkout", "--quiet", "main")
        options = Options(name=f"p{number}", image=IMAGE, config_maps=(f"variables-{number}",))
        objects: list[Any] = list(tekton(self.project(), options))
        git(self.seed, "checkout", "--quiet", "--detach")
        variables = {"DVC_REMOTE_URL": str(self.remote), "GIT_URL": str(self.seed), "TRACE": str(self.trace), **more}
        run = self.cluster.run(objects, variables)
        return run, self._ran()

    def _ran(self) -> list[str]:
        text = self.trace.read_text() if self.trace.exists() else ""
        self.trace.unlink(missing_ok=True)
        return sorted(text.splitlines())

    def in_git(self, branch: str = "main") -> dict[str, str]:
        """What the pipeline's branch has, by path."""
        names = git(self.seed, "ls-tree", "-r", "--name-only", branch).splitlines()
        return {name: git(self.seed, "show", f"{branch}:{name}") for name in names}

    def on_laptop(self) -> dict[str, str]:
        """What Git would have of the laptop's folder, by path."""
        listed = git(self.laptop, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
        return {name: (self.laptop / name).read_text().strip() for name in listed if name}
