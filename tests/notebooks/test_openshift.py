"""The hub on OpenShift: its real configuration with the real JupyterHub, KubeSpawner and OpenShiftOAuthenticator.

The lab is its Kubernetes API, and each request is checked against the Role of the hub. The OAuth server is a stand-in
with a cluster's answers at the four addresses that the authenticator calls.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest
from starlette.types import Receive, Scope, Send

from tests.jupyterhub import until_ready
from tests.kubectl import kustomize
from tests.workshop.lab.serving import Lab, Server
from workshop.cluster.client import Client
from workshop.lab.api import auth
from workshop.lab.api.app import build as api
from workshop.lab.ports import reserve
from workshop.manifests.objects import Object

KIT = Path(__file__).resolve().parents[2]
OPENSHIFT = KIT / "notebooks" / "openshift"
CLIENT, SECRET = "system:serviceaccount:mlops-workshop:jupyterhub", "the-accounts-token"
IMAGE = "image-registry.openshift-image-registry.svc:5000/mlops-workshop/notebook:0.1.0"
PROJECT = "user1-dev"
START = [str(OPENSHIFT / "images" / "notebook" / "start-notebook")]
pytestmark = [pytest.mark.xdist_group("openshift-hub"), pytest.mark.slow]  # one hub for all


def objects(folder: Path) -> dict[tuple[str, str], Object]:
    return {(one["kind"], one["metadata"]["name"]): one for one in kustomize(folder)}


FOLDERS = {"base": OPENSHIFT / "base", "participant": KIT / "tekton" / "participant" / "dev"}
BASE = objects(FOLDERS["base"])
PARTICIPANT = {
    (one["kind"], one["metadata"]["name"]): one
    for one in kustomize(KIT / "tekton" / "participant")
    if one["metadata"].get("namespace") == PROJECT
}
OWNER = "mlops-workshop/participant"
HUB = BASE["Deployment", "jupyterhub"]["spec"]["template"]


class RecordingLab(Lab):
    """A lab that remembers what a program that is not ours has asked for: verb, namespace, resource."""

    asked: set[tuple[str, str, str]]

    async def _start(self, certificate: auth.Certificate) -> Server:
        app, self.asked = api(self.made()), set()

        async def seen(scope: Scope, receive: Receive, send: Send) -> None:
            headers = dict(scope.get("headers") or [])
            if scope["type"] == "http" and b"OpenAPI-Generator" in headers.get(b"user-agent", b""):
                self.asked.add(_asked(scope["method"], scope["path"], scope["query_string"].decode()))
            await app(scope, receive, send)

        server = Server(seen, certificate)
        await server.start()
        return server


def _asked(method: str, path: str, query: str) -> tuple[str, str, str]:
    found = re.fullmatch(r"/api/v1(?:/namespaces/([^/]+))?/([a-z]+)(/[^/]+)?", path)
    assert found, path
    many = "watch" if "watch" in parse_qs(query) else "list"
    verb = {"POST": "create", "DELETE": "delete", "GET": "get" if found[3] else many}[method]
    return verb, found[1] or "", found[2]


class OpenShift(BaseHTTPRequestHandler):
    """The addresses of a cluster's OAuth server and of its API that log somebody in."""

    user = "user1"
    seen: list[dict[str, list[str]]]

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/.well-known/oauth-authorization-server":
            self._answer({"issuer": f"http://{self.headers['Host']}"})
        elif url.path == "/oauth/authorize":
            asked = parse_qs(url.query)
            self.seen.append(asked)
            more = urlencode({"code": "a-code", "state": asked["state"][0]})
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri'][0]}?{more}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif url.path == "/apis/user.openshift.io/v1/users/~" and self.headers["Authorization"] == "Bearer an-access":
            self._answer({"kind": "User", "metadata": {"name": self.user}, "groups": []})
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        given = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if (given["client_id"], given["client_secret"], given["code"]) != ([CLIENT], [SECRET], ["a-code"]):
            self.send_error(401)
        else:
            self._answer({"access_token": "an-access", "token_type": "Bearer", "scope": "user:info"})

    def _answer(self, said: Object) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@dataclass(frozen=True)
