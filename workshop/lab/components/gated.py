"""A program without a login of its own, behind the lab's token.

The lab listens on the component's port and forwards what the gate admits. The program listens at an address that other
users of this machine cannot use: a port with a random password, or a Unix socket in a folder of this user.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from workshop.lab import ports
from workshop.lab.components.process import ProcessRunner, ProcessSpec
from workshop.lab.components.proxy import Proxy
from workshop.lab.lab import Lab
from workshop.lab.listening.server import server
from workshop.lab.pages.auth import TokenGate

POLL_SECONDS = 0.01


class GatedRunner:
    """Keeps a program and its gate running; the gate admits all participants.

    `spec` is that of `ProcessRunner`, `cookies` those of `Proxy`.
    """

    def __init__(self, lab: Lab, name: str, spec: Callable[[], ProcessSpec], cookies: Iterable[str] = ()) -> None:
        """Bind the component's port. Raises OSError when it is in use."""
        self._program = ProcessRunner(lab, name, spec)
        self._proxy = Proxy(name, lambda: self._program.address, cookies)
        others = dict.fromkeys(lab.tokens, self._proxy)
        console = str(lab.url("console"))
        gate = TokenGate(self._proxy, lab.token, part=name, console=console, open_paths=(), others=others)
        self._server = server(gate, buffers=lambda _: False, lifespan="off")
        self._socket = ports.listen(lab.ports[name])
        self._serving: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Listen, then keep the program running until `stop`."""
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started and not self._serving.done():
            await asyncio.sleep(POLL_SECONDS)
        await self._program.run()

    async def stop(self) -> None:
        """Stop the program and its gate."""
        self._server.should_exit = True
        await self._program.stop()
        if self._serving is None:
            self._socket.close()
        else:
            await self._serving
        await self._proxy.close()
