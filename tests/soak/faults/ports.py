"""Other programs on the lab's ports."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

from tests.soak.lab import Lab


@contextmanager
def taken(lab: Lab) -> Iterator[None]:
    """Stop the lab, take every port that it had, and start it: it takes others, and says which."""
    before = _ports(lab)
    lab.down()
    with ExitStack() as held:
        others = set()
        for port in sorted(before):
            # The kernel keeps a port whose last connections ended a moment ago for the same kind of socket.
            with suppress(OSError):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                others.add(port)
        assert others, f"no port of {sorted(before)} could be taken"
        lab.up()
        both = others & _ports(lab)
        assert not both, f"workshop status names ports that other programs have: {sorted(both)}"
        yield


def _ports(lab: Lab) -> set[int]:
    """The ports of the lab's endpoints."""
    urls = (url for url in lab.report.endpoints.values() if url)
    return {port for url in urls if (port := urlsplit(url).port) is not None}