class Hub:
    """A running hub, the cluster that it talks to, and the OAuth server that it sends people to."""

    url: str
    lab: RecordingLab
    oauth: type[OpenShift]
    log: Path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordingLab]:
    it = RecordingLab(tmp_path_factory.mktemp("lab"))
    yield it
    it.stop()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, lab: RecordingLab) -> Iterator[Hub]:
    pytest.importorskip("kubespawner", reason="`make test` installs the dependency group hub")
    folder = tmp_path_factory.mktemp("hub")
    oauth = type("Played", (OpenShift,), {"seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), oauth)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    held = [reserve() for _ in range(3)]
    port, hub_port, proxy_port = (one.number for one in held)
    env = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "HOME": str(folder),
        "KUBECONFIG": str(lab.state.kubeconfig),
        "HUB_FOLDER": str(folder),
        "HUB_BIND_URL": f"http://127.0.0.1:{port}",
        "HUB_API_BIND_URL": f"http://127.0.0.1:{hub_port}",
        "HUB_CONNECT_URL": f"http://127.0.0.1:{hub_port}",
        "HUB_PROXY_URL": f"http://127.0.0.1:{proxy_port}",
        "NOTEBOOK_IMAGE": IMAGE,
        "OAUTH_CLIENT_ID": CLIENT,
        "OAUTH_CLIENT_SECRET": SECRET,
        "OPENSHIFT_URL": f"http://127.0.0.1:{server.server_port}",
    }
    config = folder / "jupyterhub_config.py"
    (made,) = (one for (kind, _), one in BASE.items() if kind == "ConfigMap")
    config.write_text(made["data"][config.name])
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "--config", str(config)],
            env=env, cwd=folder, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        asyncio.run(until_ready(f"http://127.0.0.1:{port}/hub/health", process, log))
        yield Hub(f"http://127.0.0.1:{port}", lab, oauth, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        server.shutdown()
        server.server_close()
        for one in held:
            one.close()


async def _log_in(hub: Hub, user: str) -> int:
    """The status of the page that a login by the OAuth server ends at."""
    hub.oauth.user = user
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
        session.get(f"{hub.url}/hub/oauth_login") as answer,
    ):
        assert answer.url.path == "/hub/oauth_callback"
        return answer.status


async def _spawn(hub: Hub, user: str) -> tuple[int, str]:
    """Log in by the OAuth server and ask for a server; what the hub's page says once the Pod is asked for."""
    hub.oauth.user = user
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, headers={"Sec-Fetch-Mode": "navigate"}) as session:
        async with session.get(f"{hub.url}/hub/home") as answer:
            assert answer.url.path == "/hub/home", await answer.text()
        async with session.get(f"{hub.url}/hub/spawn") as answer:
            return answer.status, await answer.text()


@pytest.fixture(scope="module")
def pod(hub: Hub) -> Object:
    """The Pod that the hub has made in the participant's project, as the API server admitted it."""
    Client.load(hub.lab.state.kubeconfig).apply(PARTICIPANT["ServiceAccount", "notebook"])
    status, page = asyncio.run(_spawn(hub, "user1"))
    assert status == 200, page
    client, deadline = Client.load(hub.lab.state.kubeconfig), time.monotonic() + 30
    while not (found := client.list("Pod", PROJECT)):
        assert time.monotonic() < deadline, hub.log.read_text()[-4000:]
        time.sleep(0.1)
    (one,) = found
    return one


