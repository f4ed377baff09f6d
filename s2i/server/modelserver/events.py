"""What happens to the process, told on its log: one line of JSON an event, so that machines can wait for it."""

import logging
import socket

import orjson

log = logging.getLogger("modelserver")


def tell(event: str, **details: object) -> None:
    """One line; sockets are told as their ports, because with port 0 nobody else knows them."""
    told = {
        name: value.getsockname()[1] if isinstance(value, socket.socket) else value
        for name, value in details.items()
        if value is not None
    }
    log.info("%s", orjson.dumps({"event": event, **told}).decode())
