"""The feedback that a group of processes has counted, so that the same feedback is counted once.

A caller that got no answer sends its feedback again. The feedback that names its prediction, by `meta.puid` of its
response, is remembered by eight bytes of a hash. The memory has a fixed size, is shared by all workers, and forgets the
oldest: a set of 16 places has the 16 newest of its hashes. With 20,000 newer ones, 3 in 100,000 are forgotten.

Replicas share no memory, so feedback that comes to two replicas is counted by both.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from threading import Lock

SETS, PLACES = 4096, 16
TABLE_BYTES = SETS * PLACES * 8


class Reported:
    """The table in shared memory; zero is an empty place. `fd` is the memory's file, which processes lock."""

    def __init__(self, memory: memoryview, fd: int) -> None:
        self._table = memory.cast("Q")
        self._fd = fd
        self._lock = Lock()

    def claim(self, key: int) -> bool:
        """Remember a key. False when it is remembered already: its feedback must not be counted."""
        start = key % SETS * PLACES
        with self._locked():
            places = self._table[start : start + PLACES]
            if key in places.tolist():
                return False
            # A copy, because the two parts overlap.
            places[1:] = memoryview(bytes(places[:-1])).cast("Q")
            places[0] = key
        return True

    def release(self, key: int) -> None:
        """Forget a key whose feedback could not be counted, so that it may come again."""
        start = key % SETS * PLACES
        with self._locked():
            for at in range(start, start + PLACES):
                if self._table[at] == key:
                    self._table[at] = 0

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # The lock of the file is between processes, and ends with a process that is killed.
        with self._lock:
            fcntl.lockf(self._fd, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._fd, fcntl.LOCK_UN)


def key_of(puid: str, kind: str, request: bytes) -> int:
    """The key of a feedback: 64 bits, never 0.

    It has the request, because the truth of the rows of one request may come at different times, and the kind (which of
    reward and truth there are), because a reward may come before the truth.
    """
    hashed = blake2b(request, digest_size=8, person=kind.encode())
    hashed.update(b"\0" + puid.encode("utf-8", "surrogatepass"))
    return int.from_bytes(hashed.digest(), "little") or 1
