"""The lab's Prometheus as other programs of the machine meet it."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from workshop.cluster.prometheus import Prometheus
from workshop.lab import ports
from workshop.lab.build import build_lab
from workshop.lab.components import COMPONENTS
from workshop.lab.components.gated import GatedRunner
from workshop.lab.components.process import ProcessSpec
from workshop.lab.components.prometheus import process
from workshop.lab.lab import Lab
from workshop.lab.listening.owner import listening_ports
from workshop.lab.paths import LabPaths
from workshop.lab.sessions import LOGIN, Codes
from workshop.lab.store import Store
from workshop.programs import require

TOKEN = "a-token-for-the-test"
CONSOLE_PORT = 4711
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_no_file_and_no_argument_has_the_password(tmp_path: Path) -> None:
    spec = process(Path("/bin/prometheus"), tmp_path, {}, "http://127.0.0.1:1")
    given = spec.headers["Authorization"]
    assert given.startswith("Basic ") and len(given) > 40
    assert stat.S_IMODE((tmp_path / "web.yml").stat().st_mode) == 0o600
    assert process(Path("/bin/prometheus"), tmp_path, {}, "http://127.0.0.1:1").headers["Authorization"] != given
    everything = " ".join(spec.argv) + "".join(one.read_text() for one in tmp_path.rglob("*") if one.is_file())
    assert "127.0.0.1:0" in everything and given.partition(" ")[2] not in everything


@asynccontextmanager
async def _gated(folder: Path, spec: ProcessSpec, cookies: tuple[str, ...] = ()) -> AsyncIterator[tuple[Lab, str]]:
    """A program behind the gate of a component's port; gives the lab and the component's address."""
    with ports.reserve(for_own_user=True) as reserved:
        numbers = {"console": CONSOLE_PORT, "prometheus": reserved.number}
        paths = LabPaths(folder / "lab")
        paths.make()
        lab = build_lab(paths, Store(), TOKEN, numbers, COMPONENTS)
        await lab.launcher.open()
        runner = GatedRunner(lab, "prometheus", lambda: spec, cookies)
        task = asyncio.create_task(runner.run())
        try:
            while lab.parts["prometheus"].state == "starting":
                await asyncio.sleep(0.05)
            yield lab, str(lab.url("prometheus"))
        finally:
            await runner.stop()
            await task
            await lab.launcher.close()


async def _status(session: aiohttp.ClientSession, url: str, **headers: str) -> tuple[int, str]:
    async with session.get(url, headers=headers, allow_redirects=False) as answer:
        return answer.status, await answer.text()


@pytest.mark.slow
def test_it_answers_who_has_the_token_or_a_session_of_the_console(tmp_path: Path) -> None:
    async def scenario() -> None:
        spec = process(require("prometheus").path, tmp_path, os.environ, "http://127.0.0.1:1")
        async with _gated(tmp_path, spec) as (lab, url), aiohttp.ClientSession() as session:
            assert lab.parts["prometheus"].state == "ready"
            query = f"{url}/api/v1/query?query=vector(42)"
            status, text = await _status(session, query)
            assert status == 401 and "Authorization: Bearer" in text
            assert (await _status(session, query, Authorization="Bearer wrong"))[0] == 401
            assert (await _status(session, query, **BEARER, Host="evil.example"))[0] == 403
            status, text = await _status(session, query, **BEARER)
            assert status == 200 and json.loads(text)["data"]["result"][0]["value"][1] == "42"
            assert await asyncio.to_thread(Prometheus(url, token=TOKEN).value, "vector(42)") == 42
            async with session.post(f"{url}/api/v1/query", data={"query": "vector(7)"}, headers=BEARER) as answer:
                assert (await answer.json())["data"]["result"][0]["value"][1] == "7"
            await _a_browser_logs_in(url)
            await _other_users_are_refused(lab)

    asyncio.run(scenario())


async def _a_browser_logs_in(url: str) -> None:
    page = {"Accept": "text/html"}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.get(f"{url}/alerts", headers=page, allow_redirects=False) as answer:
            assert answer.headers["Location"] == f"http://127.0.0.1:{CONSOLE_PORT}/open/prometheus?next=%2Falerts"
        code = Codes(TOKEN, "prometheus").make()
        async with browser.get(f"{url}{LOGIN}", params={"code": code, "next": "/api/v1/alerts"}) as answer:
            assert answer.status == 200 and (await answer.json())["status"] == "success"
        query = f"{url}/api/v1/query?query=1"
        assert (await _status(browser, query))[0] == 200
        for origin in ("http://evil.example", "http://127.0.0.1:1", "null"):
            assert (await _status(browser, query, Origin=origin))[0] == 403
        async with browser.get(query, headers={"Origin": url}) as answer:
            assert answer.status == 200 and "Access-Control-Allow-Origin" not in answer.headers


async def _other_users_are_refused(lab: Lab) -> None:
    pid = lab.parts["prometheus"].pid
    assert pid is not None
    (private,) = listening_ports(pid)
    for headers in ({}, BEARER):
        request = urllib.request.Request(f"http://127.0.0.1:{private}/api/v1/query?query=1", headers=headers)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            await asyncio.to_thread(urllib.request.urlopen, request)


ECHO = """
import http.server, json, os, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        size = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(size).decode()
        got = {name.lower(): value for name, value in self.headers.items()}
        body = json.dumps([self.command, self.path, got, sent]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "keep-alive")
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_PUT = do_GET
    def address_string(self):
        return ""
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_UNIX
    def server_bind(self):
        self.socket.bind(self.server_address)
