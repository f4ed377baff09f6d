"""One shell behind a pseudo-terminal, and the pages that show it.

Memory is bounded in every direction. Output is kept to the last SCROLLBACK bytes. A page may lag WINDOW bytes
behind: it acknowledges what it has drawn, and while one page lags the shell is not read, so the kernel makes the
program wait. A page that does not go on for PATIENCE seconds is dropped, so that it cannot stop the others. What is
typed waits in at most PENDING bytes while no program reads it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import termios
from collections import deque

from workshop.lab.runtimes.process.launcher import Process

SCROLLBACK = 256 * 1024
WINDOW = 256 * 1024
PENDING = 64 * 1024
PATIENCE = 15.0
VIEWERS = 4
"""Pages that show one shell at the same time; one more takes the place of the oldest."""
ENDED = "ended"
"""Why a page gets nothing more when the shell has ended."""
ROWS, COLUMNS = (2, 300), (10, 500)
"""The smallest and the largest size that a page may ask for."""
_CHUNK = 16 * 1024
_GRACE = 1.0


class Viewer:
    """One page that shows a shell. `output` gives what it has to draw, `dropped` why nothing more comes."""

    def __init__(self, first: bytes) -> None:
        self.dropped = ""
        self.lag = len(first)
        """Bytes that were given to the page and not yet acknowledged, or still wait to be sent."""
        self.full_since: float | None = None
        """The loop's time from which on the shell has waited for this page."""
        self._waiting: deque[bytes] = deque([first] if first else [])
        self._more = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether the shell has to wait for this page."""
        return self.lag > WINDOW

    def put(self, data: bytes) -> None:
        """Hand output to the page."""
        self._waiting.append(data)
        self.lag += len(data)
        self._more.set()

    def drop(self, why: str) -> None:
        """Give the page nothing more; what waits is still sent when the shell has ended, and else forgotten."""
        self.dropped = self.dropped or why
        if why != ENDED:
            self._waiting.clear()
        self._more.set()

    async def output(self) -> bytes:
        """The next output; empty when the viewer was dropped, or when the shell has ended and all was sent."""
        while not self._waiting and not self.dropped:
            self._more.clear()
            await self._more.wait()
        taken = b"".join(self._waiting)
        self._waiting.clear()
        return taken


class Shell:
    """A running shell. Made by `Shells`, which hands over the process and the terminal's master end."""

    def __init__(self, process: Process, master: int, slave: int) -> None:
        self._process = process
        self._master = master
        # Kept open: without a slave, Linux answers each read with EIO before the shell has opened it, and after.
        self._slave = slave
        self._loop = asyncio.get_running_loop()
        self._kept = bytearray()
        self._typed = bytearray()
        self._viewers: list[Viewer] = []
        self._reading = False
        self._impatient: asyncio.TimerHandle | None = None
        self._open = True
        os.set_blocking(master, False)
        self._read_or_wait()

    # -- pages

    def attach(self) -> Viewer:
        """A page begins to show the shell; it gets what is kept of the output first."""
        while len(self._viewers) >= VIEWERS:
            self._viewers.pop(0).drop("another page shows this terminal")
        viewer = Viewer(bytes(self._kept))
        self._viewers.append(viewer)
        return viewer

    def detach(self, viewer: Viewer) -> None:
        """A page has gone; the shell goes on."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)
        self._read_or_wait()

    def acknowledge(self, viewer: Viewer, count: int) -> None:
        """The page has drawn `count` bytes. Raises ValueError when it was not sent so many."""
        if not 0 <= count <= viewer.lag:
            raise ValueError(f"{count} bytes are acknowledged, {viewer.lag} were sent")
        viewer.lag -= count
        self._read_or_wait()

    # -- input

    def type(self, text: str) -> None:
        """Type into the terminal. Raises ValueError when what was typed before still waits and leaves no room."""
        data = text.encode()
        if len(self._typed) + len(data) > PENDING:
            raise ValueError("no program reads what is typed; it was not typed")
        self._typed += data
        if self._open:
            self._write()

    def resize(self, rows: int, columns: int) -> None:
        """Set the size; programs in the terminal are signalled by the kernel. Raises ValueError."""
        for value, (least, most) in ((rows, ROWS), (columns, COLUMNS)):
            if not least <= value <= most:
                raise ValueError(f"the size {rows} x {columns} is not allowed")
        if self._open:
            termios.tcsetwinsize(self._master, (rows, columns))

    # -- the end

    async def ended(self) -> int:
        """Wait for the end of the shell, show the rest of its output, and let the pages go; its exit code."""
        code = await self._process.wait()
        self._close()
        return code

    async def stop(self) -> None:
        """End the shell as a terminal does that is closed: hang up, then kill what does not go."""
        self._process.signal(signal.SIGHUP)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await self._process.wait()
        self._process.signal(signal.SIGKILL)
        await self._process.wait()
        self._close()

    def _close(self) -> None:
        if not self._open:
            return
        self._stop_reading()
        self._drain()
        self._open = False
        self._loop.remove_writer(self._master)
        os.close(self._master)
        os.close(self._slave)
        if self._impatient is not None:
            self._impatient.cancel()
        for viewer in self._viewers:
            viewer.drop(ENDED)
        self._viewers.clear()

    # -- the terminal

    def _read_or_wait(self) -> None:
        """Read while no page lags too far behind; else wait for the slowest, not for ever."""
        if not self._open:
            return
        now = self._loop.time()
        for viewer in self._viewers:
            viewer.full_since = (viewer.full_since or now) if viewer.full else None
        waiting = [viewer.full_since for viewer in self._viewers if viewer.full_since is not None]
        if self._impatient is not None:
            self._impatient.cancel()
            self._impatient = None
        if waiting:
            self._stop_reading()
            self._impatient = self._loop.call_at(min(waiting) + PATIENCE, self._drop_the_slow)
        elif not self._reading:
            self._reading = True
            self._loop.add_reader(self._master, self._read)

    def _drop_the_slow(self) -> None:
        overdue = self._loop.time() - PATIENCE
        for viewer in [each for each in self._viewers if each.full_since is not None and each.full_since <= overdue]:
            viewer.drop("the page did not keep up with the output")
            self._viewers.remove(viewer)
        self._read_or_wait()

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._master)

    def _read(self) -> None:
        self._show()
        self._read_or_wait()

    def _drain(self) -> None:
        """The last output of a shell that has ended, bounded as everything is."""
        for _ in range(SCROLLBACK // _CHUNK):
            if not self._show():
                return

    def _show(self) -> bool:
        """Read once and give it to the pages; False when there was nothing."""
        try:
            data = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return False
        self._kept += data
        if len(self._kept) > SCROLLBACK:
            # Cut at the end of a line: half an escape sequence would be drawn as text.
            cut = self._kept.find(b"\n", len(self._kept) - SCROLLBACK * 3 // 4)
            del self._kept[: cut + 1 if cut >= 0 else len(self._kept) - SCROLLBACK // 2]
        for viewer in self._viewers:
            viewer.put(data)
        return bool(data)

    def _write(self) -> None:
        try:
            while self._typed:
                del self._typed[: os.write(self._master, self._typed)]
        except BlockingIOError:
            self._loop.add_writer(self._master, self._write)
            return
        self._loop.remove_writer(self._master)
