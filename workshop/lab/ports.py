"""Ports: the preferred ones where they are free, others where they are not, the same ones after a restart.

All are on 127.0.0.1 and reserved (bound) until the server listens: another process could take a port that was only
probed meanwhile. The lab's own ports can be bound by processes of the same user only, also while a server
restarts: a program of another user on such a port would receive the lab's token.
WORKSHOP_PORTS=free asks for any free ports (tests and several labs on one machine); `name=number` pairs,
comma-separated, ask for given ones and fail when they are taken.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from workshop.errors import SetupError, UsageError
from workshop.lab.parts import Components, personal_name
from workshop.participants.names import Participant

SERVERS = {"api": 16443, "console": 18080, "events": 18081, "gateway": 18000, "git": 13000}
"""The preferred ports of the lab's own servers. Laptops use 5000 (AirPlay on macOS), 8080 and 9090 already."""


@dataclass(frozen=True)
class ReservedPort:
    """A port of 127.0.0.1, reserved for one server until `close`: before it listens and between its restarts."""

    number: int
    _sockets: tuple[socket.socket, ...]

    def close(self) -> None:
        """End the reservation. A server that listens there is not affected."""
        for one in self._sockets:
            one.close()

    def __enter__(self) -> ReservedPort:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def reserve(number: int = 0, *, for_own_user: bool = False) -> ReservedPort:
    """Reserve a port; 0 means any free port. Raises OSError when something listens there.

    Linux gives a bound port neither to an outgoing connection nor to a bind to port 0. Another socket can bind and
    listen there when both have SO_REUSEADDR and the first does not listen (socket(7)). Most servers set it, including
    those of other users. With `for_own_user` both need SO_REUSEPORT, which Linux grants only to sockets of the same
    user; the server must set it, as `listen` does. A second lab of the same user could share either kind of port, so
    the reservation also binds a name that only one process can have (`_claim`). On other systems a port is only probed:
    there a second socket is refused.
    """
    bound = _socket(shared_by_port=for_own_user)
    try:
        bound.bind(("127.0.0.1", number))
        number = bound.getsockname()[1]
        sockets = (bound, _claim(number)) if sys.platform == "linux" else (bound,)
    except OSError:
        bound.close()
        raise
    port = ReservedPort(number, sockets)
    if sys.platform != "linux":
        port.close()
    return port


def _claim(number: int) -> socket.socket:
    """A socket with a name in Linux's abstract namespace, which the kernel frees when its process ends (unix(7)).

    Raises OSError when another process of this user has reserved the port.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0openshift-mlops-workshop/{os.getuid()}/port/{number}")
    except OSError:
        claim.close()
        raise
    return claim


def listen(number: int) -> socket.socket:
    """A socket bound to a port that is reserved `for_own_user`. The server calls its `listen`.

    Raises OSError.
    """
    bound = _socket(shared_by_port=True)
    try:
        bound.bind(("127.0.0.1", number))
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound


def _socket(*, shared_by_port: bool) -> socket.socket:
    # With the protocol given, asyncio sets TCP_NODELAY; without it, a response can wait 40 ms for the reader.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    by_port = shared_by_port and sys.platform == "linux"
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT if by_port else socket.SO_REUSEADDR, 1)
    return made


def preferred(components: Components) -> dict[str, int]:
    """The preferred port of every server and component by name."""
    return SERVERS | {name: spec.port for name, spec in sorted(components.items()) if spec.port is not None}


def personal(components: Components, others: Sequence[Participant]) -> dict[str, int]:
    """The ports of the components that each participant has; for all but the first. 0 is any free port."""
    return {
        personal_name(name, one): 0
        for one in others
        for name, spec in sorted(components.items())
        if spec.personal and spec.port is not None
    }


def choose(kept: Path, wanted: Mapping[str, int], wish: str = "") -> dict[str, ReservedPort]:
    """A port reserved `for_own_user` for each name in `wanted`, written to `kept` for the next start.

    Raises SetupError when a port in `wish` is in use, UsageError when `wish` cannot be parsed.
    """
    fixed = _parse(wish or os.environ.get("WORKSHOP_PORTS", ""), wanted)
    any_free = wish == "free" or os.environ.get("WORKSHOP_PORTS") == "free"
    before: dict[str, int] = {}
    with suppress(OSError, ValueError):
        before = json.loads(kept.read_text())
    ports: dict[str, ReservedPort] = {}
    with ExitStack() as undo:
        for name, number in wanted.items():
            candidates = [fixed[name]] if name in fixed else [before.get(name, 0), 0 if any_free else number]
            taken = {one.number for one in ports.values()}
            reserved = _first_free(candidates, taken, or_any=name not in fixed)
            if reserved is None:
                raise SetupError(
                    f"port {fixed[name]} for {name} is in use on 127.0.0.1",
                    hint=f"free it, or leave {name} out of WORKSHOP_PORTS and the lab takes another one",
                )
            ports[name] = undo.enter_context(reserved)
        kept.write_text(json.dumps({name: one.number for name, one in ports.items()}))
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


def _first_free(candidates: list[int], taken: set[int], *, or_any: bool) -> ReservedPort | None:
    for number in candidates:
        if number and number not in taken:
            with suppress(OSError):
                return reserve(number, for_own_user=True)
    return reserve(for_own_user=True) if or_any else None


def _parse(wish: str, wanted: Mapping[str, int]) -> dict[str, int]:
    if wish in ("", "free"):
        return {}
    fixed = {}
    for pair in wish.split(","):
        name, _, number = pair.partition("=")
        if name not in wanted or not number.isdecimal() or not 0 < int(number) < 65536:
            raise UsageError(
                f"cannot read the port {pair!r}", hint=f"write name=number with a name of {', '.join(wanted)}"
            )
        fixed[name] = int(number)
    return fixed
