"""The limits of every port of the lab. They bound memory, descriptors and time for any sender, with or without a token.

Uvicorn by itself bounds only the silence after an answer (timeout_keep_alive).
"""

from __future__ import annotations

import resource

HEAD_BYTES = 64 * 1024
"""Of a request line with its headers, and of the trailers or chunk extensions between two parts of a body."""
HEAD_SECONDS = 32.0
"""For the request line and the headers, as an API server waits (ReadHeaderTimeout in apiserver's secure serving)."""
BODY_SECONDS = 60.0
"""For a body, as an API server waits; each BODY_BYTES_PER_SECOND received extend it by a second."""
BODY_BYTES_PER_SECOND = 1024 * 1024
"""All senders are on this machine, so a push of 500 MB needs less time than this gives."""
BUFFERED_BYTES = 64 * 1024 * 1024
"""Of all bodies that one port holds in memory. Above it the request that holds most is refused."""
CONNECTIONS = 512
"""Of one port. Above it the connection that has been silent the longest is closed."""
OPEN_FILES = 65536
"""More is of no use, and programs that loop over all possible descriptors become slow."""
_LISTENERS = 8
_OWN_FILES = 256


def raise_open_files() -> None:
    """Raise this process's limit of open files to its hard limit, at most OPEN_FILES; children inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def connections() -> int:
    """How many connections one port takes: CONNECTIONS, fewer where the process may not open that many files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS
    return max(16, min(CONNECTIONS, (soft - _OWN_FILES) // _LISTENERS))
