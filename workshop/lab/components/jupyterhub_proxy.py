"""JupyterHub's proxy with the lab's limits: `python -m workshop.lab.components.jupyterhub_proxy OPTIONS`.

The options are those of configurable-http-proxy. Its servers have no settings for limits, so they are created here.
They bind with SO_REUSEPORT, which keeps other users' programs from the port while the proxy restarts, and they end
requests that are overdue. There is no limit of connections: the proxy is a separate process, so a flood of connections
affects the hub's pages only.
"""

from __future__ import annotations

import sys
from typing import Any

from configurable_http_proxy import cli  # type: ignore[import-untyped]
from tornado.httpserver import HTTPServer

from workshop.lab.listening import limits


class ProxyServer(HTTPServer):
    """One of the proxy's two servers: for browsers, and for the hub."""

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Create the server with the lab's limits."""
        bounds = {
            "max_header_size": limits.HEAD_BYTES,
            "idle_connection_timeout": limits.HEAD_SECONDS * 2,
            "body_timeout": limits.BODY_SECONDS,
        }
        super().initialize(*args, **{**bounds, **kwargs})

    def listen(  # type: ignore[override]  # the rest is passed on
        self, port: int, address: str | None = None, **kwargs: Any
    ) -> None:
        """Listen on a port that is reserved for this user."""
        super().listen(port, address, **{"reuse_port": sys.platform == "linux", **kwargs})


def main() -> None:
    """Run the proxy until SIGTERM."""
    limits.raise_open_files()
    cli.HTTPServer = ProxyServer
    cli.main()


if __name__ == "__main__":
    main()