def test_a_login_by_openshift_makes_a_pod_and_a_claim_in_the_participants_project(hub: Hub, pod: Object) -> None:
    asked = hub.oauth.seen[-1]
    assert (asked["client_id"], asked["scope"], asked["response_type"]) == ([CLIENT], ["user:info"], ["code"])
    claim = Client.load(hub.lab.state.kubeconfig).get("PersistentVolumeClaim", PROJECT, "notebook")
    assert claim["spec"]["resources"]["requests"] == {"storage": "5Gi"}
    mounted = {volume["name"]: volume["persistentVolumeClaim"]["claimName"] for volume in pod["spec"]["volumes"]
               if "persistentVolumeClaim" in volume}  # fmt: skip
    assert mounted == {"home": claim["metadata"]["name"]}


def test_the_pod_may_do_nothing_that_restricted_v2_forbids(pod: Object) -> None:
    _restricted(pod["spec"])
    (container,) = pod["spec"]["containers"]
    assert container["resources"]["requests"] and container["resources"]["limits"]
    assert (pod["spec"]["serviceAccountName"], container["image"]) == ("notebook", IMAGE)
    assert ("ServiceAccount", "notebook") in PARTICIPANT


def test_the_pod_gets_the_addresses_that_tasks_get_and_starts_the_participants_terminal(pod: Object) -> None:
    (container,) = pod["spec"]["containers"]
    fetch = (KIT / "tekton/base/tasks/fetch-source/fetch-source.yaml").read_text()
    for source in container["envFrom"]:
        (name,) = {ref["name"] for ref in source.values() if isinstance(ref, dict)}
        assert name in fetch
    assert container["args"][:2] == ["start-notebook", "jupyterhub-singleuser"]
    env = {one["name"]: one.get("value") for one in container["env"]}
    home = next(m["mountPath"] for m in container["volumeMounts"] if m["name"] == "home")
    assert (env["WORKSHOP_USER"], env["HOME"], env["JUPYTERHUB_USER"]) == ("user1", home, "user1")


def test_the_hub_asks_for_nothing_that_its_role_does_not_give(hub: Hub, pod: Object) -> None:
    role = PARTICIPANT["Role", "jupyterhub"]["rules"]
    given = {(verb, PROJECT, resource) for rule in role for verb in rule["verbs"] for resource in rule["resources"]}
    assert hub.lab.asked >= {("create", PROJECT, "pods"), ("create", PROJECT, "persistentvolumeclaims")}
    assert not hub.lab.asked - given
    # What stopping a server and a stubborn claim ask for beside.
    assert given - hub.lab.asked <= {
        (verb, PROJECT, kind)
        for verb, kind in (("delete", "pods"), ("get", "pods"), ("get", "persistentvolumeclaims"), ("get", "events"))
    }
    binding = PARTICIPANT["RoleBinding", "jupyterhub"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "jupyterhub", "namespace": "mlops-workshop"}]
    assert {kind for kind, _ in BASE} & {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"} == set()


def test_an_account_that_can_have_no_project_is_not_let_in(hub: Hub, pod: Object) -> None:
    before = set(hub.lab.asked)

    assert asyncio.run(_log_in(hub, "kube:admin")) == 403
    assert hub.lab.asked == before


def test_names_that_differ_by_case_are_two_users(hub: Hub) -> None:
    status = asyncio.run(_log_in(hub, "User1"))
    assert status == 403, "the hub took User1 for user1"


def test_a_project_of_the_right_name_that_is_somebody_elses_gets_no_server(hub: Hub) -> None:
    client = Client.load(hub.lab.state.kubeconfig)
    client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "user3-dev"}})
    for owner, said in (({}, "nobody of the workshop"), ({OWNER: "user1"}, "user1")):
        meta = {"name": "notebook", "namespace": "user3-dev", "labels": owner}
        client.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
        status, page = asyncio.run(_spawn(hub, "user3"))
        assert status == 403 and f"user3-dev belongs to {said}, not to user3" in page


