"""Pauses a Pod after a failed step, with a shell that sees the step's files and variables.

In a terminal the shell opens at once. Without one, the command to enter and the command to go on are printed.
"""

from __future__ import annotations

import asyncio
import dataclasses
import shlex
import subprocess
import sys
from pathlib import Path

from workshop import output
from workshop.lab.kubelet.pod import PodPlan
from workshop.lab.runtimes.base import ContainerSpec, Handle, PodError
from workshop.standalone.engine import Engine

POLL_SECONDS = 0.1
_IDLE = ("tail", "-f", "/dev/null")


class Breakpoint:
    """Called after each failed step of an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._one_shell = asyncio.Lock()

    async def __call__(self, pod: PodPlan, step: ContainerSpec, code: int) -> None:
        """Show the place of the failure, and wait until the user goes on."""
        idle = dataclasses.replace(
            step, command=_IDLE, args=(), script=None, log=Path("/dev/null"), env={**step.env, "EXIT_CODE": str(code)}
        )
        try:
            handle = await self._engine.runtime.start(idle)
        except PodError as e:
            output.note(f"{step.name} of {pod.name} failed, and no shell can be opened in its place: {e}")
            return
        try:
            async with self._one_shell:
                await self._pause(pod, step, code, handle)
        finally:
            await asyncio.shield(handle.stop(0.5))

    async def _pause(self, pod: PodPlan, step: ContainerSpec, code: int, handle: Handle) -> None:
        command = shlex.join(handle.shell)
        run = pod.labels.get("tekton.dev/taskRun", pod.name)
        output.note(f"{step.name} of {run} failed with exit code {code} and waits:")
        for mount in step.mounts or ():
            if mount.target.startswith(("/workspace", "/tekton/results")):
                output.note(f"  {mount.target} is {mount.source}")
        if sys.stdin.isatty() and sys.stderr.isatty():
            output.note("  a shell with its files and variables; the run goes on after exit")
            await asyncio.to_thread(subprocess.call, handle.shell)
            return
        go_on = pod.folder / "continue"
        output.note(f"  enter:  {command}")
        output.note(f"  go on:  touch {shlex.quote(str(go_on))}")
        while not go_on.exists():
            await asyncio.sleep(POLL_SECONDS)
