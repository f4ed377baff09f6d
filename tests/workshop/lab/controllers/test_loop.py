"""The controllers' loop: every change is reconciled, never twice at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.kit import until_async
from workshop.lab import watches
from workshop.lab.api_errors import Conflict
from workshop.lab.controllers.loop import Loop
from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.objects import Object

MAPS = built_in("ConfigMap")
PODS = built_in("Pod")


def _map(name: str) -> Object:
    return {"metadata": {"name": name, "namespace": "default"}, "data": {}}


def _driven(loop: Loop, scenario: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        task = asyncio.create_task(loop.run())
        try:
            await scenario()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


def test_start_reconciles_what_is_already_there() -> None:
    store, seen = Store(), list[str]()
    store.create(MAPS, _map("old"))

    async def reconcile(_: str, name: str) -> None:
        seen.append(name)

    _driven(Loop("t", store, reconcile, owns=MAPS), lambda: until_async(lambda: seen == ["old"]))


def test_events_of_watched_kinds_reach_the_mapped_key() -> None:
    store, seen = Store(), list[str]()

    async def reconcile(_: str, name: str) -> None:
        seen.append(name)

    async def scenario() -> None:
        await asyncio.sleep(0)
        store.create(PODS, {"metadata": {"name": "pod", "namespace": "default"}})
        await until_async(lambda: seen == ["owner"])

    loop = Loop("t", store, reconcile, owns=MAPS, watches={PODS: lambda r: [(r.namespace, "owner")]})
    _driven(loop, scenario)


def test_many_enqueues_make_one_more_reconcile_and_never_two_at_once() -> None:
    store, running, most, count = Store(), 0, 0, 0
    release = asyncio.Event()

    async def reconcile(_: str, __: str) -> None:
        nonlocal running, most, count
        running, count = running + 1, count + 1
        most = max(most, running)
        await release.wait()
        running -= 1

    loop = Loop("t", store, reconcile, owns=MAPS)

    async def scenario() -> None:
        loop.enqueue("default", "a")
        await until_async(lambda: count == 1)
        for _ in range(10):
            loop.enqueue("default", "a")
        release.set()
        await until_async(lambda: count == 2 and running == 0)
        assert most == 1

    _driven(loop, scenario)
    assert count == 2


def test_error_is_retried_and_conflict_at_once(caplog: pytest.LogCaptureFixture) -> None:
    store, calls = Store(), 0

    async def reconcile(_: str, __: str) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ValueError("boom")
        if calls == 2:
            raise Conflict("changed")

    loop = Loop("t", store, reconcile, owns=MAPS)

    async def scenario() -> None:
        loop.enqueue("default", "a")
        await until_async(lambda: calls == 3)

    _driven(loop, scenario)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "default/a failed" in caplog.text


def test_returned_seconds_bring_the_key_back() -> None:
    store, calls = Store(), 0

    async def reconcile(_: str, __: str) -> float | None:
        nonlocal calls
        calls += 1
        return 0.01 if calls < 3 else None

    store.create(MAPS, _map("a"))
    _driven(Loop("t", store, reconcile, owns=MAPS), lambda: until_async(lambda: calls == 3))


def test_a_loop_whose_watch_was_cut_off_lists_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "WATCH_BACKLOG", 2)
    store, seen = Store(), set[str]()

    async def reconcile(_: str, name: str) -> None:
        seen.add(name)

    async def scenario() -> None:
        await asyncio.sleep(0)
        names = {f"m{number}" for number in range(5)}
        for name in sorted(names):  # without a pause, so the loop lags more events behind than its watch keeps
            store.create(MAPS, _map(name))
        await until_async(lambda: seen == names)
        store.create(MAPS, _map("later"))
        await until_async(lambda: "later" in seen)

    _driven(Loop("t", store, reconcile, owns=MAPS), scenario)


def test_each_failure_doubles_the_wait_and_a_success_resets_it(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    store.create(MAPS, _map("x"))
    outcomes = iter([False, False, False, True, False, True])
    calls = 0

    async def reconcile(_: str, __: str) -> float | None:
        nonlocal calls
        calls += 1
        if not next(outcomes):
            raise ValueError("not yet")
        return 0.0 if calls < 6 else None

    _driven(Loop("t", store, reconcile, owns=MAPS), lambda: until_async(lambda: calls == 6))
    waits = [record.getMessage().partition("again in ")[2] for record in caplog.records if "failed" in record.message]
    assert waits == ["0.1 s", "0.2 s", "0.4 s", "0.1 s"]


def test_an_event_whose_mapping_raises_does_not_end_the_loop() -> None:
    store, seen = Store(), list[str]()

    async def reconcile(_: str, name: str) -> None:
        seen.append(name)

    async def scenario() -> None:
        await asyncio.sleep(0)
        for name in ("odd", "good"):
            store.create(PODS, {"metadata": {"name": name, "namespace": "default", "labels": {"owner": name}}})
        await until_async(lambda: seen == ["good"])

    owners = {"good": [("default", "good")]}
    loop = Loop("t", store, reconcile, owns=MAPS, watches={PODS: lambda r: owners[r.name]})
    _driven(loop, scenario)
