"""The lab's real JupyterHub: login with the token, a server without root, a kernel through the proxy."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil
import pytest
from yarl import URL

from tests.jupyterhub import until_ready
from workshop.lab.components.jupyterhub import process as hub_process
from workshop.lab.paths import LabPaths
from workshop.lab.ports import reserve
from workshop.lab.sessions import Codes

TOKEN = "a-token-for-the-test"
CONSOLE = "http://127.0.0.1:1"
pytestmark = [pytest.mark.slow]


@dataclass(frozen=True)
class Hub:
    url: str
    state: LabPaths
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    state = LabPaths(tmp_path_factory.mktemp("lab"))
    state.make()
    state.token.write_text(TOKEN)
    env = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "HOME": str(state.home),
        "LANG": "C.UTF-8",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:1/mlflow",
    }
    held = reserve()
    part = hub_process(state, held.number, env, "user1", CONSOLE)
    part.cwd.mkdir(parents=True)
    with part.log.open("wb") as log:
        process = subprocess.Popen(
            part.argv, env=dict(part.env), cwd=part.cwd, stdout=log, stderr=log, start_new_session=True
        )
    try:
        asyncio.run(until_ready(part.ready_url, process, part.log))
        yield Hub(f"http://127.0.0.1:{held.number}", state, process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        held.close()


@asynccontextmanager
async def _browser() -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, headers={"Sec-Fetch-Mode": "navigate"}) as session:
        yield session


async def _log_in(session: aiohttp.ClientSession, hub: Hub, password: str) -> tuple[int, str]:
    async with session.get(f"{hub.url}/hub/login?code=none") as page:
        html = await page.text()
    xsrf = re.search(r'name="_xsrf" value="([^"]+)"', html)
    assert xsrf, html[:2000]
    form = {"username": "user1", "password": password, "_xsrf": xsrf.group(1)}
    async with session.post(f"{hub.url}/hub/login?next=%2Fhub%2Fhome", data=form) as answer:
        return answer.status, await answer.text()


async def _server(session: aiohttp.ClientSession, hub: Hub) -> str:
    """Ask for the participant's server and wait until it answers; returns its URL."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        async with session.get(f"{hub.url}/hub/user/user1/api/status") as answer:
            if answer.status == 200 and answer.url.path == "/user/user1/api/status":
                return f"{hub.url}/user/user1"
        async with session.get(f"{hub.url}/hub/spawn") as answer:
            assert answer.status < 400, await answer.text()
        await asyncio.sleep(0.3)
    raise AssertionError((hub.state.components / "jupyterhub" / "jupyterhub.log").read_text()[-4000:])


def _xsrf(session: aiohttp.ClientSession, url: str) -> dict[str, str]:
    from yarl import URL

    cookies = session.cookie_jar.filter_cookies(URL(f"{url}/"))
    return {"X-XSRFToken": cookies["_xsrf"].value}


async def _run_code(session: aiohttp.ClientSession, server: str, code: str) -> str:
    """Run code in a fresh kernel over the proxy's WebSocket; returns the text of its result."""
    async with session.get(f"{server}/lab") as page:
        await page.read()
    async with session.post(
        f"{server}/api/kernels", json={"name": "python3"}, headers=_xsrf(session, server)
    ) as answer:
        assert answer.status == 201, await answer.text()
        kernel = (await answer.json())["id"]
    socket_url = f"{server}/api/kernels/{kernel}/channels".replace("http://", "ws://")
    async with session.ws_connect(socket_url, headers={"Origin": server.split("/user")[0]}) as ws:
        message_id = uuid.uuid4().hex
        await ws.send_json(
            {
                "header": {
                    "msg_id": message_id,
                    "msg_type": "execute_request",
                    "session": uuid.uuid4().hex,
                    "username": "user1",
                    "version": "5.3",
                },
                "parent_header": {},
                "metadata": {},
                "channel": "shell",
                "buffers": [],
                "content": {
                    "code": code,
                    "silent": False,
                    "store_history": False,
                    "allow_stdin": False,
                    "user_expressions": {},
                    "stop_on_error": True,
                },
            }
        )
        async with asyncio.timeout(60):
            async for raw in ws:
                message = json.loads(raw.data)
                if message.get("parent_header", {}).get("msg_id") != message_id:
                    continue
                if message["msg_type"] == "execute_result":
                    return str(message["content"]["data"]["text/plain"])
                if message["msg_type"] == "error":
                    return "\n".join(message["content"]["traceback"])
    raise AssertionError("the kernel's WebSocket closed without a result")


