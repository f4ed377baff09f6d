"""The load: callers of production, writers of objects, TaskRuns and MLflow runs, and a reader of the console's pages.

Each load is one thread with a steady rate. What a writer got an answer for is in its ledger; `lost` compares the ledger
with the lab.
"""

from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.kit import until
from tests.soak.lab import REQUEST, Lab
from tests.soak.outcomes import Tallies, Tally
from workshop.cluster.client import ApiFailure, Client
from workshop.cluster.jsonhttp import Answer, ask
from workshop.errors import WorkshopError
from workshop.manifests.objects import Object, status_of
from workshop.participants.names import LAB_PARTICIPANT

NAMESPACE = LAB_PARTICIPANT.namespace("dev")
SECONDS = 10.0
"""The longest that a request may wait for its answer."""
MOST_OBJECTS = 400
ENDS_SECONDS = 60.0
"""A TaskRun of one `true` must have ended by then."""
PAGES = (
    "/",
    "/guide/",
    "/runs",
    "/dashboards/model-serving",
    "/measures/delivery",
    "/measures/costs",
    "/trace/",
    "/commits",
)
RUN = f"{time.time_ns() // 10**6:x}"
"""In the names and the label of what this run writes; a lab that is used again has objects of earlier ones."""
LABEL = {"workshop.example.com/soak": RUN}
STOPPED = "the lab was stopped while this Pod ran"


class Failed(Exception):
    """A request was not served; the message is counted."""


class Sender(Protocol):
    """One kind of load: `name`, a request each `every` seconds, and the ledger of what was acknowledged."""

    name: str
    every: float

    def send(self) -> None:
        """One request. Raises Failed, OSError or WorkshopError when it is not served."""
        ...

    @property
    def count(self) -> int:
        """The acknowledged objects that exist."""
        ...

    def lost(self) -> list[str]:
        """What was acknowledged and is not there, or is another one."""
        ...


class Predictions:
    """One row to production."""

    name, every, count = "predictions", 0.02, 0

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def send(self) -> None:
        served(ask(self._lab.endpoint("production"), REQUEST, seconds=SECONDS))

    def lost(self) -> list[str]:
        return []


class Pages:
    """The console's pages in turn, as the participant's browser loads them."""

    name, every, count = "pages", 0.5, 0

    def __init__(self, lab: Lab) -> None:
        self._lab, self._at = lab, 0

    def send(self) -> None:
        path = PAGES[self._at % len(PAGES)]
        self._at += 1
        served(ask(self._lab.endpoint("console") + path, token=self._lab.token, seconds=SECONDS), path)

    def lost(self) -> list[str]:
        return []