Server(sys.argv[1], Handler).serve_forever()
"""


def test_a_program_on_a_socket_gets_the_request_without_the_lab_s_secrets(tmp_path: Path) -> None:
    async def scenario() -> None:
        socket = tmp_path / "s"
        argv = [sys.executable, "-c", ECHO, str(socket)]
        spec = ProcessSpec(argv, {"PATH": "/bin"}, tmp_path, "http://localhost/x", tmp_path / "log", socket=socket)
        own = replace(spec, headers={"X-Own": "1"})
        async with _gated(tmp_path, own, ("grafana_",)) as (_, url), aiohttp.ClientSession() as session:
            cookies = "workshop_console=secret; grafana_session=mine; jupyterhub=secret"
            headers = {**BEARER, "Cookie": cookies, "Accept-Encoding": "identity"}
            async with session.put(f"{url}/a%2Fb?q=%20x", data=b"z" * 100, headers=headers) as answer:
                method, path, got, body = await answer.json(content_type=None)
            assert (method, path, body) == ("PUT", "/a%2Fb?q=%20x", "z" * 100)
            assert got["host"] == url.removeprefix("http://") and got["x-own"] == "1"
            assert got["cookie"] == "grafana_session=mine" and "authorization" not in got

    asyncio.run(scenario())


def test_while_the_program_is_not_ready_the_gate_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        argv = [sys.executable, "-c", "raise SystemExit(3)"]
        spec = ProcessSpec(argv, {"PATH": "/bin"}, tmp_path, "http://127.0.0.1:0/x", tmp_path / "log")
        async with _gated(tmp_path, spec) as (lab, url), aiohttp.ClientSession() as session:
            assert lab.parts["prometheus"].state == "failed"
            status, text = await _status(session, url, **BEARER)
            assert status == 503 and "workshop status" in text

    asyncio.run(scenario())


@pytest.mark.slow
def test_no_web_page_of_another_site_may_read_its_answers(tmp_path: Path) -> None:
    with ports.reserve() as port:
        spec = process(require("prometheus").path, tmp_path, os.environ, "http://127.0.0.1:1", port.number)
        running = subprocess.Popen(spec.argv, env=dict(spec.env), cwd=spec.cwd, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    ready = urllib.request.Request(spec.ready_url, headers=dict(spec.headers))
                    urllib.request.urlopen(ready, timeout=5)
                    break
                except OSError:
                    assert running.poll() is None and time.monotonic() < deadline
                    time.sleep(0.1)
            url = f"http://127.0.0.1:{port.number}/api/v1/query?query=1"
            for origin in ("http://evil.example", "http://127.0.0.1:1", "null"):
                request = urllib.request.Request(url, headers={**spec.headers, "Origin": origin})
                with urllib.request.urlopen(request, timeout=5) as answer:
                    assert answer.headers["Access-Control-Allow-Origin"] is None
        finally:
            running.terminate()
            running.wait(20)
