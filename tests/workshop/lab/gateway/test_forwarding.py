"""The gateway: the right replica, the right share, the right error."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from aiohttp import web

from workshop.lab.gateway import build, serve
from workshop.lab.routes import Backend, Routes, Target

PATH = "/seldon/user1-staging/flight-delay/api/v1.0/predictions"


@asynccontextmanager
async def server(name: str, seen: list[str], delay: float = 0.0) -> AsyncIterator[str]:
    """A real model server's stand-in that answers with its name."""

    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(delay)
        seen.append(f"{name} {request.path} {await request.text()}")
        return web.json_response({"name": name}, headers={"Seldon-Puid": "p"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def gateway(routes: Routes) -> AsyncIterator[httpx.AsyncClient]:
    app = build(routes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client
    app.close()


def port(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


def target(name: str, *urls: str, traffic: int = 100, shadow: bool = False) -> Target:
    pods = tuple(Backend(f"{name}-{i}", port(url)) for i, url in enumerate(urls))
    return Target(name, f"flight-delay-{name}", pods, traffic, shadow)


def test_a_request_reaches_the_model_server_and_its_answer_the_caller() -> None:
    async def scenario() -> None:
        seen: list[str] = []
        async with server("main", seen) as url:
            routes = Routes()
            routes.set("user1-staging", "flight-delay", (target("main", url),))
            async with gateway(routes) as client:
                answer = await client.post(PATH, content=b'{"data":1}')
        assert answer.status_code == 200
        assert answer.json() == {"name": "main"}
        assert answer.headers["x-predictor"] == "main"
        assert answer.headers["seldon-puid"] == "p"
        assert seen == ['main /api/v1.0/predictions {"data":1}']

    asyncio.run(scenario())


def test_traffic_weights_choose_the_predictor() -> None:
    async def scenario() -> None:
        seen: list[str] = []
        async with server("old", seen) as old, server("new", seen) as new:
            routes = Routes()
            routes.set(
                "user1-staging", "flight-delay", (target("old", old, traffic=100), target("new", new, traffic=0))
            )
            async with gateway(routes) as client:
                names = {(await client.post(PATH, content=b"{}")).json()["name"] for _ in range(20)}
        assert names == {"old"}

    asyncio.run(scenario())


def test_a_shadow_gets_a_copy_and_never_answers() -> None:
    async def scenario() -> None:
        seen: list[str] = []
        async with server("main", seen) as main, server("shadow", seen, delay=0.2) as shadow:
            routes = Routes()
            routes.set("user1-staging", "flight-delay", (target("main", main), target("shadow", shadow, shadow=True)))
            async with gateway(routes) as client:
                answer = await client.post(PATH, content=b"{}")
                assert answer.json() == {"name": "main"}
                assert not any(line.startswith("shadow") for line in seen), "the caller must not wait for the shadow"
                async with asyncio.timeout(5):
                    while not any(line.startswith("shadow") for line in seen):
                        await asyncio.sleep(0.01)

    asyncio.run(scenario())


def test_a_replica_that_is_gone_is_passed_over() -> None:
    async def scenario() -> None:
        seen: list[str] = []
        async with server("gone", []) as gone:
            pass
        async with server("main", seen) as url:
            routes = Routes()
            routes.set("user1-staging", "flight-delay", (target("main", gone, url),))
            async with gateway(routes) as client:
                answers = [await client.post(PATH, content=b"{}") for _ in range(10)]
        assert [a.status_code for a in answers] == [200] * 10

    asyncio.run(scenario())


def test_an_unknown_deployment_is_404_and_one_without_replicas_503() -> None:
    async def scenario() -> None:
        routes = Routes()
        routes.set("user1-staging", "flight-delay", ())
        async with gateway(routes) as client:
            waiting = await client.post(PATH, content=b"{}")
            unknown = await client.post(PATH.replace("flight-delay", "nope"), content=b"{}")
        assert (waiting.status_code, waiting.headers["retry-after"]) == (503, "1")
        assert "oc describe sdep flight-delay -n user1-staging" in waiting.json()["status"]["info"]
        assert unknown.status_code == 404
        assert "oc get sdep -A" in unknown.json()["status"]["info"]

    asyncio.run(scenario())


def test_the_gateways_thread_answers_over_the_network_and_ends() -> None:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    before = set(threading.enumerate())
    running = serve(Routes(), listening)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    deadline = time.monotonic() + 10
    while not running.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with httpx.Client(base_url=url) as client:
        assert client.get("/livez").text == "ok"
        assert client.post(PATH, json={}).status_code == 404
        assert client.get("/", headers={"Host": "nobody.localhost"}).status_code == 503
        assert "no Route has the host nobody.localhost" in client.get("/", headers={"Host": "nobody.localhost"}).text
    (thread,) = set(threading.enumerate()) - before
    running.should_exit = True
    thread.join(10)
    assert not thread.is_alive()
