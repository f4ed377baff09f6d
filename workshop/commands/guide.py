"""`workshop guide`: serve a participant's guide below a prefix. jupyter-server-proxy starts it on a cluster."""

from __future__ import annotations

import argparse

import uvicorn

from workshop.lab.pages.standalone import application
from workshop.participants.target import CommandTarget


def guide(words: argparse.Namespace, target: CommandTarget) -> int:
    """Serve until the process is ended. Raises SetupError when there is no clone."""
    app = application(target, words.root.rstrip("/"))
    uvicorn.run(app, host="127.0.0.1", port=words.port, log_level="warning", server_header=False)
    return 0