def test_the_token_is_the_password(hub: Hub) -> None:
    async def scenario() -> None:
        async with _browser() as session:
            assert (await _log_in(session, hub, "wrong"))[0] == 403
            status, page = await _log_in(session, hub, TOKEN)
            assert status == 200 and "user1" in page

    asyncio.run(scenario())


def test_without_a_login_there_is_only_the_login_page(hub: Hub) -> None:
    async def scenario() -> None:
        async with _browser() as session:
            for path in ("/", "/hub/home", "/user/user1/lab"):
                at = hub.url + path
                while not at.startswith(f"{CONSOLE}/open/jupyterhub"):
                    async with session.get(at, allow_redirects=False) as answer:
                        assert answer.status in (301, 302), path
                        at = str(URL(at).join(URL(answer.headers["location"], encoded=True)))
            session.cookie_jar.update_cookies({"workshop_console": "x", "workshop_token": "x"})
            async with session.get(f"{hub.url}/hub/home", allow_redirects=False) as answer:
                assert answer.headers["location"].startswith("/hub/login")
            async with session.get(f"{hub.url}/hub/login?code=none") as answer:
                assert "<code>workshop status</code> prints" in await answer.text(), "it says how to log in"

    asyncio.run(scenario())


def test_a_browser_that_comes_from_the_console_is_let_in(hub: Hub) -> None:
    async def scenario() -> None:
        async with _browser() as session:
            code = Codes(TOKEN, "jupyterhub").make()
            async with session.get(f"{hub.url}/hub/login", params={"code": code, "next": "/hub/home"}) as answer:
                assert answer.url.path == "/hub/home"
        async with _browser() as another:
            async with another.get(f"{hub.url}/hub/login", params={"code": code}) as answer:
                assert answer.url.path == "/hub/login", "a code is valid once"
            without = f"{hub.url}/hub/login?next=%2Fhub%2Fhome"
            async with another.get(without, allow_redirects=False) as answer:
                assert answer.headers["location"] == f"{CONSOLE}/open/jupyterhub?next=%2Fhub%2Fhome"

    asyncio.run(scenario())


def test_a_kernel_runs_through_the_proxy_with_the_labs_environment(hub: Hub) -> None:
    async def scenario() -> None:
        async with _browser() as session:
            await _log_in(session, hub, TOKEN)
            server = await _server(session, hub)
            assert await _run_code(session, server, "1 + 1") == "2"
            # By TCP another user of the machine could read what a notebook prints.
            transport = "import json, ipykernel; json.load(open(ipykernel.get_connection_file()))['transport']"
            assert await _run_code(session, server, transport) == "'ipc'"
            code = (
                "import os, shutil\n"
                "[os.environ['MLFLOW_TRACKING_URI'], os.path.expanduser('~'), bool(shutil.which('dvc')),\n"
                " sorted(k for k in os.environ if 'LAB_HUB' in k or 'CONFIGPROXY' in k)]"
            )
            seen = await _run_code(session, server, code)
            assert ast.literal_eval(seen) == ["http://127.0.0.1:1/mlflow", str(hub.state.home), True, []]

    asyncio.run(scenario())


def test_stopping_the_hub_leaves_no_process(hub: Hub) -> None:
    async def scenario() -> None:
        async with _browser() as session:
            await _log_in(session, hub, TOKEN)
            await _server(session, hub)

    asyncio.run(scenario())
    family = psutil.Process(hub.process.pid).children(recursive=True)
    assert len(family) >= 2, "a proxy and a notebook server"
    hub.process.send_signal(signal.SIGTERM)
    hub.process.wait(20)
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive


def test_jupyterlab_asks_for_no_news(hub: Hub) -> None:
    settings = hub.state.components / "jupyterhub" / "lab" / "settings"
    file = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    assert json.loads(file.read_text()) == {"fetchNews": "false", "checkForUpdates": False}


def test_jupyter_writes_nothing_into_the_participants_home(hub: Hub) -> None:
    left = {path.name for path in hub.state.home.iterdir()}
    assert not left & {".jupyter", ".ipython", ".local", ".config"}, left