class _ApiSender:
    """A client of the API that is made again after the lab was started again: the address may be another one."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        if self._client is None:
            self._client = Client.load(self._lab.state.kubeconfig)
        return self._client

    def again(self) -> None:
        """Make a new client for the next request."""
        self._client = None


class Objects(_ApiSender):
    """ConfigMaps that are created, changed and deleted."""

    name, every = "objects", 0.05

    def __init__(self, lab: Lab, seed: int = 0) -> None:
        super().__init__(lab)
        self._chance = random.Random(seed)
        self._made = 0
        self._known: dict[str, Any] = {}
        self._unsure: set[str] = set()
        """Requests without an answer: they may have been carried out or not."""

    @property
    def count(self) -> int:
        return len(self._known)

    def send(self) -> None:
        what = self._chance.random()
        if len(self._known) < 10 or (what < 0.5 and len(self._known) < MOST_OBJECTS):
            self._made += 1
            self._write(f"soak-{RUN}-{self._made}", {"value": f"made {self._made}"}, new=True)
        elif what < 0.95:
            name = self._chance.choice(list(self._known))
            self._write(name, {"value": f"changed {self._chance.random()}"}, new=False)
        else:
            name = self._chance.choice(list(self._known))
            self._unsure.add(name)
            del self._known[name]
            self._sent(lambda: self.client.delete("configmaps", NAMESPACE, name))
            self._unsure.discard(name)

    def _write(self, name: str, data: dict[str, str], *, new: bool) -> None:
        meta = {"name": name, "namespace": NAMESPACE, "labels": LABEL}
        obj: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
        self._known.pop(name, None)
        self._unsure.add(name)
        self._sent(lambda: self.client.create(obj) if new else self.client.update(obj))
        self._unsure.discard(name)
        self._known[name] = data

    def _sent(self, request: Any) -> None:
        try:
            request()
        except (ApiFailure, WorkshopError, OSError):
            self.again()
            raise

    def lost(self) -> list[str]:
        self.again()
        found = {
            one["metadata"]["name"]: one.get("data") for one in self.client.list("configmaps", NAMESPACE, labels=LABEL)
        }
        wrong = [f"ConfigMap {name}: {found.get(name)} is not {data}" for name, data in self._known.items()
                 if found.get(name) != data]  # fmt: skip
        extra = found.keys() - self._known.keys() - self._unsure
        wrong += [f"ConfigMap {name} was deleted and is there" for name in sorted(extra)]
        for name in self._unsure & found.keys():
            self._known[name] = found[name]
        self._unsure.clear()
        return wrong


class Runs(_ApiSender):
    """TaskRuns of one step. Each must end: with success, or because the lab was stopped meanwhile."""

    name, every = "task runs", 1.5

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self._made = 0
        self._known: dict[str, str] = {}
        self.may_fail = False
        """Whether TaskRuns may end with another error than that the lab was stopped."""

    @property
    def count(self) -> int:
        return len(self._known)

    def send(self) -> None:
        self._made += 1
        name = f"soak-{RUN}-{self._made}"
        step = {"name": "s", "image": "busybox", "script": "sleep 0.3; echo the end"}
        run: Object = {
            "apiVersion": "tekton.dev/v1",
            "kind": "TaskRun",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": LABEL},
            "spec": {"taskSpec": {"steps": [step]}},
        }
        try:
            self._known[name] = self.client.create(run)["metadata"]["uid"]
        except (ApiFailure, WorkshopError, OSError):
            self.again()
            raise

    def lost(self) -> list[str]:
        """Also deletes the TaskRuns, so that the next fault begins without them."""
        self.again()
        wrong: list[str] = []
        try:
            until(lambda: not self._running(), ENDS_SECONDS, lambda: f"TaskRuns without an end: {self._running()}", 0.2)
        except AssertionError as e:
            wrong.append(str(e))
        found = {one["metadata"]["name"]: one for one in self.client.list("taskruns", NAMESPACE, labels=LABEL)}
        wrong += [f"TaskRun {name} is gone" for name, uid in self._known.items()
                 if name not in found or found[name]["metadata"]["uid"] != uid]  # fmt: skip
        for name, run in found.items():
            if status_of(run).get("completionTime"):
                wrong += self._wrong(name, status_of(run))
            self.client.delete("taskruns", NAMESPACE, name)
        self._known.clear()
        return wrong

    def _running(self) -> list[str]:
        listed = self.client.list("taskruns", NAMESPACE, labels=LABEL)
        return [one["metadata"]["name"] for one in listed if not status_of(one).get("completionTime")]

    def _wrong(self, name: str, status: Any) -> list[str]:
        condition = status["conditions"][0]
        if condition["status"] == "True":
            log = self.client.logs(NAMESPACE, status["podName"], "step-s")
            return [] if log.endswith("the end\n") else [f"TaskRun {name} Succeeded without its end: {log!r}"]
        if STOPPED in condition["message"] or self.may_fail:
            return []
        return [f"TaskRun {name} failed: {condition['reason']} {condition['message']}"]


class Experiments:
    """Runs in an experiment of MLflow's."""

    name, every = "mlflow runs", 0.5

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._experiment = ""
        self._known: list[str] = []

    @property
    def count(self) -> int:
        return len(self._known)

    def send(self) -> None:
        if not self._experiment:
            self._experiment = self._call("experiments/create", {"name": f"soak-{time.time_ns()}"})["experiment_id"]
        body = {"experiment_id": self._experiment, "tags": [{"key": "soak", "value": "yes"}]}
        self._known.append(self._call("runs/create", body)["run"]["info"]["run_id"])

    def lost(self) -> list[str]:
        found: set[str] = set()
        page: dict[str, str] = {}
        while self._experiment:
            body = {"experiment_ids": [self._experiment], "max_results": 1000, **page}
            answer = self._call("runs/search", body)
            found |= {one["info"]["run_id"] for one in answer.get("runs") or []}
            if not answer.get("next_page_token"):
                break
            page = {"page_token": answer["next_page_token"]}
        return [f"MLflow run {one} is gone" for one in self._known if one not in found]

    def _call(self, path: str, body: Any) -> Any:
        url = f"{self._lab.endpoint('mlflow')}/api/2.0/mlflow/{path}"
        answer = ask(url, json.dumps(body).encode(), token=self._lab.token, seconds=SECONDS)
        served(answer, path)
        return answer.json


