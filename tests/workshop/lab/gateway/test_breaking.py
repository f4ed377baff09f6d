"""Broken connections and slow shadows do not affect the caller of a prediction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from aiohttp import web

from tests.workshop.lab.gateway.nodes import FEEDBACK, NAME, NAMESPACE, PREDICTIONS, Node, gateway, graph, running, unit
from workshop.lab.gateway import Gateway
from workshop.lab.gateway.shadows import AT_ONCE
from workshop.lab.routes import Backend, Routes, Target

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


@dataclass
class Breaking:
    """A server that ends each connection as a test says."""

    port: int = 0
    requests: int = 0
    busy: int = 0
    most: int = 0
    go_on: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def breaking(answers: int = 0, part: bytes = b"", waits: bool = False) -> AsyncIterator[Breaking]:
    """Answers so many requests a connection, reads one more, sends `part`, hangs up; `waits` waits before answers."""
    it = Breaking()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for turn in range(answers + 1):
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.startswith(b"content-length")), 0
                )
                await reader.readexactly(length)
                it.requests += 1
                it.busy += 1
                it.most = max(it.most, it.busy)
                if waits:
                    await it.go_on.wait()
                it.busy -= 1
                writer.write(ANSWER if turn < answers else part)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        it.go_on.set()
        server.close()


def routes(*targets: Target) -> Routes:
    made = Routes()
    made.set(NAMESPACE, NAME, targets)
    return made


def main(*ports: int, **more: object) -> Target:
    return Target("main", "flight-delay-main", tuple(Backend(f"pod-{i}", p) for i, p in enumerate(ports)), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{"])
def test_a_prediction_whose_connection_breaks_is_answered_by_another_replica(part: bytes) -> None:
    async def scenario() -> None:
        async with (
            breaking(part=part) as bad,
            running(good=lambda path, body: {"ok": 1}) as nodes,
            gateway(routes(main(bad.port, nodes["good"].port))) as client,
        ):
            answers = [await client.post(PREDICTIONS, json={}) for _ in range(40)]
        assert [a.json() for a in answers] == [{"ok": 1}] * 40
        assert bad.requests > 0

    asyncio.run(scenario())


def test_feedback_whose_connection_breaks_is_not_sent_again() -> None:
    async def scenario() -> None:
        async with breaking() as one, breaking() as two, gateway(routes(main(one.port, two.port))) as client:
            answer = await client.post(FEEDBACK, json={"reward": 1})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert one.requests + two.requests == 1

    asyncio.run(scenario())


def test_feedback_goes_to_another_replica_when_nothing_was_sent() -> None:
    async def scenario() -> None:
        async with breaking() as gone:
            pass
        async with (
            running(good=lambda path, body: {}) as nodes,
            gateway(routes(main(gone.port, nodes["good"].port))) as client,
        ):
            answers = [await client.post(FEEDBACK, json={"reward": 1}) for _ in range(10)]
        assert {a.status_code for a in answers} == {200}
        assert len(nodes["good"].asked) == 10

    asyncio.run(scenario())


def test_a_request_that_ends_every_server_ends_few_of_them() -> None:
    async def scenario() -> None:
        async with breaking() as one, gateway(routes(main(*[one.port] * 1))) as client:
            answer = await client.post(PREDICTIONS, json={})
        assert answer.status_code == 503
        assert one.requests == 3

    asyncio.run(scenario())


def test_a_kept_connection_that_the_server_has_closed_costs_nothing() -> None:
    async def scenario() -> None:
        # Reads a second request on the connection and hangs up, as a server that is just closing does.
        async with breaking(answers=1) as server, gateway(routes(main(server.port))) as client:
            answers = [await client.post(PREDICTIONS, json={}) for _ in range(5)]
        assert {a.status_code for a in answers} == {200}

    asyncio.run(scenario())


def test_a_node_of_a_graph_may_close_its_idle_connections_too() -> None:
    async def scenario() -> None:
        async with (
            breaking(answers=1) as server,
            graph(unit("model"), {"model": Node(lambda path, body: {}, server.port)}) as client,
        ):
            answers = [await client.post(PREDICTIONS, json={}) for _ in range(5)]
        assert {a.status_code for a in answers} == {200}

    asyncio.run(scenario())


def test_a_slow_shadow_gets_fewer_copies_and_delays_no_caller() -> None:
    async def scenario() -> None:
        shadow = Target("shadow", "flight-delay-shadow", (), 0, shadow=True)
        async with breaking(answers=1000, waits=True) as slow, running(good=lambda path, body: {"ok": 1}) as nodes:
            shadow = Target("shadow", "flight-delay-shadow", (Backend("s", slow.port),), 0, shadow=True)
            app = Gateway(routes(main(nodes["good"].port), shadow))
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                answers = [await client.post(PREDICTIONS, json={}) for _ in range(AT_ONCE + 20)]
                async with asyncio.timeout(5):
                    while slow.busy < AT_ONCE:
                        await asyncio.sleep(0.01)
            assert {a.status_code for a in answers} == {200}
            assert slow.most == AT_ONCE
            assert app.shadows.left_out == 20
            app.close()

    asyncio.run(scenario())


def test_a_shadow_gets_its_percentage_and_copies_of_feedback_too() -> None:
    async def scenario() -> None:
        async with running(good=lambda path, body: {}, half=lambda path, body: {}) as nodes:
            shadow = Target("shadow", "flight-delay-shadow", (Backend("s", nodes["half"].port),), 50, shadow=True)
            async with gateway(routes(main(nodes["good"].port), shadow)) as client:
                for _ in range(100):
                    await client.post(PREDICTIONS, json={})
                    await client.post(FEEDBACK, json={"reward": 1})
        paths = [path for path, _ in nodes["half"].asked]
        assert 60 <= len(paths) <= 140
        assert {"/api/v1.0/predictions", "/api/v1.0/feedback"} == set(paths)

    asyncio.run(scenario())


def test_a_body_that_is_too_large_is_refused_before_it_is_sent() -> None:
    async def scenario() -> None:
        async with running(good=lambda path, body: {}) as nodes, gateway(routes(main(nodes["good"].port))) as client:
            answer = await client.post(PREDICTIONS, content=b" " * (10 * 1024 * 1024 + 1))
        assert answer.status_code == 413
        assert nodes["good"].asked == []

    asyncio.run(scenario())


def test_headers_of_the_message_pass_and_those_of_the_connection_do_not() -> None:
    async def scenario() -> None:
        def says(path: str, body: object) -> web.Response:
            return web.json_response({}, status=418, headers={"X-Own": "1", "Keep-Alive": "timeout=5"})

        async with running(good=says) as nodes, gateway(routes(main(nodes["good"].port))) as client:
            sent = {"X-Request-Id": "r", "Connection": "close", "Seldon-Puid": "p"}
            answer = await client.post(PREDICTIONS + "?a=1&a=2", json={}, headers=sent)
        assert (answer.status_code, answer.headers["x-own"], answer.headers["x-predictor"]) == (418, "1", "main")
        assert "keep-alive" not in answer.headers
        got = nodes["good"].headers[0]
        assert (got["x-request-id"], got["seldon-puid"]) == ("r", "p")
        assert "connection" not in got

    asyncio.run(scenario())