def test_a_user_without_a_project_gets_an_explanation(hub: Hub) -> None:
    status, page = asyncio.run(_spawn(hub, "user2"))
    assert status == 403 and "user2-dev is no project that lets the hub in" in page


def test_people_come_back_from_the_login_to_the_route_they_came_by(hub: Hub) -> None:
    async def sent() -> str:
        came = {"Host": "jupyterhub.apps.example.com", "X-Forwarded-Proto": "https"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{hub.url}/hub/oauth_login", headers=came, allow_redirects=False) as answer,
        ):
            return parse_qs(urlsplit(answer.headers["Location"]).query)["redirect_uri"][0]

    assert asyncio.run(sent()) == "https://jupyterhub.apps.example.com/hub/oauth_callback"
    notes = BASE["ServiceAccount", "jupyterhub"]["metadata"]["annotations"]
    (reference,) = (json.loads(text) for key, text in notes.items() if "/oauth-redirectreference." in key)
    assert reference["reference"] == {"kind": "Route", "name": BASE["Route", "jupyterhub"]["metadata"]["name"]}


@pytest.fixture
def terminal(lab: RecordingLab, tmp_path: Path) -> dict[str, str]:
    """The environment of a participant's Pod before anything was cloned; Git, DVC remote and API server are real."""
    kit = tmp_path / "kit"
    module, served = "workshop/modules/01-meet-the-lab.md", "seldon/base/seldondeployment.yaml"
    for name in ("model/usecase.yaml", "model/.dvc/config", "seldon/requests/flight.json", module, served):
        (kit / name).parent.mkdir(parents=True, exist_ok=True)
        (kit / name).write_bytes((KIT / name).read_bytes())
    for words in (["init", "-q", "-b", "main"], ["add", "--all"], ["commit", "-q", "-m", "Start"]):
        subprocess.run(["git", *words], cwd=kit, check=True)
    endpoints = {
        "DVC_REMOTE_URL": str(tmp_path / "remote"),
        "GIT_URL": str(kit),
        "MLFLOW_TRACKING_URI": "http://mlflow.mlops.svc:5000",
        "MLFLOW_URL": "https://mlflow.apps.example.com",
        "PRODUCTION_URL": "http://flight-delay-main.user1-production.svc.cluster.local:8000",
        "PROMETHEUS_URL": "https://thanos-querier.openshift-monitoring.svc.cluster.local:9092",
    }
    named = {"name": "mlops-endpoints", "namespace": PROJECT}
    Client.load(lab.state.kubeconfig).apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": endpoints}
    )
    (tmp_path / "home").mkdir()
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "HOME": str(tmp_path / "home"),
        "KUBECONFIG": str(lab.state.kubeconfig),
        "DEV_NAMESPACE": PROJECT,
        "WORKSHOP_STATE": str(tmp_path / "no-lab"),
        "WORKSHOP_USER": "user1",
        "DVC_NO_ANALYTICS": "true",
        **endpoints,
    }


