"""A bare repository of the lab with Pipelines as Code behind it: real pushes, real admission, no Tekton."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit import until
from workshop.lab.api.offline import admitted
from workshop.lab.api.views import view_of
from workshop.lab.controllers.pipelinesascode.lookups import Lookups
from workshop.lab.controllers.pipelinesascode.receiving import Receiver
from workshop.lab.controllers.pipelinesascode.watching import Watcher
from workshop.lab.forge.requests import MergeRequest, every
from workshop.lab.forge.statuses import Status, statuses
from workshop.lab.git.server import GitServer, Owner
from workshop.lab.kinds import built_in
from workshop.lab.paths import LabPaths
from workshop.lab.store import Store
from workshop.manifests.objects import Object
from workshop.participants.names import LAB_PARTICIPANT

ADDRESS, CONSOLE, NAMESPACE, TOKEN = "http://127.0.0.1:3000", "http://127.0.0.1:8888", "user1-dev", "git-token"
ENDED = "2026-01-05T10:00:00Z"
URL = f"{ADDRESS}/mlops-workshop"


class Bench:
    """The repository, a clone of it, the store, and what pushes lead to."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        state = LabPaths(folder / "state")
        state.make()
        state.git.mkdir()
        self.work.mkdir()
        self.bare = state.git / "mlops-workshop.git"
        self.store = Store()
        for name in (NAMESPACE, "user1-staging", "user2-dev"):
            self.store.create(built_in("Namespace"), {"metadata": {"name": name}})
        tokens = {("user1", NAMESPACE): TOKEN, ("user1", "user1-staging"): TOKEN, ("user2", "user2-dev"): "other"}
        self.lookups = Lookups(self.store, state.git, ADDRESS, CONSOLE, dict(os.environ), tokens)
        self.git("init", "-q", "-b", "main")
        self.commit(**{"README.md": "hello"})
        self.git("clone", "-q", "--bare", str(self.work), str(self.bare))
        self.git("remote", "add", "origin", str(self.bare))
        self.receiver, self.watcher = Receiver(self.lookups), Watcher(self.lookups)
        self.server = GitServer(
            self.store,
            state.git,
            ADDRESS,
            [Owner(LAB_PARTICIPANT, state.git, TOKEN)],
            dict(os.environ),
            self.receiver.deliver,
            CONSOLE,
            self.receiver.incoming,
        )
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(self.server.run(), self.loop)
        until(lambda: (self.bare / "hooks" / "post-receive").exists())

    def git(self, *words: str) -> str:
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        done = subprocess.run(
            ["git", *identity, *words], cwd=self.work, env=env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, message: str = "Change it", **files: str) -> str:
        """Commit files by their paths; an empty text deletes one."""
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text) if text else path.unlink()
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def push(self, *words: str) -> list[Object]:
        """Push, wait until the push is dealt with, and return the PipelineRuns, oldest first."""
        self.git("push", "-q", "origin", *words)
        until(lambda: not list((self.bare / "lab-pushes").iterdir()))
        return self.runs()

    def runs(self) -> list[Object]:
        found = self.store.objects(built_in("PipelineRun"))
        return sorted(found, key=lambda one: int(one["metadata"]["resourceVersion"]))

    def apply(self, name: str = "workshop", namespace: str = NAMESPACE, **spec: Any) -> Object:
        """Create a Repository as the API does."""
        obj = {
            "apiVersion": "pipelinesascode.tekton.dev/v1alpha1",
            "kind": "Repository",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"url": URL, **spec},
        }
        view = view_of(self.store.kinds, obj)
        assert view is not None
        return self.store.create(view.stored, admitted(view, obj))

    def repository(self, name: str = "workshop") -> Object:
        return self.store.get(built_in("Repository"), NAMESPACE, name)

    def end(
        self, run: Object, status: str = "True", reason: str = "Succeeded", at: str = "2026-01-05T10:00:00Z"
    ) -> None:
        """Give a PipelineRun the status that Tekton would, and let the watcher see it."""
        kind, meta = built_in("PipelineRun"), run["metadata"]
        condition = {"type": "Succeeded", "status": status, "reason": reason, "message": "Tasks Completed: 1"}
        found = self.store.get(kind, meta["namespace"], meta["name"])
        self.store.update_status(kind, {**found, "status": {"conditions": [condition], "completionTime": at}})
        self.watch(run)

    def watch(self, run: Object) -> None:
        """One pass of the watcher over a PipelineRun."""
        asyncio.run(self.watcher.reconcile(run["metadata"]["namespace"], run["metadata"]["name"]))

    def statuses(self, sha: str) -> list[Status]:
        return statuses(self.bare, sha)

    def requests(self) -> list[MergeRequest]:
        return every(self.bare)

    def warnings(self) -> list[str]:
        return [one["message"] for one in self.store.objects(built_in("Event")) if one["type"] == "Warning"]

    def stop(self) -> None:
        async def rest() -> None:
            tasks = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(rest(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("workshop.lab.git.delivery.POLL_SECONDS", 0.02)
    made = Bench(tmp_path)
    yield made
    made.stop()
