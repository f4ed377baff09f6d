"""Which process listens on a port."""

from __future__ import annotations

import psutil


def listens(pid: int, port: int) -> bool:
    """Whether a process or one of its descendants listens on a TCP port.

    Another user's program may answer on the port of one of ours. No token may be sent to it.
    """
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return False
    return any(_listens(one, port) for one in family)


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        found = process.net_connections(kind="tcp")
    except psutil.Error:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found)
