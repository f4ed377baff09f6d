"""A port of a Service of the cluster on this machine's loopback, over the API server.

`kubectl port-forward` works wherever kubectl does: without a Route, a certificate or a right on the network.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

from workshop.cluster.config import Config
from workshop.cluster.kubectl import kubectl
from workshop.errors import SetupError

SECONDS = 30.0
_READY = re.compile(rb"Forwarding from 127\.0\.0\.1:(\d+) ")


@contextlib.asynccontextmanager
async def forwarded(config: Config, namespace: str, service: str, port: int) -> AsyncIterator[str]:
    """The address on loopback, while the context lasts. Raises SetupError with kubectl's message."""
    words = [kubectl(), "port-forward", "--address=127.0.0.1", f"--namespace={namespace}", f"service/{service}"]
    words += [f":{port}"]
    words += [f"--kubeconfig={config.path}"] if config.path else []
    words += [f"--context={config.context}"] if config.context else []
    process = await asyncio.create_subprocess_exec(
        *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        try:
            line = await asyncio.wait_for(process.stdout.readline(), SECONDS)
        except TimeoutError:
            line = b""
        found = _READY.match(line)
        if found is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            why = (await process.stderr.read()).decode("utf-8", "replace").strip()
            raise SetupError(
                f"Service {service} in {namespace} cannot be reached through the API server: {why or 'no answer'}",
                hint="workshop cluster status shows whether it runs; then the same command goes on",
            )
        yield f"http://127.0.0.1:{int(found[1])}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()
