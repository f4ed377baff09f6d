"""What was answered is kept: the real supervisor is killed with -9, again and again, while it is written to.

WORKSHOP_KILLS=100 kills a hundred times (two when it is not set), WORKSHOP_KILLS_SEED repeats the moments of an
earlier run; what the two processes were doing at those moments cannot be repeated.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.kit import until
from workshop.cluster.client import ApiFailure, Client
from workshop.errors import SetupError
from workshop.lab.paths import KIT, LabPaths
from workshop.lab.report import read
from workshop.manifests.objects import Object
from workshop.participants.names import LAB_PARTICIPANT

KILLS = int(os.environ.get("WORKSHOP_KILLS", "2"))
NAMESPACE = LAB_PARTICIPANT.namespace("dev")
STARTS_WITHIN, DEAD_WITHIN, ENDS_WITHIN = 60.0, 5.0, 30.0
"""Seconds; a start takes two, on a busy machine a few more."""
WRITING = 0.8
"""The longest that a lab is written to before it is killed, in seconds."""
MOST_MAPS = 300
"""Then they are changed and deleted only."""
MOST_TASK_RUNS = 6
"""In one life of the lab; each starts processes."""
LOST = "was evicted: the lab was stopped while this Pod ran; its processes are gone"
ENDED = ("True", "False")
MARK = "WORKSHOP_KILLS_LAB"
"""Set in every step, so that a process of a lab is known wherever it has gone."""


@dataclass
class Written:
    """The writes that one writer has sent, and the answers."""

    answered: dict[str, Object] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    sent: Object | None = None
    """The request without an answer: it may have been carried out or not."""
    failures: list[str] = field(default_factory=list)
    acknowledged: threading.Event = field(default_factory=threading.Event)
    """Set once something was answered."""
    count: int = 0
    """Answers so far."""


class Lab:
    """One state folder, and the supervisor that runs in it now."""

    def __init__(self, state: LabPaths) -> None:
        self.state = state
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the supervisor; does not wait."""
        env = {
            **os.environ,
            "WORKSHOP_STATE": str(self.state.root),
            "WORKSHOP_PORTS": "free",
            "WORKSHOP_PROGRAMS": "none",
        }
        with self.state.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "workshop.lab"], cwd=KIT, env=env, stdout=log, stderr=log
            )

    def ready(self) -> None:
        """Wait until the lab that was started says that it is ready."""
        process = self.process
        assert process is not None

        def is_ready() -> bool:
            assert process.poll() is None, f"the lab ended with {process.returncode}: {self._tail()}"
            report = read(self.state)
            return report is not None and report.pid == process.pid and report.phase == "ready"

        until(is_ready, STARTS_WITHIN, "the lab is ready")

    def kill(self) -> None:
        """`kill -9`, and nothing else."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def client(self) -> Client:
        return Client.load(self.state.kubeconfig, namespace=NAMESPACE)

    def strays(self) -> list[psutil.Process]:
        """The processes of this state folder that do not descend from the supervisor that runs now."""
        ours = self.process.pid if self.process is not None and self.process.poll() is None else 0
        found = []
        for process in psutil.process_iter():
            try:
                env = process.environ()
                if str(self.state.root) not in (env.get("WORKSHOP_STATE"), env.get(MARK)):
                    continue
                line = [process.pid, *(parent.pid for parent in process.parents())]
                if process.status() != psutil.STATUS_ZOMBIE and ours not in line:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def _tail(self) -> str:
        return "\n".join(self.state.log.read_text(errors="replace").splitlines()[-20:])


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab that is not started yet; nothing of it is left afterwards."""
    state = LabPaths(tmp_path / "state")
    state.make()
    made = Lab(state)
    try:
        yield made
    finally:
        made.kill()
        made.process = None
        for process in made.strays():
            process.kill()


