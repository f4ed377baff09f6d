"""Probes reach a port by its name, and a server that speaks TLS."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from workshop.lab.api.auth import certificate
from workshop.lab.kubelet.probes import named, succeeds
from workshop.manifests.kubernetes import HTTPGetAction, Probe


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
    writer.close()


async def _probed(context: ssl.SSLContext | None, scheme: str | None) -> bool:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=context)
    ports = named({"web": server.sockets[0].getsockname()[1]})
    async with server:
        return await succeeds(Probe(http_get=HTTPGetAction(port="web", scheme=scheme)), ports=ports)


def test_a_port_has_its_name_in_the_container() -> None:
    assert asyncio.run(_probed(None, None))


@pytest.mark.parametrize(("scheme", "ready"), [("HTTPS", True), ("HTTP", False)])
def test_a_probe_by_https_accepts_any_certificate(tmp_path: Path, scheme: str, ready: bool) -> None:
    made = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.cert, made.key)
    assert asyncio.run(_probed(context, scheme)) is ready
