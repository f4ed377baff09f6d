"""Which process listens on a port."""

from __future__ import annotations

import psutil


def listens(pid: int, port: int) -> bool:
    """Whether a process or one of its descendants listens on a TCP port.

    Another user's program may answer on the port of one of ours. No token may be sent to it.
    """
    return port in listening_ports(pid)


def listening_ports(pid: int) -> set[int]:
    """The TCP ports on which a process or one of its descendants listens; none if it has ended."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return set()
    return {port for one in family for port in _ports(one)}


def _ports(process: psutil.Process) -> list[int]:
    try:
        found = process.net_connections(kind="tcp")
    except psutil.Error:
        return []
    return [one.laddr.port for one in found if one.status == psutil.CONN_LISTEN]
