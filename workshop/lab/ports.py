"""Ports: the preferred ones where they are free, others where they are not, the same ones after a restart.

All on 127.0.0.1. WORKSHOP_PORTS=free asks for any free ports (tests and several labs on one machine);
`name=number` pairs, comma-separated, ask for given ones and fail when they are taken.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from pathlib import Path

from workshop.errors import EnvironmentFault, UsageError

PREFERRED = {
    "api": 16443,
    "console": 18080,
    "events": 18081,
    "gateway": 18000,
    "git": 13000,
    "grafana": 13001,
    "jupyterhub": 18888,
    "mlflow": 15000,
    "prometheus": 19090,
}
"""Away from what laptops use already: 5000 is AirPlay on macOS, 8080 and 9090 are everybody's."""


def choose(kept: Path, wish: str = "") -> dict[str, int]:
    """A port a name, written to `kept` for the next start.

    Raises EnvironmentFault when a port that was asked for by number is in use, UsageError when `wish` cannot be read.
    """
    fixed = _parse(wish or os.environ.get("WORKSHOP_PORTS", ""))
    any_free = wish == "free" or os.environ.get("WORKSHOP_PORTS") == "free"
    before: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError):
        before = json.loads(kept.read_text())
    ports: dict[str, int] = {}
    for name, preferred in PREFERRED.items():
        if name in fixed:
            if not is_free(fixed[name]):
                raise EnvironmentFault(
                    f"port {fixed[name]} for {name} is in use on 127.0.0.1",
                    hint=f"free it, or leave {name} out of WORKSHOP_PORTS and the lab takes another one",
                )
            ports[name] = fixed[name]
            continue
        candidates = [before.get(name, 0), 0 if any_free else preferred]
        taken = set(ports.values())
        ports[name] = next((p for p in candidates if p and p not in taken and is_free(p)), 0) or _any_free(taken)
    kept.write_text(json.dumps(ports))
    return ports


def is_free(port: int) -> bool:
    """Whether nothing listens on a port of 127.0.0.1."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _any_free(taken: set[int]) -> int:
    while True:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port: int = sock.getsockname()[1]
        if port not in taken:
            return port


def _parse(wish: str) -> dict[str, int]:
    if wish in ("", "free"):
        return {}
    fixed = {}
    for pair in wish.split(","):
        name, _, number = pair.partition("=")
        if name not in PREFERRED or not number.isdigit() or not 0 < int(number) < 65536:
            raise UsageError(
                f"cannot read the port {pair!r}", hint=f"write name=number with a name of {', '.join(PREFERRED)}"
            )
        fixed[name] = int(number)
    return fixed
