"""The controllers' loop: every change is reconciled, never twice at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from workshop.lab.api_errors import Conflict
from workshop.lab.controllers.loop import Loop
from workshop.lab.kinds import Object, built_in
from workshop.lab.store import Store

MAPS = built_in("ConfigMap")
PODS = built_in("Pod")


def _map(name: str) -> Object:
    return {"metadata": {"name": name, "namespace": "default"}, "data": {}}


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


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

    _driven(Loop("t", store, reconcile, owns=MAPS), lambda: _until(lambda: seen == ["old"]))


def test_events_of_watched_kinds_reach_the_mapped_key() -> None:
    store, seen = Store(), list[str]()

    async def reconcile(_: str, name: str) -> None:
        seen.append(name)

    async def scenario() -> None:
        await asyncio.sleep(0)
        store.create(PODS, {"metadata": {"name": "pod", "namespace": "default"}})
        await _until(lambda: seen == ["owner"])

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
        await _until(lambda: count == 1)
        for _ in range(10):
            loop.enqueue("default", "a")
        release.set()
        await _until(lambda: count == 2 and running == 0)
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
        await _until(lambda: calls == 3)

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
    _driven(Loop("t", store, reconcile, owns=MAPS), lambda: _until(lambda: calls == 3))
