"""Memory that a group of processes shares: counts that outlive a process, and the state of each worker.

Each process of the group has one block. It writes to its own block alone, so nothing is locked, and reads all of
them. A worker that is killed leaves its block as it was; the worker that replaces it goes on adding to it, so no
count is lost and no series is new. A number is one aligned store of eight bytes, so no process reads half of it.

    block    header | numbers, 8 bytes each | text, one JSON line a series: what the numbers in turn mean

After the blocks comes the table of ``reported``, which all processes write, each under a lock.

prometheus_client has a mode for this too. It takes five times as long for an increment (1.2 against 0.24 us),
needs a folder on a disk, and leaves one file for every process that ever was.
"""

import os
import tempfile
from collections.abc import Sequence
from mmap import mmap
from typing import NamedTuple

import orjson

from modelserver.reported import TABLE_BYTES, Reported

NUMBERS = 64 * 1024
TEXT_BYTES = 512 * 1024
HEADER = 8
BLOCK_BYTES = (HEADER + NUMBERS) * 8 + TEXT_BYTES

# The header's numbers.
_TEXT_LENGTH, _PHASE, _PID, _BEAT, _CONNECTIONS = range(5)

ABSENT, LOADING, READY, DRAINING = range(4)
"""The state of a process. ``LOADING`` is for the first start alone: the group is not ready before all workers are."""

Labels = tuple[tuple[str, str], ...]


class Series(NamedTuple):
    """What one or more numbers are: a family's name and kind, and the labels within it, sorted."""

    name: str
    kind: str
    labels: Labels


class FullError(Exception):
    """The block has no room for another series."""


class Block:
    """The memory of one process."""

    def __init__(self, memory: memoryview) -> None:
        self._header = memory[: HEADER * 8].cast("d")
        self._numbers = memory[HEADER * 8 : (HEADER + NUMBERS) * 8].cast("d")
        self._text = memory[(HEADER + NUMBERS) * 8 :]
        self._known: dict[Series, memoryview] = {}
        self._starts: dict[Series, int] = {}
        self._read = 0
        self._used = 0

    @property
    def phase(self) -> int:
        """One of the phases above."""
        return int(self._header[_PHASE])

    @phase.setter
    def phase(self, phase: int) -> None:
        self._header[_PHASE] = phase

    @property
    def pid(self) -> int:
        """The process that writes here, 0 when there is none."""
        return int(self._header[_PID])

    @pid.setter
    def pid(self, pid: int) -> None:
        self._header[_PID] = pid

    @property
    def beat(self) -> float:
        """When the process's event loop last turned, by the monotonic clock, which all processes share."""
        return self._header[_BEAT]

    @beat.setter
    def beat(self, now: float) -> None:
        self._header[_BEAT] = now

    @property
    def connections(self) -> int:
        """The number of open connections of the process."""
        return int(self._header[_CONNECTIONS])

    @connections.setter
    def connections(self, count: int) -> None:
        self._header[_CONNECTIONS] = count

    def series(self) -> dict[Series, memoryview]:
        """All series and their numbers; what was written since the last call is read."""
        length = int(self._header[_TEXT_LENGTH])
        if length > self._read:
            try:
                lines = [orjson.loads(line) for line in bytes(self._text[self._read : length]).splitlines()]
            except orjson.JSONDecodeError:
                # Another process's text may come later than its length; it will be there the next time.
                return self._known
            for name, kind, labels, size in lines:
                self._keep(Series(name, kind, tuple((label, value) for label, value in labels)), size)
            self._read = length
        return self._known

    def add(self, series: Series, size: int) -> memoryview:
        """The numbers of a series, zeros unless they were there before. Raises ``FullError``."""
        known = self.series().get(series)
        if known is not None:
            return known
        line = orjson.dumps([*series, size], option=orjson.OPT_APPEND_NEWLINE)
        end = self._read + len(line)
        if end > TEXT_BYTES or self._used + size > NUMBERS:
            raise FullError
        self._text[self._read : end] = line
        # The series is there from this store on; killed before it, the next one writes over the line.
        self._header[_TEXT_LENGTH] = end
        self._read = end
        return self._keep(series, size)

    def add_together(self, several: Sequence[Series]) -> memoryview:
        """The numbers of counters that lie one after the other, in this order. Raises ``FullError``.

        A process that was killed may have added the first of them: the rest follows, because whoever takes its block
        adds the same series in the same order.
        """
        found = [self.add(series, 1) for series in several]
        if not found:
            return self._numbers[:0]
        start = self._starts[several[0]]
        together = self._numbers[start : start + len(found)]
        if self._starts[several[-1]] != start + len(found) - 1:
            raise FullError
        return together

    def _keep(self, series: Series, size: int) -> memoryview:
        self._starts[series] = self._used
        numbers = self._known[series] = self._numbers[self._used : self._used + size]
        self._used += size
        return numbers


class Shared:
    """The blocks of a group: one for each worker, and the last for the parent, if there is one."""

    def __init__(self, fd: int, blocks: int) -> None:
        self.fd = fd
        memory = memoryview(mmap(fd, blocks * BLOCK_BYTES + TABLE_BYTES))
        self.blocks = [Block(memory[at * BLOCK_BYTES : (at + 1) * BLOCK_BYTES]) for at in range(blocks)]
        self.reported = Reported(memory[blocks * BLOCK_BYTES :], fd)

    @classmethod
    def make(cls, blocks: int) -> "Shared":
        """New memory, all zeros; pages that are not written take no room. A child gets it by ``fd``."""
        if hasattr(os, "memfd_create"):
            fd = os.memfd_create("modelserver")
        else:
            with tempfile.TemporaryFile() as file:
                fd = os.dup(file.fileno())
        os.ftruncate(fd, blocks * BLOCK_BYTES + TABLE_BYTES)
        return cls(fd, blocks)
