"""What OpenShift runs: the committed nginx configuration in a real nginx, and the objects around it."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.kubectl import kustomize
from tests.seldon.client.conftest import FLIGHT, KIT, Site, Tab, in_a_browser
from workshop.lab.clientpage import HEADERS
from workshop.lab.ports import is_free, reserve
from workshop.programs import find, require

CLIENT = KIT / "seldon/client"
REQUEST = (KIT / "seldon/requests/flight.json").read_bytes()
JSON = {"content-type": "application/json"}
PREDICT = "/api/v1.0/predictions"
needs_nginx = pytest.mark.skipif(
    find("nginx") is None, reason="nginx is not installed, and the distribution's package cannot be had"
)


@contextmanager
def nginx(model: str, folder: Path) -> Iterator[str]:
    """start.sh as the Deployment runs it, on a free port; its address."""
    held = reserve()
    port = held.number
    program = require("nginx")
    path = f"{program.path.parent}:/usr/bin:/bin"
    env = {**program.env, "PATH": path, "MODEL": model, "LISTEN": f"127.0.0.1:{port}", "RUN": str(folder / "run")}
    # As root, nginx would hand its work to another user, who may not read this folder.
    more = ["-g", "user root;"] if os.geteuid() == 0 else []
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(["/bin/sh", str(CLIENT / "server/start.sh"), *more], env=env, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 10
        while is_free(port):
            assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.02)
        yield url
    finally:
        process.terminate()
        process.wait(10)
        held.close()


Ask = Callable[..., urllib3.BaseHTTPResponse]


@pytest.fixture
def ask() -> Ask:
    """A request without retries."""
    pool = urllib3.PoolManager(retries=False, timeout=10)

    def request(method: str, url: str, **more: Any) -> urllib3.BaseHTTPResponse:
        return pool.request(method, url, **more)

    return request


@needs_nginx
@pytest.mark.slow
def test_the_page_and_the_two_paths_of_the_model_answer_and_nothing_else(site: Site, tmp_path: Path, ask: Ask) -> None:
    with nginx(f"http://127.0.0.1:{site.server.port}", tmp_path) as url:
        page = ask("GET", f"{url}/")
        assert page.data == (CLIENT / "page/index.html").read_bytes()
        assert {name: page.headers.get(name) for name in HEADERS} == HEADERS, "those of the lab"
        for file in (CLIENT / "page").iterdir():
            answer = ask("GET", f"{url}/{file.name}")
            assert (answer.status, answer.data) == (200, file.read_bytes())
        assert ask("GET", f"{url}/main.js").headers["content-type"].startswith("text/javascript")
        answer = ask("POST", url + PREDICT, body=REQUEST, headers=JSON)
        assert answer.status == 200 and answer.json()["data"]["names"] == ["on_time", "late"]
        known = {"request": json.loads(REQUEST), "response": answer.json(), "truth": {"data": {"ndarray": [[1]]}}}
        assert ask("POST", f"{url}/api/v1.0/feedback", body=json.dumps(known), headers=JSON).status == 200
        assert ask("GET", url + PREDICT).status == 403
        assert ask("POST", url + PREDICT, body=b"x" * 70_000, headers=JSON).status == 413
        for path in ("predict", "metrics", "metadata", "api/v1.0/metadata", "v2", "nginx.conf", "..%2fnginx.conf"):
            assert ask("GET", f"{url}/{path}").status in (400, 404), path


@needs_nginx
def test_the_page_is_there_without_the_model(tmp_path: Path, ask: Ask) -> None:
    with nginx("http://flight-delay-main.nowhere.invalid:8000", tmp_path) as url:
        assert ask("GET", f"{url}/healthz").data == b"ok\n"
        assert ask("GET", f"{url}/").status == 200
    with nginx("http://127.0.0.1:1", tmp_path) as url:
        assert ask("POST", url + PREDICT, body=REQUEST, headers=JSON).status == 502


class Listening(BaseHTTPRequestHandler):
    """Remembers the headers that came."""

    came: dict[str, str]

    def do_POST(self) -> None:
        type(self).came = {name.lower(): value for name, value in self.headers.items()}
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("set-cookie", "a=b")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        return


@needs_nginx
def test_a_travellers_cookies_and_addresses_go_nowhere(tmp_path: Path, ask: Ask) -> None:
    model = ThreadingHTTPServer(("127.0.0.1", 0), Listening)
    threading.Thread(target=model.serve_forever, args=(0.01,), daemon=True).start()
    headers = {**JSON, "cookie": "secret=1", "authorization": "Bearer x", "x-forwarded-for": "10.1.2.3"}
    with nginx(f"http://127.0.0.1:{model.server_port}", tmp_path) as url:
        answer = ask("POST", f"{url}{PREDICT}?who=me", body=REQUEST, headers=headers)
    model.shutdown()
    model.server_close()
    assert "set-cookie" not in answer.headers
    assert set(Listening.came) <= {"host", "content-type", "content-length", "connection"}
    log = (tmp_path / "log").read_text()
    assert f"200 POST {PREDICT}" in log and "127.0.0.1" not in log and "who=me" not in log


@needs_nginx
@pytest.mark.parametrize("_", [pytest.param(0, marks=in_a_browser, id="chromium")])
def test_the_page_at_the_top_of_a_host_finds_the_model(site: Site, chromium: Any, tmp_path: Path, _: int) -> None:
    with nginx(f"http://127.0.0.1:{site.server.port}", tmp_path) as url:
        tab = Tab(chromium, f"{url}/")
        tab.complaints()
        tab.open(FLIGHT)
        tab.ask()
        tab.answered()
        assert tab.all(".part") and tab.complaints() == []


@pytest.fixture(scope="module")
def objects() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for made in kustomize(CLIENT):
        found.setdefault(made["kind"], []).append(made)
    return found


def test_every_file_of_the_page_is_in_the_config_map(objects: dict[str, list[dict[str, Any]]]) -> None:
    page, server = sorted(objects["ConfigMap"], key=lambda made: str(made["metadata"]["name"]))
    for made, folder in ((page, "page"), (server, "server")):
        assert made["data"] == {file.name: file.read_text() for file in (CLIENT / folder).iterdir()}


def test_the_pod_may_do_nothing_that_restricted_v2_forbids(objects: dict[str, list[dict[str, Any]]]) -> None:
    """The constraint of OpenShift, and beyond it a root file system that is read-only and no token."""
    (deployment,) = objects["Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    security = container["securityContext"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert security["allowPrivilegeEscalation"] is False and security["capabilities"] == {"drop": ["ALL"]}
    assert "runAsUser" not in {**security, **pod["securityContext"]}, "OpenShift gives a namespace its user ids"
    assert all(port["containerPort"] > 1024 for port in container["ports"])
    assert {key for volume in pod["volumes"] for key in volume} == {"name", "configMap", "emptyDir"}
    assert security["readOnlyRootFilesystem"] is True and pod["automountServiceAccountToken"] is False
    assert "@sha256:" in container["image"]


def test_what_belongs_together_has_the_same_names(objects: dict[str, list[dict[str, Any]]]) -> None:
    deployment, service, route, policy = (
        objects[kind][0] for kind in ("Deployment", "Service", "Route", "NetworkPolicy")
    )
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for selector in (
        deployment["spec"]["selector"]["matchLabels"],
        service["spec"]["selector"],
        policy["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    assert route["spec"]["to"]["name"] == service["metadata"]["name"]
    assert route["spec"]["port"]["targetPort"] == service["spec"]["ports"][0]["name"]
    pod = deployment["spec"]["template"]["spec"]
    mounted = {mount["mountPath"]: mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    maps = {volume["name"]: volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume}
    made = {each["metadata"]["name"] for each in objects["ConfigMap"]}
    for folder in ("page", "server"):
        assert maps[mounted[f"/opt/flight-client/{folder}"]] in made
    release = kustomize(KIT / "seldon/overlays/production")
    production = next(made for made in release if made["kind"] == "SeldonDeployment")
    name, predictor = production["metadata"]["name"], production["spec"]["predictors"][0]["name"]
    assert {e["name"]: e.get("value", "") for e in pod["containers"][0]["env"]}["MODEL"].startswith(
        f"http://{name}-{predictor}.$(NAMESPACE).svc.cluster.local:8000"
    )