def test_the_first_start_makes_the_clone_and_a_terminal_with_its_addresses(terminal: dict[str, str]) -> None:
    def run(command: str) -> list[str]:
        done = subprocess.run([*START, "bash", "-c", command], env=terminal, text=True, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    said = "pwd; echo $PRODUCTION_URL $MLFLOW_URL $MLFLOW_TRACKING_URI $STAGING_NAMESPACE; dvc config -l --local"
    assert run(f"cd model && {said}") == [
        f"---> cloning {terminal['GIT_URL']}",
        f"{terminal['HOME']}/mlops-workshop/model",
        f"{terminal['PRODUCTION_URL']}/api/v1.0/predictions https://mlflow.apps.example.com "
        "http://mlflow.mlops.svc:5000 user1-staging",
        f"remote.workshop.url={terminal['DVC_REMOTE_URL']}",
        "core.remote=workshop",
    ]
    # The second start touches nothing; a check reads the cluster, and says what is not there yet.
    made, *_, last = run("echo mine > model/mine; ls model/mine; workshop check 01 -o json || true")
    found = json.loads(last)
    assert made == "model/mine" and not found["done"]
    assert found["findings"][0]["reason"] == "there is no run of it in user1-dev"


def test_what_the_pod_starts_is_jupyterlab_in_the_clone_behind_the_same_login(
    hub: Hub, pod: Object, terminal: dict[str, str]
) -> None:
    """The test plays the kubelet: it runs the Pod's words and says that they run, at an address of loopback."""
    address, home = "127.0.88.88", "/home/participant"
    (container,) = pod["spec"]["containers"]
    env = {one["name"]: one.get("value", "") for one in container["env"]} | terminal
    env["JUPYTERHUB_SERVICE_URL"] = env["JUPYTERHUB_SERVICE_URL"].replace("0.0.0.0", address)
    env = {name: value.replace(home, terminal["HOME"]) for name, value in env.items()}
    root = ["--ServerApp.allow_root=True"] if os.geteuid() == 0 else []
    log = Path(terminal["HOME"]).with_name("log")
    with log.open("wb") as out:
        kubelet = subprocess.Popen([*START, *container["args"][1:], *root], env=env, stdout=out, stderr=out)
    try:
        running = {
            "phase": "Running",
            "podIP": address,
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {"name": "notebook", "image": IMAGE, "imageID": IMAGE, "ready": True, "restartCount": 0,
                 "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
            ],
        }  # fmt: skip
        Client.load(hub.lab.state.kubeconfig).patch(
            "Pod", PROJECT, "notebook", {"status": running}, subresource="status"
        )
        seen = asyncio.run(_lab_page(hub, "user1"))
        assert "jupyter-config-data" in seen[0] and json.loads(seen[1])["content"], log.read_text()[-3000:]
        assert {one["name"] for one in json.loads(seen[1])["content"]} == {"model", "seldon", "workshop"}
        _guide(*asyncio.run(_guide_pages(hub, "user1", log)), Client.load(hub.lab.state.kubeconfig))
    finally:
        kubelet.terminate()
        kubelet.wait(20)


def _guide(pages: dict[str, str], checked: Object, foreign: int, client: Client) -> None:
    """The guide's pages are below the server's address, with the cluster's values; its button checks the cluster."""
    root = "/user/user1/workshop"
    index, module, script = (pages[name] for name in ("/guide/", "/guide/01", "/static/check.js"))
    assert f'href="{root}/guide/01-meet-the-lab"' in index and f'href="{root}/static/pages.css"' in index
    assert f'src="{root}/static/check.js"' in module and "On a cluster" in module and "terminal/main.js" not in module
    assert f"{root}/guide/api/check/" in script
    assert not [path for page in pages.values() for path in re.findall(r"""["'`(]/(?:guide|static)/""", page)]
    assert checked["module"] == "01" and not checked["ok"]
    assert checked["findings"][0]["reason"] == "there is no run of it in user1-dev"
    assert "module-01" in client.get("ConfigMap", PROJECT, "workshop-progress")["data"]
    assert foreign == 403, "the cookie of the hub is not enough"


async def _guide_pages(hub: Hub, user: str, log: Path) -> tuple[dict[str, str], Object, int]:
    """Texts of the guide's pages by path, a check's answer, and the status of a check from another site."""
    hub.oauth.user = user
    jar = aiohttp.CookieJar(unsafe=True)
    root = f"{hub.url}/user/{user}/workshop"
    async with aiohttp.ClientSession(cookie_jar=jar, headers={"Sec-Fetch-Mode": "navigate"}) as session:
        async with session.get(f"{hub.url}/hub/user/{user}/lab") as answer:
            await answer.read()
        pages = {}
        for path in ("/guide/", "/guide/01", "/static/check.js"):
            async with session.get(f"{root}{path}") as answer:
                pages[path] = await answer.text()
                assert answer.status == 200, (path, log.read_text()[-3000:])
        check = f"{root}/guide/api/check/01"
        async with session.post(check, headers={"Sec-Fetch-Site": "cross-site"}) as answer:
            foreign = answer.status
        async with session.post(check, headers={"Sec-Fetch-Site": "same-origin"}) as answer:
            checked = json.loads(await answer.text())
    return pages, checked, foreign


async def _lab_page(hub: Hub, user: str) -> tuple[str, str]:
    """JupyterLab's page and the folder that it opens, as a browser gets them over the hub's proxy."""
    hub.oauth.user = user
    deadline = time.monotonic() + 60
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, headers={"Sec-Fetch-Mode": "navigate"}) as session:
        while time.monotonic() < deadline:
            async with session.get(f"{hub.url}/hub/user/{user}/lab") as answer:
                page = await answer.text()
            if answer.url.path == f"/user/{user}/lab":
                async with session.get(f"{hub.url}/user/{user}/api/contents") as contents:
                    return page, await contents.text()
            await asyncio.sleep(0.2)
    raise AssertionError(hub.log.read_text()[-4000:])


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_object_is_admitted_with_no_unknown_field(folder: str, lab: RecordingLab) -> None:
    client = Client.load(lab.state.kubeconfig)
    for one in objects(FOLDERS[folder]).values():
        if one["kind"] == "Namespace":
            continue
        name = one["metadata"]["namespace"]
        if client.find("Namespace", None, name) is None:
            client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        client.apply(one)


