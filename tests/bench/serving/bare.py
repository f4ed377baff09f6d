"""Servers of an empty answer: how much of the time is the HTTP stack's.

python -m tests.bench.serving.bare own|uvicorn PORT
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

import uvloop


def main() -> None:
    """Serve until SIGTERM."""
    kind, port = sys.argv[1], int(sys.argv[2])
    if kind == "own":
        uvloop.run(own(port))
    else:
        import uvicorn

        uvicorn.run(
            empty, port=port, http="httptools", loop="uvloop", log_config=None, access_log=False, lifespan="off"
        )


async def own(port: int) -> None:
    """The model server's own HTTP, with one handler that does nothing."""
    from modelserver.http import Answer, Front, Operation
    from modelserver.metrics import Metrics
    from modelserver.running import bound
    from modelserver.server import Server
    from modelserver.settings import Settings
    from modelserver.shared import Shared

    settings = Settings(access_log=False)
    front = Front(settings, Metrics(settings, "bare", Shared.make(1)))
    answer = Answer(b"{}")
    operation = Operation(front, {"GET": lambda call: answer, "POST": lambda call: answer})
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    with bound("PORT", "127.0.0.1", port) as sock:
        server = Server(front, lambda path: operation)
        server.start(sock)
        await ended.wait()
        await server.stop()


async def empty(scope: Any, receive: Any, send: Any) -> None:
    """The smallest ASGI application that reads its request."""
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


if __name__ == "__main__":
    main()
