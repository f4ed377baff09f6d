"""Minutes of load on two replicas behind the lab's gateway, while they are updated and their workers are killed.

    python -m tests.bench.serving.soak [--minutes 10] [--refusals 1000000]

Starts a lab of its own in a temporary folder and lets it do the main job, which takes one or two minutes. Then the
model of production is served as the deployment `soak` with two replicas of two workers each. First it gets a million
requests that it refuses; the memory of no worker may grow by them. Then it gets 80 % of the requests a second that it
has just been measured to answer. Two rolling updates are made, and every 10 s one worker gets SIGKILL.
Exit code 1 when memory grew, a request failed, or an answer was counted nowhere.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from workshop.lab.paths import LabPaths
from workshop.lab.report import read

KIT = Path(__file__).resolve().parents[3]
MAX_GROWTH = 10 * 2**20
"""Bytes by which a worker's resident memory may grow while it refuses requests."""
WARM_UP = 20_000
"""Refusals before the memory is measured: until then allocators and caches fill."""
NAMESPACE, NAME = "user1-production", "soak"
CONNECTIONS, SHARE, KILL_EVERY = 16, 0.8, 10.0
REQUEST = KIT / "seldon" / "requests" / "flight.json"


class Lab:
    """A lab of its own, with production served."""

    def __init__(self, folder: Path) -> None:
        self.where = LabPaths(folder / "state")
        self.env = {**os.environ, "WORKSHOP_STATE": str(self.where.root), "WORKSHOP_PORTS": "free", "NO_COLOR": "1"}

    def workshop(self, *words: str) -> None:
        """Run the command line; CalledProcessError when it fails."""
        subprocess.run([sys.executable, "-m", "workshop", *words], cwd=KIT, env=self.env, check=True)

    def oc(self, *words: str, given: object = None) -> str:
        """Run the lab's oc in the production namespace."""
        env = {**self.env, "KUBECONFIG": str(self.where.root / "kubeconfig")}
        env["KUBECACHEDIR"] = str(self.where.root / "kubecache")
        command = [str(self.where.root / "tools" / "oc"), "-n", NAMESPACE, *words]
        text = None if given is None else json.dumps(given)
        return subprocess.run(command, env=env, input=text, text=True, check=True, capture_output=True).stdout

    @property
    def url(self) -> str:
        """Where the gateway serves the deployment."""
        production = read(self.where)
        assert production is not None
        gateway = str(production.endpoints["production"]).partition("/seldon/")[0]
        return f"{gateway}/seldon/{NAMESPACE}/{NAME}/api/v1.0/predictions"

    def deploy(self, round_: int) -> None:
        """Apply the deployment; another round is another pod template, hence a rolling update."""
        live = json.loads(self.oc("get", "sdep", "flight-delay", "-o", "json"))
        spec = live["spec"]
        predictor = next(one for one in spec["predictors"] if one["name"] == "main")
        pod = predictor["componentSpecs"][0]["spec"]
        pod["containers"][0]["env"] = [
            {"name": "MODEL_SERVER_WORKERS", "value": "2"},
            {"name": "MODEL_SERVER_ACCESS_LOG", "value": "false"},
            {"name": "SOAK_ROUND", "value": str(round_)},
        ]
        spec["predictors"] = [{**predictor, "replicas": 2, "traffic": 100}]
        for key in ("hpaSpec", "pdbSpec"):
            predictor["componentSpecs"][0].pop(key, None)
        kept = {key: live[key] for key in ("apiVersion", "kind")}
        self.oc("apply", "-f", "-", given={**kept, "metadata": {"name": NAME}, "spec": spec})

    def pods(self) -> list[Any]:
        """The deployment's pods."""
        found = json.loads(self.oc("get", "pods", "-l", f"seldon-deployment-id={NAME}", "-o", "json"))["items"]
        return list(found)

    def settled(self, round_: int) -> bool:
        """Whether there are exactly two pods, ready, of this round."""
        pods = self.pods()
        of_round = [pod for pod in pods if {"name": "SOAK_ROUND", "value": str(round_)} in _env(pod)]
        ready = [pod for pod in of_round if _ready(pod)]
        return len(pods) == len(ready) == 2

    def workers(self) -> list[psutil.Process]:
        """The processes that answer: children of the replicas' first processes."""
        report = read(self.where)
        assert report is not None
        found = []
        for process in psutil.Process(report.pid).children(recursive=True):
            with suppress(psutil.Error):
                if "--worker" in process.cmdline() and "modelserver" in process.cmdline():
                    found.append(process)
        return found

    def counted(self) -> int:
        """What the servers say they have answered, each at its end: to be read after the deployment is deleted."""
        total = 0
        for log in self.where.root.glob(f"pods/{NAMESPACE}/{NAME}-*/logs/*.log"):
            said = [int(count) for count in re.findall(r'"event":"stopped","answered":(\d+)', log.read_text())]
            say(f"  {log.parents[1].name}: {sum(said) if said else 'ended without a word'}")
            total += sum(said)
        return total


def _ready(pod: Any) -> bool:
    return {"type": "Ready", "status": "True"} in pod["status"].get("conditions", [])


def _env(pod: Any) -> list[Any]:
    return list(pod["spec"]["containers"][0].get("env", []))


@contextmanager
def lab() -> Iterator[Lab]:
    """A lab for as long as the context lasts."""
    with tempfile.TemporaryDirectory() as folder:
        made = Lab(Path(folder))
        try:
            made.workshop("lab")
            yield made
        finally:
            made.workshop("down")


