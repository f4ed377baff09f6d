"""Helpers of the tests of both JupyterHubs: wait until a started hub answers."""

from __future__ import annotations

import asyncio
import subprocess
import time
from pathlib import Path

import aiohttp

SECONDS = 90.0


async def until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Ask until 200. AssertionError with the end of the log when the process has ended or the time is over."""
    deadline = time.monotonic() + SECONDS
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    raise AssertionError(f"JupyterHub is not ready:\n{log.read_text()[-4000:]}")
