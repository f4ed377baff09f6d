"""`workshop start`, `solve` and `reset` for the buttons of the guide: one at a time, each in its own process.

The page polls for progress; closing the page stops nothing. The job is the same command that the page shows.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workshop.lab import process_environment
from workshop.lab.paths import LabPaths

VERBS = ("start", "solve", "reset")
LINES = 400
ASK_SECONDS = 60.0


class Busy(Exception):
    """Another job runs; the text names it."""


@dataclass
class Job:
    """One command; `code` is None while it runs."""

    verb: str
    module: str
    code: int | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES))

    @property
    def command(self) -> str:
        return f"workshop {self.verb} {self.module}"


@dataclass(frozen=True)
class Answer:
    """The exit code and the output of a command."""

    code: int
    text: str


class Jobs:
    """The last job of one participant, and the start of the next one."""

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        self._env, self._folder = dict(env) | {"NO_COLOR": "1"}, folder
        self._task: asyncio.Task[None] | None = None
        self.last: Job | None = None

    @classmethod
    def of_the_lab(cls, state: LabPaths) -> Jobs:
        """Jobs in the environment of the lab's children."""
        return cls(process_environment.base(state), state.root)

    def start(self, verb: str, module: str) -> Job:
        """Run a job. Raises Busy while another one runs."""
        if self.last is not None and self.last.code is None:
            raise Busy(f"{self.last.command} is still running")
        self.last = Job(verb, module)
        self._task = asyncio.get_running_loop().create_task(self._run(self.last))
        return self.last

    async def ask(self, *words: str) -> Answer:
        """Run a verb that changes nothing, and return its output; exit code 6 when it takes longer than a minute."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "workshop", *words,
            env=self._env, cwd=self._folder, start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            text, _ = await asyncio.wait_for(process.communicate(), ASK_SECONDS)
            return Answer(process.returncode or 0, text.decode(errors="replace"))
        except TimeoutError:
            return Answer(6, f"workshop {words[0]} took longer than {ASK_SECONDS:.0f} s")
        finally:
            if process.returncode is None:
                os.killpg(process.pid, 9)

    async def _run(self, job: Job) -> None:
        words = [*(["--yes"] if job.verb == "start" else []), job.module]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "workshop", job.verb, *words,
            env=self._env, cwd=self._folder, start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout
        try:
            async for line in process.stdout:
                job.lines.append(line.decode(errors="replace").rstrip("\n"))
            job.code = await process.wait()
        finally:
            if process.returncode is None:
                os.killpg(process.pid, 15)
                job.code = 130
