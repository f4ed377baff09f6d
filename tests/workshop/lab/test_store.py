"""The store keeps accepted writes: through kill -9, a full disk, and a restart."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workshop.lab.api_errors import AlreadyExists, ApiError, Conflict, Expired, NotFound
from workshop.lab.kinds import built_in
from workshop.lab.store import HISTORY, HISTORY_BYTES, Store
from workshop.lab.watches import WATCH_BACKLOG

CONFIG, TASK_RUN = built_in("ConfigMap"), built_in("TaskRun")
KIT = Path(__file__).resolve().parents[3]


def config(name: str, namespace: str = "n", **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, **more}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store.sqlite")
    yield opened
    opened.close()


def reopened(path: Path) -> Store:
    store = Store(path)
    store.load()
    return store


def test_created_object_has_identity_and_version(store: Store) -> None:
    made = store.create(TASK_RUN, config("a", spec={}))
    assert made["metadata"]["generation"] == 1 and made["metadata"]["resourceVersion"] == str(store.version)
    assert store.get(TASK_RUN, "n", "a") == made


def test_caller_may_change_what_it_got(store: Store) -> None:
    store.create(CONFIG, config("a", data={"x": "1"}))["data"]["x"] = "changed"
    store.get(CONFIG, "n", "a")["data"]["x"] = "changed"
    assert store.get(CONFIG, "n", "a")["data"] == {"x": "1"}


def test_update_that_changes_nothing_keeps_the_version(store: Store) -> None:
    made = store.create(CONFIG, config("a", data={"x": "1"}))
    assert store.update(CONFIG, made)["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_generation_counts_changes_of_the_spec_alone(store: Store) -> None:
    made = store.create(TASK_RUN, config("a", spec={"x": 1}))
    made["metadata"]["labels"] = {"l": "v"}
    assert store.update(TASK_RUN, made)["metadata"]["generation"] == 1
    made = store.get(TASK_RUN, "n", "a")
    made["status"] = {"s": 1}
    assert store.update_status(TASK_RUN, made).object()["metadata"]["generation"] == 1
    made = store.get(TASK_RUN, "n", "a")
    made["spec"] = {"x": 2}
    assert store.update(TASK_RUN, made)["metadata"]["generation"] == 2


def test_a_status_changes_nothing_else_and_one_with_the_same_values_no_version(store: Store) -> None:
    made = store.create(TASK_RUN, config("a", spec={"x": "é\n"}, status={"s": {"a": 1, "b": [None, "ü"]}}))
    same = store.update_status(TASK_RUN, {"metadata": made["metadata"], "status": {"s": {"b": [None, "ü"], "a": 1}}})
    assert same.object() == made
    tried = store.update_status(TASK_RUN, {**made, "spec": {}, "status": {"s": 2}}, dry_run=True).object()
    assert tried == {**made, "status": {"s": 2}} and store.get(TASK_RUN, "n", "a") == made
    later = store.update_status(TASK_RUN, {**made, "spec": {}, "status": {"s": 2}})
    meta = {**made["metadata"], "resourceVersion": str(later.version)}
    assert later.object() == {**made, "metadata": meta, "status": {"s": 2}} == store.get(TASK_RUN, "n", "a")
    with pytest.raises(Conflict):
        store.update_status(TASK_RUN, {**made, "status": {}})
    assert "status" not in store.update_status(TASK_RUN, config("a")).object()


def test_errors_have_their_own_types(store: Store) -> None:
    made = store.create(CONFIG, config("a"))
    with pytest.raises(AlreadyExists):
        store.create(CONFIG, config("a"))
    with pytest.raises(NotFound, match='configmaps "b" not found'):
        store.get(CONFIG, "n", "b")
    with pytest.raises(Conflict, match="the object has been modified"):
        store.update(CONFIG, {**made, "metadata": {**made["metadata"], "resourceVersion": "1"}, "data": {}})
    with pytest.raises(Conflict, match="UID in precondition"):
        store.update(CONFIG, {"metadata": {"name": "a", "namespace": "n", "uid": "other"}})


def test_dry_run_leaves_no_trace(store: Store) -> None:
    before = store.version
    store.create(CONFIG, config("a"), dry_run=True)
    made = store.create(CONFIG, config("b", data={}))
    store.update(CONFIG, {**made, "data": {"x": "1"}}, dry_run=True)
    assert store.find(CONFIG, "n", "a") is None and store.get(CONFIG, "n", "b")["data"] == {}
    assert store.version == before + 1


def test_dependents_follow_their_owner_through_generations(store: Store) -> None:
    owner = store.create(CONFIG, config("a"))
    child = store.create(
        CONFIG, {"metadata": {"name": "b", "namespace": "n", "ownerReferences": [{"uid": owner["metadata"]["uid"]}]}}
    )
    store.create(
        CONFIG, {"metadata": {"name": "c", "namespace": "n", "ownerReferences": [{"uid": child["metadata"]["uid"]}]}}
    )
    store.delete(CONFIG, "n", "a")
    assert list(store.records(CONFIG)) == []


def test_reopened_store_has_everything_and_counts_on(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    first = Store(path)
    first.create(CONFIG, config("a", data={"x": "1"}))
    first.create(CONFIG, config("b"))
    first.delete(CONFIG, "n", "b")
    version = first.version
    first.close()
    second = reopened(path)
    assert [r.name for r in second.records(CONFIG)] == ["a"] and second.version == version
    second.close()


WRITER = """
import sys
from workshop.lab.kinds import built_in
from workshop.lab.store import Store
store, kind = Store(sys.argv[1]), built_in("ConfigMap")
for number in range(100000):
    store.create(kind, {"metadata": {"name": f"c{number}", "namespace": "n"}, "data": {"x": "y" * 500}})
    print(number, flush=True)
