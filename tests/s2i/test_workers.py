"""Several workers: one that dies is replaced, and what it counted stays counted."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator

import psutil
import pytest
import urllib3
from modelserver.families import Writer, merged, set_gauge
from modelserver.parent import pause_after
from modelserver.settings import read_settings
from modelserver.shared import Shared

from tests.kit import until

from .conftest import GOOD, Server, Start
from .test_metrics import REQUESTS


def until_restarted(server: Server, deaths: int) -> None:
    """Wait until so many workers have been replaced and both are ready."""
    until(lambda: server.sample("model_server_worker_restarts_total", metrics=True) == deaths)
    until(lambda: server.sample("model_server_workers", metrics=True) == 2)


def workers(server: Server) -> list[int]:
    return [child.pid for child in psutil.Process(server.process.pid).children()]


@pytest.fixture
def two(started: Start) -> Iterator[Server]:
    # Nobody reads the log while the tests run: a full pipe would stop the server.
    server = started(
        "Fragile",
        shared=False,
        MODEL_SERVER_WORKERS="2",
        MODEL_SERVER_PREDICT_TIMEOUT="1",
        MODEL_SERVER_ACCESS_LOG="false",
    )
    yield server
    server.stop()


def series(server: Server) -> set[str]:
    lines = server.get("/metrics", metrics=True).body.decode().splitlines()
    return {line.rpartition(" ")[0] for line in lines if not line.startswith("#")}


def test_a_killed_worker_loses_no_count_and_is_replaced(two: Server) -> None:
    answered, sent, stop = [0] * 4, [0] * 4, threading.Event()

    def ask(place: int) -> None:
        pool, url = urllib3.PoolManager(retries=False), f"http://127.0.0.1:{two.port}/api/v1.0/predictions"
        while not stop.is_set():
            sent[place] += 1
            try:
                answer = pool.request("POST", url, body=b'{"strData":"x"}')
            except urllib3.exceptions.HTTPError:
                continue
            assert answer.status == 200
            answered[place] += 1

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: min(answered) > 20)
    before, names = workers(two), series(two)
    for deaths, pid in enumerate(before, 1):
        os.kill(pid, signal.SIGKILL)
        until_restarted(two, deaths)
    stop.set()
    for thread in threads:
        thread.join()
    # A request in a worker that is being killed may have been counted and not answered, never the other way round.
    for counted in (
        two.sample(REQUESTS + "_count", metrics=True),
        two.sample("asked_total", method="predict", metrics=True),
    ):
        assert sum(answered) <= counted <= sum(sent)
    assert sum(sent) - sum(answered) <= 8
    assert set(workers(two)).isdisjoint(before)
    assert two.sample("model_server_worker_restarts_total", metrics=True) == 2
    assert series(two) == names


def test_requests_are_shared_between_the_workers(two: Server) -> None:
    pools = [urllib3.PoolManager() for _ in range(8)]
    url = f"http://127.0.0.1:{two.port}/predict"
    pids = [pool.request("POST", url, body=b'{"strData":"x"}').json()["strData"] for pool in pools]
    assert sorted(set(pids)) == sorted(map(str, workers(two)))
    assert 3 <= pids.count(pids[0]) <= 5


def test_every_port_shows_the_counts_of_all(two: Server) -> None:
    for _ in range(10):
        urllib3.PoolManager().request("POST", f"http://127.0.0.1:{two.port}/predict", body=b'{"strData":"x"}')
    for _ in range(4):
        url = f"http://127.0.0.1:{two.port}/metrics"
        text = urllib3.PoolManager().request("GET", url).data.decode()
        (line,) = [line for line in text.splitlines() if line.startswith("asked_total{") and '"predict"' in line]
        assert line.endswith(" 10.0")
    assert two.sample("asked_total", method="predict", metrics=True) == 10
    assert two.sample("process_open_fds", metrics=True) > 20


def test_a_worker_that_hangs_is_killed_and_replaced(two: Server) -> None:
    before = workers(two)
    with socket.create_connection(("127.0.0.1", two.port)) as caller:
        caller.sendall(b'POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 18\r\n\r\n{"strData":"hang"}')
        until(lambda: two.sample("model_server_worker_restarts_total", metrics=True) == 1)
    until_restarted(two, 1)
    assert len(set(before) & set(workers(two))) == 1


def test_a_worker_that_dies_again_and_again_gets_pauses_that_grow() -> None:
    pauses = [pause_after(failures) for failures in range(100)]
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    assert pauses[-1] == max(pauses) == 30


def test_readiness_does_not_fall_when_a_worker_is_replaced(two: Server) -> None:
    os.kill(workers(two)[0], signal.SIGKILL)
    statuses = set()
    while (
        two.sample("model_server_worker_restarts_total", metrics=True) < 1
        or two.sample("model_server_workers", metrics=True) < 2
    ):
        statuses.add(urllib3.PoolManager().request("GET", f"http://127.0.0.1:{two.port}/ready", retries=3).status)
    assert statuses <= {200}


def test_sigterm_ends_all_of_them_in_order(two: Server) -> None:
    children = workers(two)
    two.post({"strData": "x"})
    assert two.stop() == 0
    assert not any(psutil.pid_exists(pid) for pid in children)
    assert json.loads(two.lines[-1]) == {"event": "stopped", "answered": 1}


def test_no_worker_outlives_its_parent(started: Start) -> None:
    server = started("Fragile", shared=False, MODEL_SERVER_WORKERS="2")
    children = [psutil.Process(pid) for pid in workers(server)]
    server.process.kill()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_seldons_variable_for_workers_counts_too() -> None:
    assert read_settings({}).workers == 1
    assert read_settings({"GUNICORN_WORKERS": "3"}).workers == 3
    assert read_settings({"GUNICORN_WORKERS": "3", "MODEL_SERVER_WORKERS": "2"}).workers == 2


def test_a_gauge_has_the_value_that_any_worker_set_last() -> None:
    shared = Shared.make(2)
    first, second = (Writer(block).series("depth", "GAUGE", ()) for block in shared.blocks)
    set_gauge(first, 3)
    set_gauge(second, 5)
    assert merged(shared.blocks)["depth", "GAUGE"][()][0] == 5
    set_gauge(first, 4)
    assert merged(shared.blocks)["depth", "GAUGE"][()][0] == 4


def test_a_restarted_worker_continues_the_series_of_its_block() -> None:
    shared = Shared.make(1)
    Writer(shared.blocks[0]).series("seen", "COUNTER", (("a", "1"),))[0] += 2
    again = Shared(shared.fd, 1)
    Writer(again.blocks[0]).series("seen", "COUNTER", (("a", "1"),))[0] += 3
    assert merged(shared.blocks)["seen", "COUNTER"] == {(("a", "1"),): [5.0]}


def test_a_model_that_cannot_be_served_ends_the_parent_with_its_line(started: Start) -> None:
    text = '[{"name":"colour","value":"x","type":"STRING"}]'
    server = started("Late", shared=False, ready=False, MODEL_SERVER_WORKERS="2", PREDICTIVE_UNIT_PARAMETERS=text)
    with pytest.raises(AssertionError, match=r"Late\(colour\) failed"):
        server.wait_for("ready")
    assert server.process.wait(10) == 1


def test_a_model_with_a_schema_works_the_same(started: Start) -> None:
    server = started("Late", shared=False, MODEL_SERVER_WORKERS="2")
    assert server.post(GOOD).json["data"]["ndarray"] == [[0.5]]
    server.stop()
