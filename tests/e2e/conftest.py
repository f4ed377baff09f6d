"""Labs for end-to-end tests: copies of one on which the main job has run, in temporary folders, on free ports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from tests.builder import store_with_builder
from workshop.lab.paths import LabPaths

KIT = Path(__file__).resolve().parents[2]
GIVEN = "WORKSHOP_TEST_LAB"
"""The variable with the state folder of a lab that is stopped and has done the main job."""
GROUPS = {"test_bad_input.py": "", "test_modules.py": "guide", "test_room.py": "room"}
"""Files that do not share the lab of the others: each test has its own lab, or all tests of the file share one."""


@pytest.hookimpl(tryfirst=True)  # Before xdist reads the groups.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process runs all tests that share a lab, in order.

    It mostly waits, so the unit tests run at the same time.
    """
    for item in items:
        if item.nodeid.startswith("tests/e2e/"):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(900))
            if group := GROUPS.get(item.path.name, "e2e"):
                item.add_marker(pytest.mark.xdist_group(group))


@dataclass
class Lab:
    """A lab as users have it: the command `workshop` and its URLs."""

    state: Path
    env: dict[str, str]
    summary: dict[str, Any] = field(default_factory=dict)

    def workshop(self, *words: str, check: bool = True, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "workshop", *words],
            cwd=KIT,
            env=self.env,
            text=True,
            capture_output=True,
            timeout=timeout,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"workshop {' '.join(words)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.tail()}"
            )
        return done

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A command that runs in the background. Its stderr is a pipe.

        SIGINT ends it also if this process ignores SIGINT.
        """
        return subprocess.Popen(
            [sys.executable, "-m", "workshop", *words],
            cwd=KIT,
            env=self.env,
            stderr=subprocess.PIPE,
            # A child inherits ignored signals: a shell sets them for `&`, and nohup does.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.workshop("status", "-o", "json", check=False).stdout)
        return found

    def oc(self, *words: str) -> str:
        env = {**self.env, "KUBECONFIG": str(self.state / "kubeconfig"), "KUBECACHEDIR": str(self.state / "kubecache")}
        done = subprocess.run([str(self.state / "tools" / "oc"), *words], env=env, text=True, capture_output=True)
        assert done.returncode == 0, f"oc {' '.join(words)}: {done.stderr}"
        return done.stdout

    def admin(self, *words: str) -> str:
        """`oc` as an administrator, for what a participant may not do."""
        return self.oc("--kubeconfig", str(self.state / "admin.kubeconfig"), *words)

    def object(self, *words: str) -> dict[str, Any]:
        """Any object of the lab: an administrator reads it."""
        found: dict[str, Any] = json.loads(self.admin("get", *words, "-o", "json"))
        return found

    def get(self, url: str, **headers: str) -> Any:
        token = (self.state / "token").read_text().strip()
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}", **headers})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def post(self, url: str, body: bytes) -> tuple[int, Any]:
        request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)

    def pid(self) -> int:
        return int((self.state / "run" / "lock").read_text())

    def processes(self) -> list[psutil.Process]:
        """The processes of this lab: its state folder is in their environment or command line."""
        found = []
        for process in psutil.process_iter():
            try:
                if (
                    process.pid != os.getpid()
                    and (
                        process.environ().get("WORKSHOP_STATE") == str(self.state)
                        or any(str(self.state) in word for word in process.cmdline())
                    )
                    and process.status() != psutil.STATUS_ZOMBIE
                ):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def tail(self) -> str:
        try:
            return "\n".join((self.state / "supervisor.log").read_text().splitlines()[-30:])
        except OSError:
            return ""


def new_lab(state: Path) -> Lab:
    """A lab that was never started, in a folder that does not exist yet.

    It has the builder image. CI makes that on a fresh machine; here it would take 8 s of processor time for each lab.
    """
    paths = LabPaths(state)
    paths.make()
    store_with_builder(paths.images)
    return lab_of(state)


def lab_of(state: Path) -> Lab:
    """The lab of a state folder."""
    return Lab(state, {**os.environ, "WORKSHOP_STATE": str(state), "WORKSHOP_PORTS": "free", "NO_COLOR": "1"})


@contextmanager
def main_job(made: Lab) -> Iterator[Lab]:
    """Run the main job in a lab. `summary` becomes its output. Nothing of the lab runs after it."""
    try:
        done = made.workshop("lab", "-o", "json")
        made.summary = json.loads(done.stdout)
        yield made
    finally:
        made.workshop("down", check=False)
        for process in made.processes():
            process.kill()


def copy_of_the_main_job(temporary: pytest.TempPathFactory, name: str) -> Lab:
    """A lab that is stopped and has done the main job, in a folder of its own.

    It is a copy of the lab that WORKSHOP_TEST_LAB names. Without the variable, the first process that needs one makes
    it for all.
    """
    # Other letters must work, also in the printed addresses.
    state = temporary.mktemp(name) / "l'äb & stäte"
    subprocess.run(["cp", "-a", os.environ.get(GIVEN) or _made_once(temporary), state], check=True)
    return lab_of(state)


def _made_once(temporary: pytest.TempPathFactory) -> Path:
    ours = temporary.getbasetemp()
    shared = (ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours) / "main-job"
    with FileLock(f"{shared}.lock"):
        if not shared.exists():
            with main_job(new_lab(shared.with_name("main-job.part"))) as made:
                pass
            made.state.rename(shared)
    return shared


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab that the tests of this folder share. It ends with the last test that uses it."""
    with main_job(copy_of_the_main_job(tmp_path_factory, "lab")) as made:
        yield made
