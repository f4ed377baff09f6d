"""The lab's shells: started when a page first requests one, ended with the lab."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workshop.lab import process_environment
from workshop.lab.pages.terminal.shell import Shell
from workshop.lab.paths import LabPaths
from workshop.lab.runtimes.process.launcher import Launcher, Spec

CHILD = Path(__file__).with_name("child.py")
COUNT = 4
"""The shells of a lab, numbered from 1, so that a long command does not block others."""


def participant_shells(state: LabPaths, launcher: Launcher) -> Shells:
    """The participant's shells, as `workshop shell` starts them, in the clone."""
    command = (sys.executable, "-m", "workshop", "shell")
    return Shells(launcher, command, lambda: process_environment.base(state), state.root, state.run / "terminals.log")


@dataclass
class Shells:
    """The running shells. `command` runs in each; its `env` is complete; `log` is for errors before its start."""

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
        """The shell of a number, started if it does not run.

        Raises KeyError for an unknown number, LaunchFailed when it does not start.
        """
        if self._closed or not 1 <= number <= COUNT:
            raise KeyError(number)
        async with self._starting:
            if number not in self._running:
                self._running[number] = shell = await self._start()
                self._watchers[number] = asyncio.create_task(self._watch(number, shell))
            return self._running[number]

    async def close(self) -> None:
        """End every shell with its children."""
        self._closed = True
        async with self._starting:
            await asyncio.gather(*(shell.stop() for shell in self._running.values()))
        await asyncio.gather(*self._watchers.values(), return_exceptions=True)

    async def _start(self) -> Shell:
        master, slave = os.openpty()
        try:
            termios.tcsetwinsize(slave, (24, 80))
            argv = [sys.executable, "-I", "-S", str(CHILD), os.ttyname(slave), *self.command]
            # Without LINES and COLUMNS: they would not follow a change of the page's size.
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