@pytest.mark.slow
@pytest.mark.timeout(60 + 15 * KILLS)
def test_acknowledged_writes_survive_kill_9(lab: Lab) -> None:
    seed = int(os.environ.get("WORKSHOP_KILLS_SEED") or random.SystemRandom().randrange(10**6))
    chance = random.Random(seed)
    maps = Written()
    lab.start()
    lab.ready()
    for number in range(1, KILLS + 1):
        runs = Written()
        try:
            _write_until_killed(lab, chance, number, maps, runs)
            if chance.random() < 0.25:
                lab.start()
                time.sleep(chance.uniform(0, 2))  # a lab that is killed while it starts has lost nothing either
                lab.kill()
            dead_by = time.monotonic() + DEAD_WITHIN
            lab.start()
            lab.ready()
            client = lab.client()
            _maps_are_there(client, maps)
            _runs_are_there(client, runs)
            _runs_end_honestly(client)
            until(lambda: not lab.strays(), max(0.1, dead_by - time.monotonic()), "no process of the killed lab")
            _clear(client)
        except AssertionError as e:
            raise AssertionError(f"WORKSHOP_KILLS_SEED={seed}, kill {number} of {KILLS}: {e}") from e
    assert maps.count > 2 * KILLS, f"{maps.count} answers in {KILLS} lives: too few to show anything"


# -- writing ---------------------------------------------------------------------------------------------------


def _write_until_killed(lab: Lab, chance: random.Random, number: int, maps: Written, runs: Written) -> None:
    mark = str(lab.state.root)
    client = lab.client()
    assert client.resources, "asked before the clock runs"
    writers = [
        threading.Thread(target=_write, args=(runs, _task_runs(client, number, mark, runs))),
        threading.Thread(target=_write, args=(maps, _config_maps(client, number, chance.random(), maps))),
    ]
    maps.acknowledged.clear()
    for writer in writers:
        writer.start()
    maps.acknowledged.wait(10)  # a connection costs more than the writes do: the clock runs from the first answer
    time.sleep(chance.uniform(0, WRITING))
    lab.kill()
    for writer in writers:
        writer.join(10)
        assert not writer.is_alive(), "a client still waits for a server that is gone"
    assert not maps.failures + runs.failures


def _write(written: Written, steps: Iterator[None]) -> None:
    """Take one step after another until the lab is gone."""
    try:
        for _ in steps:
            written.sent = None
            written.count += 1
            written.acknowledged.set()
    except SetupError:
        return  # the lab was killed; `sent` is what it was asked last
    except ApiFailure as e:
        written.failures.append(f"{e.code} {e.message}")


def _config_maps(client: Client, number: int, seed: float, written: Written) -> Iterator[None]:
    """Create, update and delete ConfigMaps without a pause."""
    chance = random.Random(seed)
    last = max((int(one["metadata"]["resourceVersion"]) for one in written.answered.values()), default=0)
    count = 0
    while True:
        count += 1
        what = chance.random()
        if not written.answered or (what < 0.5 and len(written.answered) < MOST_MAPS):
            name = f"map-{number}-{count}"
            obj: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
            written.sent = obj = {**obj, "data": {"value": f"made {count}", "more": "x" * chance.randrange(2000)}}
            answer = client.create(obj)
        elif what < 0.95:
            old = written.answered[chance.choice(list(written.answered))]
            written.sent = obj = {**old, "data": {**old["data"], "value": f"changed {number} {count}"}}
            answer = client.update(obj)
        else:
            old = written.answered[chance.choice(list(written.answered))]
            name = old["metadata"]["name"]
            written.sent = {**old, "data": None}
            client.delete("configmaps", NAMESPACE, name)
            del written.answered[name]
            written.deleted.add(name)
            yield
            continue
        version = int(answer["metadata"]["resourceVersion"])
        if version <= last:
            written.failures.append(f"resourceVersion {version} was given out after {last}")
        last = version
        written.answered[answer["metadata"]["name"]] = answer
        yield


