"""A part of the lab whose task raises starts again."""

from __future__ import annotations

import asyncio

import pytest

from workshop.lab.restarts import keep_running


def test_a_task_that_raises_is_logged_and_starts_again(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = [KeyError("status"), OSError("no space"), None]

    async def run() -> None:
        outcome = outcomes.pop(0)
        if outcome:
            raise outcome

    asyncio.run(keep_running(run, "Builds", first=0))
    assert outcomes == []
    assert [record.getMessage() for record in caplog.records] == ["Builds has failed and starts again in 0 s"] * 2
    assert "KeyError: 'status'" in caplog.text


def test_a_task_that_is_cancelled_ends() -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(keep_running(forever, "Builds", first=0))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
