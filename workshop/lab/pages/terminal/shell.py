"""One shell behind a pseudo-terminal, and the pages that show it.

Memory is bounded in every direction. The last SCROLLBACK bytes of output are kept. A page acknowledges the bytes that
it has drawn and may lag WINDOW bytes behind. While one page lags more, the shell is not read, so the kernel blocks the
program. A page that lags for LAG_SECONDS is dropped, so that it cannot stop the others. Typed input
waits in at most PENDING bytes while no program reads it.
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
LAG_SECONDS = 15.0
VIEWERS = 4
"""Pages that show one shell at the same time; one more replaces the oldest."""
ENDED = "ended"
"""The reason for a page when the shell has ended."""
ROWS, COLUMNS = (2, 300), (10, 500)
"""The smallest and the largest allowed size."""
_CHUNK = 16 * 1024
_GRACE = 1.0


class Viewer:
    """One page that shows a shell. `output` returns the next output, `dropped` is the reason for its end."""

    def __init__(self, first: bytes) -> None:
        self.dropped = ""
        self.lag = len(first)
        """Bytes for the page that are not yet acknowledged or not yet sent."""
        self.full_since: float | None = None
        """The loop's time since which the shell waits for this page."""
        self._waiting: deque[bytes] = deque([first] if first else [])
        self._more = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether the shell must wait for this page."""
        return self.lag > WINDOW

    def put(self, data: bytes) -> None:
        """Add output for the page."""
        self._waiting.append(data)
        self.lag += len(data)
        self._more.set()

    def drop(self, why: str) -> None:
        """Stop the output. Remaining output is still sent if the shell has ended; otherwise it is discarded."""
        self.dropped = self.dropped or why
        if why != ENDED:
            self._waiting.clear()
        self._more.set()

    async def output(self) -> bytes:
        """The next output; empty when the viewer was dropped, or when the shell has ended and everything was sent."""
        while not self._waiting and not self.dropped:
            self._more.clear()
            await self._more.wait()
        taken = b"".join(self._waiting)
        self._waiting.clear()
        return taken


class Shell:
    """A running shell. `Shells` creates it and passes the process and the terminal's master end."""

    def __init__(self, process: Process, master: int, slave: int) -> None:
        self._process = process
        self._master = master
        # Kept open: otherwise Linux answers reads with EIO before the shell has opened it, and after its end.
        self._slave = slave
        self._loop = asyncio.get_running_loop()
        self._kept = bytearray()
        self._typed = bytearray()
        self._viewers: list[Viewer] = []
        self._reading = False
        self._drop_timer: asyncio.TimerHandle | None = None
        self._open = True
        os.set_blocking(master, False)
        self._read_or_wait()

    # -- pages

    def attach(self) -> Viewer:
        """Add a page. It first gets the kept output."""
        while len(self._viewers) >= VIEWERS:
            self._viewers.pop(0).drop("another page shows this terminal")
        viewer = Viewer(bytes(self._kept))
        self._viewers.append(viewer)
        return viewer

    def detach(self, viewer: Viewer) -> None:
        """Remove a page. The shell continues."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)
        self._read_or_wait()

    def acknowledge(self, viewer: Viewer, count: int) -> None:
        """The page has drawn `count` bytes. Raises ValueError if more than were sent."""
        if not 0 <= count <= viewer.lag:
            raise ValueError(f"{count} bytes are acknowledged, {viewer.lag} were sent")
        viewer.lag -= count
        self._read_or_wait()

    # -- input

    def type(self, text: str) -> None:
        """Type into the terminal. Raises ValueError if earlier input still waits and leaves no space."""
        data = text.encode()
        if len(self._typed) + len(data) > PENDING:
            raise ValueError("no program reads what is typed; it was not typed")
        self._typed += data
        if self._open:
            self._write()

    def resize(self, rows: int, columns: int) -> None:
        """Set the size; the kernel signals it to the programs in the terminal. Raises ValueError."""
        for value, (least, most) in ((rows, ROWS), (columns, COLUMNS)):
            if not least <= value <= most:
                raise ValueError(f"the size {rows} x {columns} is not allowed")
        if self._open:
            termios.tcsetwinsize(self._master, (rows, columns))

    # -- the end

    async def ended(self) -> int:
        """Wait for the shell's end, send its remaining output and detach the pages. Returns the exit code."""
        code = await self._process.wait()
        self._close()
        return code

    async def stop(self) -> None:
        """End the shell as a closed terminal does: SIGHUP, then SIGKILL."""
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
        if self._drop_timer is not None:
            self._drop_timer.cancel()
        for viewer in self._viewers:
            viewer.drop(ENDED)
        self._viewers.clear()

    # -- the terminal

    def _read_or_wait(self) -> None:
        """Read while no page lags too far behind; else wait for the slowest page, at most LAG_SECONDS."""
        if not self._open:
            return
        now = self._loop.time()
        for viewer in self._viewers:
            viewer.full_since = (viewer.full_since or now) if viewer.full else None
        waiting = [viewer.full_since for viewer in self._viewers if viewer.full_since is not None]
        if self._drop_timer is not None:
            self._drop_timer.cancel()
            self._drop_timer = None
        if waiting:
            self._stop_reading()
            self._drop_timer = self._loop.call_at(min(waiting) + LAG_SECONDS, self._drop_the_slow)
        elif not self._reading:
            self._reading = True
            self._loop.add_reader(self._master, self._read)

    def _drop_the_slow(self) -> None:
        overdue = self._loop.time() - LAG_SECONDS
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
        """Read the last output of an ended shell, at most SCROLLBACK bytes."""
        for _ in range(SCROLLBACK // _CHUNK):
            if not self._show():
                return

    def _show(self) -> bool:
        """Read once and send it to the pages. Returns False if there was nothing."""
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
