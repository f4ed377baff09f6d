"""What the instructor's verbs have in common: the cluster that they work on, and Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable

from workshop import output
from workshop.cluster import config as configs
from workshop.cluster.applying import MANAGER
from workshop.cluster.bulk import BulkClient
from workshop.errors import INTERRUPTED


def run_on_cluster(words: argparse.Namespace, action: Callable[[BulkClient], Awaitable[int]]) -> int:
    """Run the action with a client of the cluster of the command line. Ctrl-C leaves what was written."""

    async def run() -> int:
        config = configs.find(words.kubeconfig, context=words.context)
        output.note(f"cluster {config.server}" + (f", context {config.context}" if config.context else ""))
        async with BulkClient(config, MANAGER) as client:
            return await action(client)

    try:
        return asyncio.run(run())
    except KeyboardInterrupt:
        output.note("interrupted; what was done stays, and the same command goes on from there")
        return INTERRUPTED
