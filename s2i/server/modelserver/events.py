"""Events of the process on its log: one line of JSON each, so that programs can wait for them."""

import logging
import socket

import orjson

log = logging.getLogger("modelserver")


def log_event(event: str, **details: object) -> None:
    """Log one event. A socket is written as its port: with port 0 it is known only here."""
    shown = {
        name: value.getsockname()[1] if isinstance(value, socket.socket) else value
        for name, value in details.items()
        if value is not None
    }
    log.info("%s", orjson.dumps({"event": event, **shown}).decode())
