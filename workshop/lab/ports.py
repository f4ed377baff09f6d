"""Ports: the preferred ones where they are free, others where they are not, the same ones after a restart.

All on 127.0.0.1, and held: a port that was only looked for is anybody's until its server listens, and a server takes
seconds to start. The next server that asks, or an outgoing connection of any program, may get it first.
WORKSHOP_PORTS=free asks for any free ports (tests and several labs on one machine); `name=number` pairs,
comma-separated, ask for given ones and fail when they are taken.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

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


@dataclass(frozen=True)
class Held:
    """A port of 127.0.0.1 that is kept for one server until `close`, before it listens and between its restarts."""

    number: int
    _bound: socket.socket

    def close(self) -> None:
        """Let the port go; a server that listens there goes on."""
        self._bound.close()

    def __enter__(self) -> Held:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def hold(number: int = 0) -> Held:
    """Hold a port, any free one for 0. Raises OSError when something listens there.

    Linux gives a port that a socket is bound to neither to an outgoing connection nor to a bind to port 0, but lets a
    second socket bind and listen when both have SO_REUSEADDR and the first does not listen (socket(7)); the servers
    that the lab starts set it. Elsewhere that second socket is refused, so there the port is only looked for.
    """
    bound = socket.socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", number))
        held = Held(bound.getsockname()[1], bound)
    except OSError:
        bound.close()
        raise
    if sys.platform != "linux":
        held.close()
    return held


def choose(kept: Path, wish: str = "") -> dict[str, Held]:
    """A port a name, held, and written to `kept` for the next start.

    Raises EnvironmentFault when a port that was asked for by number is in use, UsageError when `wish` cannot be read.
    """
    fixed = _parse(wish or os.environ.get("WORKSHOP_PORTS", ""))
    any_free = wish == "free" or os.environ.get("WORKSHOP_PORTS") == "free"
    before: dict[str, int] = {}
    with suppress(OSError, ValueError):
        before = json.loads(kept.read_text())
    ports: dict[str, Held] = {}
    with ExitStack() as undo:
        for name, preferred in PREFERRED.items():
            candidates = [fixed[name]] if name in fixed else [before.get(name, 0), 0 if any_free else preferred]
            held = _first_free(candidates, {port.number for port in ports.values()}, or_any=name not in fixed)
            if held is None:
                raise EnvironmentFault(
                    f"port {fixed[name]} for {name} is in use on 127.0.0.1",
                    hint=f"free it, or leave {name} out of WORKSHOP_PORTS and the lab takes another one",
                )
            ports[name] = undo.enter_context(held)
        kept.write_text(json.dumps({name: port.number for name, port in ports.items()}))
        undo.pop_all()
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


def _first_free(candidates: list[int], taken: set[int], *, or_any: bool) -> Held | None:
    for number in candidates:
        if number and number not in taken:
            with suppress(OSError):
                return hold(number)
    return hold() if or_any else None


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
