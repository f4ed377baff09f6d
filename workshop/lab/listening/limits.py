"""The limits of every port of the lab. They bound memory, descriptors and time for any client, with or without a token.

Uvicorn alone bounds only the idle time after a response (timeout_keep_alive).
"""

from __future__ import annotations

import resource

HEAD_BYTES = 64 * 1024
"""Bytes of a request line with its headers, and of the trailers or chunk extensions between two parts of a body."""
HEAD_SECONDS = 32.0
"""Seconds for the request line and headers, as in an API server (ReadHeaderTimeout in apiserver's secure serving)."""
BODY_SECONDS = 60.0
"""Seconds for a body, as in an API server. Each BODY_BYTES_PER_SECOND received extend it by a second."""
BODY_BYTES_PER_SECOND = 1024 * 1024
"""Bytes per second. All clients are on this machine, so a push of 500 MB needs less time than this allows."""
BUFFERED_BYTES = 64 * 1024 * 1024
"""Bytes of all bodies that one port holds in memory. Above it, the request with the largest body is refused."""
CONNECTIONS = 512
"""Connections of one port. Above it, the connection that has been idle the longest is closed."""
OPEN_FILES = 65536
"""A higher limit is of no use, and programs that loop over all possible descriptors become slow."""
_LISTENERS = 8
_OWN_FILES = 256


def raise_open_files() -> None:
    """Raise this process's limit of open files to its hard limit, at most OPEN_FILES. Children inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def connections() -> int:
    """The maximum connections of a port: CONNECTIONS, fewer where the process may not open that many files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS
    return max(16, min(CONNECTIONS, (soft - _OWN_FILES) // _LISTENERS))