class Callers:
    """Sixteen callers at a steady rate, or as fast as they are answered when `rate` is None.

    An answer with the `expected` status is `ok` in the outcomes. They end at `stop`, or after `limit` answers.
    """

    def __init__(self, url: str, body: bytes, rate: float | None, expected: int = 200, limit: float = math.inf) -> None:
        self.url, self.body, self.rate = url, body, rate
        self.expected, self.limit = expected, limit
        self.outcomes: Counter[str] = Counter()
        self.slowest = 0.0
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Ask until `stop`."""
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            await asyncio.gather(*(self._caller(session, at) for at in range(CONNECTIONS)))

    def stop(self) -> None:
        """Let every caller finish what it has asked."""
        self._stop.set()

    async def _caller(self, session: aiohttp.ClientSession, at: int) -> None:
        pause = CONNECTIONS / self.rate if self.rate else 0.0
        due = time.monotonic() + pause * at / CONNECTIONS
        while not self._stop.is_set() and self.outcomes.total() < self.limit:
            now = time.monotonic()
            if pause and due > now:
                await asyncio.sleep(due - now)
            # A caller that is late does not send faster afterwards: the rate stays the same.
            due = max(due + pause, now)
            asked = time.monotonic()
            try:
                headers = {"content-type": "application/json"}
                async with session.post(self.url, data=self.body, headers=headers) as answer:
                    text = await answer.text()
                    self.outcomes["ok" if answer.status == self.expected else f"{answer.status}: {text[:160]}"] += 1
            except (aiohttp.ClientError, TimeoutError) as error:
                self.outcomes[f"{type(error).__name__}: {error}"[:160]] += 1
            self.slowest = max(self.slowest, time.monotonic() - asked)


async def refused(it: Lab, body: bytes, count: int) -> tuple[Callers, int]:
    """Send requests that are refused; the callers, and the bytes by which the worker that grew most has grown."""
    message = json.loads(body)
    message["data"]["ndarray"][0][0] = {"no": "value of a column"}
    wrong = json.dumps(message).encode()
    warm = Callers(it.url, wrong, None, 400, WARM_UP)
    await warm.run()
    before = {worker.pid: worker.memory_info().rss for worker in it.workers()}
    callers = Callers(it.url, wrong, None, 400, count)
    await callers.run()
    grown = max(worker.memory_info().rss - before.get(worker.pid, 0) for worker in it.workers())
    callers.outcomes += warm.outcomes
    return callers, grown


async def measured(url: str, body: bytes, seconds: float) -> tuple[float, int]:
    """Requests a second through the gateway as fast as it goes, and how many were answered."""
    callers = Callers(url, body, None)
    running = asyncio.create_task(callers.run())
    await asyncio.sleep(seconds)
    callers.stop()
    await running
    return callers.outcomes["ok"] / seconds, callers.outcomes["ok"]


async def until_settled(it: Lab, round_: int) -> None:
    """Wait for a rolling update's end. Raises TimeoutError."""
    async with asyncio.timeout(180):
        while not await asyncio.to_thread(it.settled, round_):
            await asyncio.sleep(0.5)


async def soak(it: Lab, minutes: float, refusals: int) -> int:
    """Refusals, load, updates, kills; prints the outcome and returns the exit code."""
    it.deploy(0)
    await until_settled(it, 0)
    body = REQUEST.read_bytes()
    refusing, grown = await refused(it, body, refusals)
    say(f"{refusing.outcomes['ok']} requests refused; the worker that grew most grew by {grown / 2**20:.1f} MiB")
    rate, answered = await measured(it.url, body, 10)
    answered += refusing.outcomes["ok"]
    say(f"measured {rate:.0f} requests/s through the gateway; soaking {minutes:g} min at {SHARE * rate:.0f}")
    callers = Callers(it.url, body, SHARE * rate)
    running = asyncio.create_task(callers.run())
    end = time.monotonic() + 60 * minutes
    updates = [end - 60 * minutes * part for part in (2 / 3, 1 / 3)]
    kills, round_ = 0, 0
    while time.monotonic() < end:
        await asyncio.sleep(min(KILL_EVERY, 60 * minutes / 4))
        if updates and time.monotonic() >= updates[0]:
            updates.pop(0)
            round_ += 1
            await asyncio.to_thread(it.deploy, round_)
        workers = await asyncio.to_thread(it.workers)
        if workers:
            with suppress(psutil.Error):
                random.choice(workers).kill()
                kills += 1
    await until_settled(it, round_)
    callers.stop()
    await running
    answered += callers.outcomes["ok"]
    it.oc("delete", "sdep", NAME)
    async with asyncio.timeout(60):
        while await asyncio.to_thread(it.pods):
            await asyncio.sleep(0.5)
    counted = it.counted()
    outcomes = callers.outcomes + refusing.outcomes
    failed = outcomes.total() - outcomes["ok"]
    say(f"answered {answered}, failed {failed}, slowest {callers.slowest:.2f} s")
    say(f"{round_} rolling updates, {kills} workers killed")
    for outcome, times in outcomes.most_common():
        if outcome != "ok":
            say(f"  {times} x {outcome}")
    # A worker may be killed between counting an answer and sending it: then another one answers, and counts as well.
    lost = max(0, answered - counted)
    say(f"counted by the servers {counted}; lost counts {lost}")
    return 1 if failed or lost or grown > MAX_GROWTH else 0


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Start the lab and soak."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.serving.soak", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--refusals", type=int, default=1_000_000)
    given = parser.parse_args()
    with lab() as it:
        return asyncio.run(soak(it, given.minutes, given.refusals))


if __name__ == "__main__":
    sys.exit(main())
