"""A probe whose timeout ends while the lab itself stands still, as on a slow disk, is made again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from workshop.lab.kubelet import probes
from workshop.manifests.kubernetes import HTTPGetAction, Probe


def probed(answers: bool, meanwhile: Callable[[], None]) -> bool:
    """Probe a server that answers at once or never; `meanwhile` is called before it is asked."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answers:
            writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
        await reader.read()
        writer.close()

    async def main() -> bool:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        asyncio.get_running_loop().call_soon(meanwhile)
        async with server:
            return await probes.succeeds(Probe(http_get=HTTPGetAction(port=port)))

    return asyncio.run(main())


@pytest.mark.parametrize(("answers", "seconds", "ready"), [(True, 0.4, True), (False, 0.4, False), (False, 0.0, False)])
def test_a_late_timeout_shows_nothing(
    monkeypatch: pytest.MonkeyPatch, answers: bool, seconds: float, ready: bool
) -> None:
    monkeypatch.setattr(probes, "TIMEOUT_SECONDS", 0.1)
    assert probed(answers, lambda: time.sleep(seconds)) is ready
