"""The lab's shells: started when a page first asks for one, ended with the lab."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workshop.lab import environment
from workshop.lab.pages.terminal.shell import Shell
from workshop.lab.paths import LabPaths
from workshop.lab.runtimes.process.launcher import Launcher, Spec

CHILD = Path(__file__).with_name("child.py")
COUNT = 4
"""The shells of a lab, numbered from 1: more than one, for a command that goes on while others are typed."""


def participant_shells(state: LabPaths, launcher: Launcher) -> Shells:
    """The participant's: what `workshop shell` starts, in their clone."""
    command = (sys.executable, "-m", "workshop", "shell")
    return Shells(launcher, command, lambda: environment.base(state), state.root, state.run / "terminals.log")


@dataclass
class Shells:
    """The shells that run. `command` is what each runs; its `env` is complete; `log` is for what fails before."""

    launcher: Launcher
    command: Sequence[str]
    env: Callable[[], Mapping[str, str]]
    cwd: Path
    log: Path
    _running: dict[int, Shell] = field(default_factory=dict)
    _watchers: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _closed: bool = False

    async def shell(self, number: int) -> Shell:
        """The shell of a number, started when it does not run.

        Raises KeyError for a number that no shell has, LaunchFailed when it does not start.
        """
        if self._closed or not 1 <= number <= COUNT:
            raise KeyError(number)
        async with self._starting:
            if number not in self._running:
                self._running[number] = shell = await self._start()
                self._watchers[number] = asyncio.create_task(self._watch(number, shell))
            return self._running[number]

    async def close(self) -> None:
        """End every shell with all that it has started."""
        self._closed = True
        async with self._starting:
            await asyncio.gather(*(shell.stop() for shell in self._running.values()))
        await asyncio.gather(*self._watchers.values(), return_exceptions=True)

    async def _start(self) -> Shell:
        master, slave = os.openpty()
        try:
            termios.tcsetwinsize(slave, (24, 80))
            argv = [sys.executable, "-I", "-S", str(CHILD), os.ttyname(slave), *self.command]
            # No LINES and COLUMNS: they would stay when the page changes the size.
            env = {**self.env(), "TERM": "xterm-256color"}
            process = await self.launcher.start(Spec(argv, env, self.log, str(self.cwd)))
        except BaseException:
            os.close(master)
            os.close(slave)
            raise
        return Shell(process, master, slave)

    async def _watch(self, number: int, shell: Shell) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await shell.ended()
        self._running.pop(number, None)
        self._watchers.pop(number, None)