def served(answer: Answer, what: str = "") -> None:
    """Raise Failed for every status but 200."""
    if answer.status != 200:
        raise Failed(f"{what} {answer.status}: {answer.text}"[:200].strip())


@dataclass
class _Thread:
    """One sender's thread and its tally since the last look."""

    sender: Sender
    tally: Tally = field(default_factory=Tally)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Load:
    """All loads. They send while they are not paused."""

    def __init__(self, lab: Lab) -> None:
        self.runs = Runs(lab)
        senders: list[Sender] = [Predictions(lab), Objects(lab), self.runs, Experiments(lab), Pages(lab)]
        self._threads = [_Thread(one) for one in senders]
        self._sending, self._ended = threading.Event(), threading.Event()
        self._busy = [threading.Lock() for _ in senders]
        for one, busy in zip(self._threads, self._busy, strict=True):
            threading.Thread(target=self._run, args=(one, busy), daemon=True).start()

    def go(self) -> None:
        """Send."""
        self._sending.set()

    def pause(self) -> None:
        """Send nothing more; returns when every request has its answer."""
        self._sending.clear()
        for busy in self._busy:
            with busy:
                pass

    def end(self) -> None:
        """End the threads."""
        self._ended.set()
        self._sending.set()

    def tallies(self) -> Tallies:
        """The requests since the last call, by load."""
        found = {}
        for one in self._threads:
            with one.lock:
                found[one.sender.name], one.tally = one.tally, Tally()
        return found

    @property
    def count(self) -> int:
        """The acknowledged objects of all loads."""
        return sum(one.sender.count for one in self._threads)

    def lost(self) -> list[str]:
        """What was acknowledged and is not there. The load is paused."""
        return [line for one in self._threads for line in one.sender.lost()]

    def _run(self, mine: _Thread, busy: threading.Lock) -> None:
        due = time.monotonic()
        while not self._ended.is_set():
            self._sending.wait()
            with busy:
                if self._sending.is_set() and not self._ended.is_set():
                    self._once(mine)
            # A sender that is late does not send faster afterwards.
            due = max(due + mine.sender.every, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))

    def _once(self, mine: _Thread) -> None:
        try:
            mine.sender.send()
            with mine.lock:
                mine.tally.served += 1
        except Exception as e:
            with mine.lock:
                mine.tally.failed += 1
                mine.tally.messages[_shape(e)] += 1


def _shape(error: Exception) -> str:
    """A failure without what differs each time, so that equal ones are counted together."""
    text = str(error) if isinstance(error, (Failed, WorkshopError)) else f"{type(error).__name__}: {error}"
    return text.splitlines()[0][:200] if text else type(error).__name__