"""


def test_accepted_writes_survive_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=KIT, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    for line in child.stdout:
        if int(line) >= 200:
            os.kill(child.pid, signal.SIGKILL)
            break
    accepted = 200 + sum(1 for _ in child.stdout)
    child.wait()
    store = reopened(path)
    names = {record.name for record in store.records(CONFIG)}
    assert {f"c{number}" for number in range(accepted + 1)} <= names
    store.create(CONFIG, config("after"))
    store.close()


def test_full_disk_refuses_the_write_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = Store(path)
    store._db.execute("PRAGMA max_page_count = 40")
    made = store.create(CONFIG, config("small", data={"x": "1"}))
    watch = store.watch()

    def fill() -> None:
        for number in range(100):
            store.create(CONFIG, config(f"c{number}", data={"x": "y" * 20_000}))

    with pytest.raises(ApiError, match="free disk space and try again") as caught:
        fill()
    assert caught.value.code == 500
    names = [record.name for record in store.records(CONFIG)]
    assert watch._queue.qsize() == len(names) - 1  # only stored objects were sent
    failed = f"c{len(names) - 1}"
    assert store.find(CONFIG, "n", failed) is None
    store._db.execute("PRAGMA max_page_count = 4000")
    store.create(CONFIG, config(failed))
    assert store.get(CONFIG, "n", "small") == made
    store.close()
    again = reopened(path)
    assert {record.name for record in again.records(CONFIG)} == {*names, failed}
    again.close()


async def read(watch: Any, count: int) -> list[tuple[str, str]]:
    found = []
    for _ in range(count):
        event = await watch.next(5)
        found.append((event.type, event.record.name))
    return found


def test_watch_replays_then_follows(store: Store) -> None:
    async def follow() -> None:
        store.create(CONFIG, config("a"))
        since = store.version
        store.create(CONFIG, config("b"))
        store.delete(CONFIG, "n", "a")
        watch = store.watch(since=since)
        store.create(CONFIG, config("c"))
        assert await read(watch, 3) == [("ADDED", "b"), ("DELETED", "a"), ("ADDED", "c")]
        watch.close()
        assert await watch.next() is None

    asyncio.run(follow())


def test_watch_from_before_the_history_or_a_restart_is_expired(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    made = store.create(CONFIG, config("a", data={"n": "0"}))
    since = store.version
    for number in range(HISTORY + 1):
        made = store.update(CONFIG, {**made, "data": {"n": str(number + 1)}})
    with pytest.raises(Expired, match="too old resource version"):
        store.watch(since=since)
    store.watch(since=since + 1).close()
    store.close()
    again = reopened(tmp_path / "store.sqlite")
    with pytest.raises(Expired):
        again.watch(since=since + 5)
    again.close()


def test_the_history_has_a_bound_in_bytes(store: Store) -> None:
    store.create(CONFIG, config("a"))
    since = store.version
    for number in range(4):
        store.create(CONFIG, config(f"big-{number}", data={"x": "x" * (HISTORY_BYTES // 3)}))
    with pytest.raises(Expired, match="too old resource version"):
        store.watch(since=since)
    store.watch(since=store.version - 2).close()


def test_an_object_that_is_larger_than_the_history_is_in_it(store: Store) -> None:
    since = store.version

    async def follow() -> None:
        store.create(CONFIG, config("big", data={"x": "x" * HISTORY_BYTES}))
        assert await read(store.watch(since=since), 1) == [("ADDED", "big")]

    asyncio.run(follow())


def test_reader_that_lags_is_cut_off(store: Store) -> None:
    async def lag() -> None:
        watch = store.watch()
        made = store.create(CONFIG, config("a", data={"n": "0"}))
        for number in range(WATCH_BACKLOG + 1):
            made = store.update(CONFIG, {**made, "data": {"n": str(number + 1)}})
        seen = 0
        while await watch.next(1) is not None:
            seen += 1
        assert seen == WATCH_BACKLOG

    asyncio.run(lag())