def test_the_hub_runs_as_restricted_v2_lets_it() -> None:
    _restricted(HUB["spec"])
    assert "runAsUser" not in json.dumps(HUB)
    assert [one for one in [*BASE.values(), *PARTICIPANT.values()] if one["kind"] == "Secret" and "data" in one] == []


def test_what_belongs_together_has_the_same_names(pod: Object) -> None:
    labels = HUB["metadata"]["labels"]
    hub_policy, notebooks = (BASE["NetworkPolicy", "jupyterhub"], PARTICIPANT["NetworkPolicy", "notebook"])
    assert BASE["Service", "jupyterhub"]["spec"]["selector"].items() <= labels.items()
    assert hub_policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    (source,) = notebooks["spec"]["ingress"][0]["from"]
    assert source["podSelector"]["matchLabels"].items() <= labels.items()
    assert source["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": HUB_NAMESPACE}, (
        "the hub's project"
    )
    # The other way round: the Pod as KubeSpawner labels it is the one that the policies mean, on the port they open.
    (asks,) = hub_policy["spec"]["ingress"][1]["from"]
    for selector in (notebooks["spec"]["podSelector"], asks["podSelector"]):
        assert selector["matchLabels"].items() <= pod["metadata"]["labels"].items()
    opened = {port["port"] for port in notebooks["spec"]["ingress"][0]["ports"]}
    assert opened == {port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]}
    env = {one["name"]: one.get("value") for one in HUB["spec"]["containers"][0]["env"]}
    port = next(one["port"] for one in BASE["Service", "jupyterhub"]["spec"]["ports"] if one["name"] == "api")
    assert env["HUB_CONNECT_URL"] == f"http://jupyterhub.$(NAMESPACE).svc.cluster.local:{port}"


HUB_NAMESPACE = BASE["Deployment", "jupyterhub"]["metadata"]["namespace"]


def _restricted(spec: Object) -> None:
    """OpenShift's restricted-v2, any user id, and beyond it a root file system that is read-only."""
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    for container in [*spec["containers"], *(spec.get("initContainers") or [])]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }
        assert all(port["containerPort"] > 1024 for port in container["ports"])
    allowed = {"name", "configMap", "emptyDir", "persistentVolumeClaim", "secret", "projected"}
    assert {key for volume in spec["volumes"] for key in volume} <= allowed
