"""The outcome of work that ends while the disk is full is stored as soon as there is room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workshop.lab.api_errors import ApiError, NotFound
from workshop.lab.controllers.storing import until_stored
from workshop.lab.controllers.tekton.attempts import Attempts
from workshop.lab.kinds import built_in
from workshop.lab.kubelet.pod import PodPlan
from workshop.lab.store import Store

FULL = ApiError("the lab's store cannot write: database or disk is full")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = until_stored.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "first", 0.001)


def failing(outcomes: list[Exception | None]) -> Callable[[], None]:
    def write() -> None:
        if error := outcomes.pop(0):
            raise error

    return write


def test_a_write_is_repeated_until_there_is_room(caplog: pytest.LogCaptureFixture) -> None:
    outcomes: list[Exception | None] = [FULL, FULL, None]
    asyncio.run(until_stored(failing(outcomes), "pod a/b: its failure"))
    assert outcomes == []
    assert "pod a/b: its failure cannot be stored, again in 0.001 s: the lab's store cannot write" in caplog.text


def test_a_write_ends_when_its_object_is_gone() -> None:
    outcomes: list[Exception | None] = [FULL, NotFound("gone"), None]
    asyncio.run(until_stored(failing(outcomes), "it"))
    assert outcomes == [None]


class Runner:
    """A runtime without room for a Pod's folder."""

    async def run(self, plan: PodPlan, report: Any) -> None:
        raise OSError(28, "No space left on device")


def test_a_pod_that_fails_on_a_full_disk_is_failed_once_there_is_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store, pods = Store(), built_in("Pod")
    pod = store.create(
        pods, {"metadata": {"name": "p", "namespace": "n"}, "spec": {"containers": []}, "status": {"phase": "Pending"}}
    )
    update, left = store.update_status, [FULL, FULL]

    def full_at_first(*words: Any) -> Any:
        if left:
            raise left.pop()
        return update(*words)

    monkeypatch.setattr(store, "update_status", full_at_first)

    async def main() -> None:
        attempts = Attempts(store, Runner())  # type: ignore[arg-type]
        attempts.start(pod, PodPlan(namespace="n", name="p", folder=tmp_path, steps=()))
        async with asyncio.timeout(10):
            while attempts.seconds(pod["metadata"]["uid"]) is not None:
                await asyncio.sleep(0.001)

    asyncio.run(main())
    assert left == []
    assert store.get(pods, "n", "p")["status"]["phase"] == "Failed"