def _task_runs(client: Client, number: int, mark: str, written: Written) -> Iterator[None]:
    """Start TaskRuns of all lengths: at any moment some wait, some run, some end."""
    for count in range(MOST_TASK_RUNS):
        script = f"{('true', 'sleep 0.1', 'sleep 0.4', 'sleep 1 & wait')[count % 4]}; echo the end"
        step = {"name": "s", "image": "busybox", "script": script, "env": [{"name": MARK, "value": mark}]}
        written.sent = run = {
            "apiVersion": "tekton.dev/v1",
            "kind": "TaskRun",
            "metadata": {"name": f"run-{number}-{count}"},
            "spec": {"retries": int(count % 3 == 0), "taskSpec": {"steps": [step]}},
        }
        answer = client.create(run)
        written.answered[answer["metadata"]["name"]] = answer
        yield
        time.sleep(0.05)  # the lab must also find the time to run them


# -- looking ---------------------------------------------------------------------------------------------------


def _maps_are_there(client: Client, written: Written) -> None:
    """Each ConfigMap as it was answered, or as the one request without an answer would have made it."""
    found = {one["metadata"]["name"]: one for one in client.list("configmaps") if "value" in (one.get("data") or {})}
    pending, written.sent = written.sent, None
    asked = pending["metadata"]["name"] if pending else ""
    for name, answered in written.answered.items():
        now = found.get(name)
        if name == asked and pending is not None:
            wanted: list[Any] = [answered["data"], pending["data"]]
            assert (now["data"] if now else None) in wanted, f"ConfigMap {name} is neither as before nor as asked"
            continue
        assert now is not None, f"ConfigMap {name} was answered and is gone"
        if now != answered:
            raise AssertionError(f"ConfigMap {name} is not as it was answered: {now} is not {answered}")
    more = found.keys() - written.answered.keys() - {asked}
    assert not more, f"ConfigMaps that no writer sent: {sorted(more)}"
    if asked in found and pending is not None:
        assert found[asked]["data"] in (pending["data"], (written.answered.get(asked) or {}).get("data"))
    written.answered = found


def _runs_are_there(client: Client, written: Written) -> None:
    found = {one["metadata"]["name"]: one for one in client.list("taskruns")}
    for name, answered in written.answered.items():
        assert name in found, f"TaskRun {name} was answered and is gone"
        assert found[name]["metadata"]["uid"] == answered["metadata"]["uid"], f"TaskRun {name} is another one"
        assert found[name]["spec"] == answered["spec"], f"TaskRun {name} was changed"


def _runs_end_honestly(client: Client) -> None:
    """Succeeded by having run to its end, or failed with the reason that the lab was stopped."""
    started = time.monotonic()
    while running := [one for one in client.list("taskruns") if _condition(one).get("status") not in ENDED]:
        states = {one["metadata"]["name"]: _condition(one) for one in running}
        assert time.monotonic() < started + ENDS_WITHIN, f"TaskRuns without an end: {states}"
        time.sleep(0.1)
    for run in client.list("taskruns"):
        name, condition, status = run["metadata"]["name"], _condition(run), run["status"]
        assert status.get("completionTime"), f"TaskRun {name} has ended at no time"
        if condition["status"] == "True":
            log = client.logs(NAMESPACE, status["podName"], "step-s")
            assert log.endswith("the end\n"), f"TaskRun {name} Succeeded and has not come to its end: {log!r}"
        else:
            assert (condition["reason"], condition["message"].split('" ', 1)[-1]) == ("PodEvicted", LOST), name
    for pod in client.list("pods"):
        assert pod["status"]["phase"] in ("Succeeded", "Failed"), f"Pod {pod['metadata']['name']}: {pod['status']}"


def _condition(run: Object) -> Object:
    conditions: list[Object] = (run.get("status") or {}).get("conditions") or [{}]
    return conditions[0]


def _clear(client: Client) -> None:
    """Delete the ended TaskRuns: a lab with thousands would measure something else."""
    for run in client.list("taskruns"):
        client.delete("taskruns", NAMESPACE, run["metadata"]["name"])
