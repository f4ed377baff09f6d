"""A rehearsal: all participants of a room do modules at the same time, each with the commands of the guide.

Every participant is a process `workshop tour`, as it would run in their terminal. Meanwhile the use of this machine is
measured. People read between the commands and the rehearsal does not, so it is the worst case of the room.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

PREPARED = "start"
"""The step before the modules: the main job, which module 1 looks at, or only its data, which the others need."""
FIRST = "01"
SAMPLE_SECONDS = 0.5
BUSY = 90.0
"""Percent of all cores."""
STOP_SECONDS = 10.0
GIB = 2**30
_LINES = 400


@dataclass
class Walk:
    """What one participant did: seconds by module, and where and why it ended early."""

    name: str
    seconds: dict[str, float] = field(default_factory=dict)
    failed: str = ""
    reason: str = ""


@dataclass
class Use:
    """The use of this machine during the rehearsal. `cpu` are percents of all cores, one for each sample.

    `before` and `peak` are bytes of memory in use on the whole machine, `total` what it has.
    """

    cores: int
    total: int
    before: int
    peak: int
    cpu: list[float] = field(default_factory=list)

    @property
    def busy(self) -> int:
        """The share of samples in which all cores were busy, in percent."""
        return round(100 * sum(one >= BUSY for one in self.cpu) / len(self.cpu)) if self.cpu else 0


@dataclass(frozen=True)
class Rehearsal:
    """The result."""

    walks: list[Walk]
    use: Use
    seconds: float

    @property
    def failures(self) -> list[Walk]:
        return [walk for walk in self.walks if walk.failed]


Progress = Callable[[str, str, float], None]
"""Gets a participant, a module and its seconds."""


async def rehearse(people: Mapping[str, Mapping[str, str]], modules: Sequence[str], report: Progress) -> Rehearsal:
    """Do the modules as all `people` at once; their names and the environments of their commands.

    Cancelling it ends all commands. Modules that are done already are undone first; what was made is kept under other
    names, see `workshop tour`.
    """
    began = time.monotonic()
    memory = psutil.virtual_memory()
    use = Use(os.cpu_count() or 1, memory.total, memory.total - memory.available, 0)
    sampling = asyncio.create_task(_sample(use))
    try:
        walks = await asyncio.gather(*(_walk(name, env, modules, report) for name, env in people.items()))
    finally:
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)
    return Rehearsal(list(walks), use, time.monotonic() - began)


def medians(found: Rehearsal) -> dict[str, tuple[int, float, float]]:
    """By module: how many participants did it, the median and the longest time in seconds."""
    times: dict[str, list[float]] = {}
    for walk in found.walks:
        for module, seconds in walk.seconds.items():
            times.setdefault(module, []).append(seconds)
    return {module: (len(these), statistics.median(these), max(these)) for module, these in sorted(times.items())}


def orders(found: Rehearsal, minutes: Mapping[str, int]) -> list[str]:
    """What the room needs more of; `minutes` are those of each module's text. Empty when it needs nothing."""
    use, count = found.use, len(found.walks)
    wanted = []
    slow = [
        module
        for module, (_, _, longest) in medians(found).items()
        if module in minutes and longest > 30 * minutes[module]
    ]
    if use.busy >= 50 and slow:
        wanted.append(
            f"cores: all {use.cores} were busy in {use.busy} % of the time, and {', '.join(slow)} took more than half "
            f"of the minutes that the text plans; order {2 * use.cores}"
        )
    free, each = use.total - use.peak, max(0, use.peak - use.before) / max(1, count)
    if free < use.total / 10:
        wanted.append(
            f"memory: {free / GIB:.1f} of {use.total / GIB:.1f} GiB were free at the peak; {count} participants in "
            f"these modules use {each * count / GIB:.1f} GiB"
        )
    return wanted


async def _walk(name: str, env: Mapping[str, str], modules: Sequence[str], report: Progress) -> Walk:
    walk, began = Walk(name), time.monotonic()
    only = [] if FIRST in modules else ["--data"]
    code, reason = await _run(env, ["lab", *only, "-o", "json"], lambda _: None)
    if code:
        walk.failed, walk.reason = PREPARED, reason
        return walk
    walk.seconds[PREPARED] = round(time.monotonic() - began, 1)
    report(name, PREPARED, walk.seconds[PREPARED])

    def line(text: str) -> None:
        with suppress(ValueError, KeyError, TypeError):
            event = json.loads(text)
            walk.seconds[event["module"]] = event["seconds"]
            report(name, event["module"], event["seconds"])

    code, reason = await _run(env, ["tour", "--yes", "-o", "json", *modules], line)
    if code:
        walk.failed = next((module for module in modules if module not in walk.seconds), modules[-1])
        walk.reason = reason
    return walk


async def _run(env: Mapping[str, str], words: Sequence[str], line: Callable[[str], None]) -> tuple[int, str]:
    """Run a command of `workshop`: its exit code, and its error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "workshop", *words, env=dict(env),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        start_new_session=True, limit=2**20,
    )  # fmt: skip
    assert process.stdout and process.stderr
    last: deque[str] = deque(maxlen=_LINES)

    async def read(stream: asyncio.StreamReader, use: Callable[[str], None]) -> None:
        async for raw in stream:
            use(raw.decode(errors="replace").rstrip("\n"))

    try:
        await asyncio.gather(read(process.stdout, line), read(process.stderr, last.append))
        return await process.wait(), _error(last)
    except asyncio.CancelledError:
        # As Ctrl-C in a terminal: the command ends the shell of its module.
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        raise
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _error(lines: Sequence[str]) -> str:
    """The last `error:` of a command with the lines after it; else its last line."""
    found = list(lines)
    for at in range(len(found) - 1, -1, -1):
        if found[at].startswith("error: "):
            return "\n".join([found[at].removeprefix("error: "), *found[at + 1 :]])
    return found[-1] if found else "it printed nothing"


async def _sample(use: Use) -> None:
    psutil.cpu_percent(None)
    while True:
        await asyncio.sleep(SAMPLE_SECONDS)
        use.cpu.append(psutil.cpu_percent(None))
        memory = psutil.virtual_memory()
        use.peak = max(use.peak, memory.total - memory.available)
