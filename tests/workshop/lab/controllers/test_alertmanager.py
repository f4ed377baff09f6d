"""Alertmanager in the lab: it sends the alerts of a namespace to the receivers of that namespace's objects."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import queue
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from workshop.lab.build import build_lab
from workshop.lab.components import COMPONENTS, alertmanager, prometheus
from workshop.lab.controllers.alertmanager import reconcile
from workshop.lab.controllers.alertmanager.reconcile import KINDS, Routings
from workshop.lab.controllers.reloading import Rewriting
from workshop.lab.kinds import built_in
from workshop.lab.monitoring.files import AlertmanagerFiles, Notified, PrometheusFiles
from workshop.lab.paths import LabPaths
from workshop.lab.ports import reserve
from workshop.lab.store import Store
from workshop.programs import require

TOKEN = "not-to-be-seen"
HTTP = {"authorization": {"credentials": {"name": "hook", "key": "token"}}}


class It:
    """The controller over a store and a folder."""

    def __init__(self, folder: Path) -> None:
        self.store, self.files = Store(), AlertmanagerFiles(folder)
        self.ready, self.reloads = True, 0
        self.routings = Routings(self.store, self.files)
        self.controller = Rewriting("alertmanager", self.store, KINDS, self.routings.write, self._reload)

    def write(self) -> bool:
        return asyncio.run(self.routings.write())

    def _reload(self) -> bool:
        self.reloads += self.ready
        return self.ready

    def put(self, kind: str, name: str, namespace: str = "one", **body: Any) -> None:
        self.store.create(built_in(kind), {"metadata": {"name": name, "namespace": namespace}, **body})

    def secret(self, **data: str) -> None:
        self.put("Secret", "hook", data={key: base64.b64encode(value.encode()).decode() for key, value in data.items()})

    def config(self, webhook: dict[str, Any], name: str = "a", **route: Any) -> None:
        receivers = [{"name": "r", "webhookConfigs": [webhook]}]
        spec = {"route": {"receiver": "r", **route}, "receivers": receivers}
        self.put("AlertmanagerConfig", name, spec=spec)

    def webhooks(self) -> list[dict[str, Any]]:
        written = yaml.safe_load(self.files.config.read_text())
        return [hook for one in written["receivers"] for hook in one.get("webhook_configs", [])]

    def events(self) -> list[str]:
        return [e["message"] for e in self.store.objects(built_in("Event"))]


def test_an_object_waits_for_its_secret_and_only_the_owner_reads_the_value(tmp_path: Path) -> None:
    it = It(tmp_path)
    it.config({"url": "http://127.0.0.1:1/", "httpConfig": HTTP})
    it.config({"url": "http://127.0.0.1:2/"}, name="b")
    it.write()
    assert [hook["url"] for hook in it.webhooks()] == ["http://127.0.0.1:2/"]
    assert it.events() == ["AlertmanagerConfig a is left out: there is no Secret one/hook"]
    it.secret(token=TOKEN)
    assert it.write() is True and it.write() is False
    assert [hook["url"] for hook in it.webhooks()] == ["http://127.0.0.1:1/", "http://127.0.0.1:2/"]
    assert it.webhooks()[0]["http_config"]["authorization"]["credentials"] == TOKEN
    assert stat.S_IMODE(it.files.config.stat().st_mode) == 0o600


def test_an_address_of_a_secret_is_in_no_event(tmp_path: Path) -> None:
    it = It(tmp_path)
    it.secret(url=f"ftp://{TOKEN}", binary="x")
    it.config({"urlSecret": {"name": "hook", "key": "url"}})
    it.config({"urlSecret": {"name": "hook", "key": "other"}}, name="b")
    it.write()
    assert it.webhooks() == [] and len(it.events()) == 2 and TOKEN not in "".join(it.events())


def test_a_secret_with_an_address_that_alertmanager_refuses_leaves_the_others_active(tmp_path: Path) -> None:
    it = It(tmp_path)
    it.secret(url=f"http://x/%zz-{TOKEN}")
    it.config({"urlSecret": {"name": "hook", "key": "url"}})
    it.config({"url": "http://127.0.0.1:2/"}, name="b")
    it.write()
    assert [hook["url"] for hook in it.webhooks()] == ["http://127.0.0.1:2/"]
    assert it.events() == [
        "AlertmanagerConfig a is left out: Alertmanager would not load it with the values of its Secrets"
    ]


def test_the_lab_answers_while_amtool_looks_at_an_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answered = threading.Event(), threading.Event()

    def slow(_: object) -> None:
        asked.set()
        assert answered.wait(10), "nothing else ran"

    monkeypatch.setattr(reconcile, "check_values", slow)
    it = It(tmp_path)
    it.config({"url": "http://127.0.0.1:2/"})

    async def beside() -> None:
        while not asked.is_set():
            await asyncio.sleep(0.01)
        answered.set()

    async def scenario() -> None:
        await asyncio.gather(it.routings.write(), beside())

    asyncio.run(scenario())
    assert len(it.webhooks()) == 1


def test_a_file_that_alertmanager_refuses_is_replaced_at_the_start(tmp_path: Path) -> None:
    files = AlertmanagerFiles(tmp_path)
    files.config.write_text("route: {receiver: nobody}\n")
    files.prepare()
    assert yaml.safe_load(files.config.read_text())["receivers"] == [{"name": "null"}]


def test_the_service_of_a_listener_is_its_address_in_the_lab(tmp_path: Path) -> None:
    it = It(tmp_path)
    url = "http://el-alerts.two.svc.cluster.local:8080"
    it.config({"url": url})
    it.write()
    assert it.webhooks()[0]["url"] == url
    address = {"address": {"url": "http://127.0.0.1:9/two/alerts"}}
    it.put("EventListener", "alerts", "two", spec={}, status=address)
    assert it.write() is True
    assert it.webhooks()[0]["url"] == "http://127.0.0.1:9/two/alerts"


@pytest.mark.parametrize("spec", [None, [], "text", {"route": 1}, {"route": {"receiver": "x"}}, {"receivers": [None]}])
def test_a_stored_object_of_any_shape_is_left_out(spec: Any, tmp_path: Path) -> None:
    it = It(tmp_path)
    it.put("AlertmanagerConfig", "odd", spec=spec)
    it.config({"url": "http://127.0.0.1:2/"})
    it.write()
    assert len(it.webhooks()) == 1 and len(it.events()) == 1


def test_alertmanager_reads_its_file_again_once_it_is_ready_and_only_after_a_change(tmp_path: Path) -> None:
    it = It(tmp_path)
    it.config({"url": "http://127.0.0.1:2/"})
    it.ready = False
    assert asyncio.run(it.controller.reconcile("", "")) == pytest.approx(0.5)
    it.ready = True
    assert asyncio.run(it.controller.reconcile("", "")) is None
    assert asyncio.run(it.controller.reconcile("", "")) is None
    assert it.reloads == 1


def test_no_file_and_no_argument_has_the_password(tmp_path: Path) -> None:
    spec = alertmanager.process(Path("/bin/alertmanager"), tmp_path, {}, "http://127.0.0.1:1")
    given = spec.headers["Authorization"].partition(" ")[2]
    everything = " ".join(spec.argv) + "".join(one.read_text() for one in tmp_path.rglob("*") if one.is_file())
    assert "127.0.0.1:0" in everything and "--cluster.listen-address= " in everything and given not in everything


@contextmanager
def _hook() -> Iterator[tuple[str, queue.Queue[tuple[str, Any]]]]:
    """A receiver: its address, and what it gets: the header Authorization and the body."""
    got: queue.Queue[tuple[str, Any]] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.put((self.headers.get("Authorization", ""), json.loads(body)))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Keep the test's output short."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", got
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
def test_an_alert_of_prometheus_reaches_the_receiver_of_its_namespace_with_the_token(tmp_path: Path) -> None:
    async def scenario(url: str, got: queue.Queue[tuple[str, Any]]) -> None:
        with reserve(for_own_user=True) as port:
            numbers = {"console": 1, "alertmanager": port.number}
            paths = LabPaths(tmp_path / "lab")
            paths.make()
            lab = build_lab(paths, Store(), "the-lab-s-token", numbers, COMPONENTS)
            it = It(paths.component("alertmanager"))
            it.secret(token=TOKEN)
            it.config({"url": url, "httpConfig": HTTP}, groupBy=["namespace"], groupWait="1s")
            await it.routings.write()
            await lab.launcher.open()
            runner = COMPONENTS["alertmanager"].make(lab)
            assert runner is not None
            task = asyncio.create_task(runner.run())
            try:
                while lab.parts["alertmanager"].state == "starting":
                    await asyncio.sleep(0.05)
                assert lab.parts["alertmanager"].state == "ready", lab.parts["alertmanager"].message
                assert await _post(f"{lab.url('alertmanager')}/api/v2/alerts", [], "wrong") == 401
                (tmp_path / "token").write_text("the-lab-s-token")
                with _prometheus(tmp_path / "prometheus", Notified(f"127.0.0.1:{port.number}", tmp_path / "token")):
                    authorization, body = await asyncio.to_thread(got.get, timeout=60)
            finally:
                await runner.stop()
                await task
                await lab.launcher.close()
        assert authorization == f"Bearer {TOKEN}"
        assert body["status"] == "firing" and body["groupLabels"] == {"namespace": "one"}
        assert [one["labels"] for one in body["alerts"]] == [{"alertname": "A", "namespace": "one"}]
        assert TOKEN not in (paths.component("alertmanager") / "alertmanager.log").read_text()

    with _hook() as (url, got):
        asyncio.run(scenario(url, got))


@contextmanager
def _prometheus(folder: Path, alertmanager: Notified) -> Iterator[None]:
    """A Prometheus with an alert in each of two namespaces."""
    binary, env = require("prometheus").path, {"PATH": os.environ["PATH"]}
    spec = prometheus.process(binary, folder, env, "http://127.0.0.1:1")
    files = PrometheusFiles(folder, alertmanager)
    files.write_jobs({})
    # Prometheus knows its Alertmanagers 5 s after its start, and sends an alert again only after a minute.
    alert = {"alert": "A", "expr": "vector(1)", "for": "8s"}
    rules = [{**alert, "labels": {"namespace": one}} for one in ("one", "other")]
    files.write_rules({"a.yaml": yaml.safe_dump({"groups": [{"name": "g", "interval": "1s", "rules": rules}]})})
    running = subprocess.Popen(spec.argv, env=dict(spec.env), cwd=spec.cwd, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        running.terminate()
        running.wait(20)


async def _post(url: str, body: Any, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as answer:
        return answer.status
