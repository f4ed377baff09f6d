"""The Git server with the real git, over real HTTP: clone, push, the token, webhooks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Message

from tests.kit import serving, until
from workshop.lab.git import backend
from workshop.lab.git.delivery import LISTENER, webhook_secret
from workshop.lab.git.server import GitServer, Owner
from workshop.lab.kinds import built_in
from workshop.lab.paths import LabPaths
from workshop.lab.store import Store
from workshop.participants.names import LAB_PARTICIPANT

TOKEN = "the-lab's-token"
NOBODY = "0" * 40


@dataclass
class Hook:
    """One webhook that arrived."""

    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        return dict(orjson.loads(self.raw))


@dataclass
class Lab:
    """A Git server with one repository, and a listener that notes what it gets."""

    state: LabPaths
    store: Store
    url: str
    work: Path
    hooks: list[Hook] = field(default_factory=list)

    @property
    def repository(self) -> str:
        return f"{self.url}/mlops-workshop.git"

    @property
    def bare(self) -> Path:
        return self.state.git / "mlops-workshop.git"

    def git(self, *words: str, check: bool = True, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", *words], cwd=cwd or self.work, env=env, capture_output=True, text=True, check=False, timeout=60
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def push(self, *words: str, token: str = TOKEN, check: bool = True) -> subprocess.CompletedProcess[str]:
        """git push with a token given as a credential helper gives it."""
        helper = f'!f() {{ echo username=user1; echo "password={token}"; }}; f'
        return self.git("-c", f"credential.helper={helper}", "push", self.repository, *words, check=check)

    def commit(self, name: str, text: str = "x") -> str:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"Change {name}")
        return self.git("rev-parse", "HEAD").stdout.strip()

    def arrived(self, count: int) -> list[Hook]:
        until(lambda: len(self.hooks) >= count)
        return self.hooks

    def listen(self) -> None:
        """Put an EventListener in place that notes what it gets."""
        kind = built_in("EventListener")
        made = self.store.create(kind, {"metadata": {"name": "github", "namespace": "user1-dev"}, "spec": {}})
        self.store.update_status(kind, {**made, "status": {"address": {"url": f"{self.url}/hook"}}})


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    state = LabPaths(tmp_path / "state")
    state.make()
    work = tmp_path / "work"
    work.mkdir()
    state.git.mkdir()
    store = Store()
    store.create(built_in("Namespace"), {"metadata": {"name": "user1-dev"}})
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    made = Lab(state, store, f"http://127.0.0.1:{sock.getsockname()[1]}", work)
    made.git("init", "-q", "-b", "main")
    made.commit("README.md", "hello")
    made.git("clone", "-q", "--bare", str(work), str(made.bare))
    server = GitServer(store, state.git, made.url, [Owner(LAB_PARTICIPANT, state.git, TOKEN)], dict(os.environ))

    async def hook(request: Request) -> Response:
        made.hooks.append(Hook(dict(request.headers), await request.body()))
        return Response(status_code=202)

    app = Starlette(routes=[Route("/hook", hook, methods=["POST"]), Mount("/", server.app)])

    @asynccontextmanager
    async def delivering() -> AsyncIterator[None]:
        delivery = asyncio.create_task(server.run())
        yield
        delivery.cancel()
        await asyncio.gather(delivery, return_exceptions=True)
        await server.stop()

    with serving(app, sock=sock, loop=uvloop.new_event_loop(), around=delivering, lifespan="off"):
        until(lambda: (made.bare / "hooks" / "post-receive").exists())
        yield made
    store.close()


def test_anybody_clones_and_fetches(lab: Lab, tmp_path: Path) -> None:
    lab.git("clone", "-q", lab.repository, str(tmp_path / "clone"))
    assert (tmp_path / "clone" / "README.md").read_text() == "hello"
    lab.git("fetch", "-q", lab.repository, cwd=tmp_path / "clone")
    lab.git("clone", "-q", "--depth=1", lab.repository, str(tmp_path / "shallow"))


def test_a_push_needs_the_token(lab: Lab) -> None:
    sha = lab.commit("model/params.yaml")
    refused = lab.git("push", lab.repository, "main", check=False)
    assert refused.returncode != 0
    assert "could not read Username" in refused.stderr
    wrong = lab.push("main", token="wrong", check=False)
    assert wrong.returncode != 0
    assert "Authentication failed" in wrong.stderr
    lab.push("main")
    assert lab.git("rev-parse", "main", cwd=lab.bare).stdout.strip() == sha


def test_a_bearer_token_pushes_too(lab: Lab) -> None:
    lab.commit("a")
    lab.git("-c", f"http.extraHeader=Authorization: Bearer {TOKEN}", "push", lab.repository, "main")


def test_a_push_sends_a_signed_webhook(lab: Lab) -> None:
    lab.listen()
    before = lab.git("rev-parse", "HEAD").stdout.strip()
    first = lab.commit("model/params.yaml", "a: 1")
    (lab.work / "README.md").unlink()
    second = lab.commit("model/params.yaml", "a: 2")
    lab.push("main")
    (hook,) = lab.arrived(1)
    secret = webhook_secret(lab.store, LAB_PARTICIPANT, LISTENER)
    assert len(secret) == 40
    assert hook.headers["x-hub-signature-256"] == "sha256=" + hmac.new(secret, hook.raw, hashlib.sha256).hexdigest()
    assert hook.headers["x-github-event"] == "push"
    assert len(hook.headers["x-github-delivery"]) == 36
    body = hook.body
    assert (body["ref"], body["before"], body["after"]) == ("refs/heads/main", before, second)
    assert (body["created"], body["deleted"], body["forced"]) == (False, False, False)
    assert body["repository"]["name"] == "mlops-workshop"
    assert body["repository"]["full_name"] == "user1/mlops-workshop"
    assert body["repository"]["clone_url"] == lab.repository
    assert body["repository"]["default_branch"] == "main"
    assert body["pusher"]["name"] == "user1"
    assert [c["id"] for c in body["commits"]] == [first, second]
    assert body["commits"][0]["added"] == ["model/params.yaml"]
    assert body["commits"][1]["modified"] == ["model/params.yaml"]
    assert body["commits"][1]["removed"] == ["README.md"]
    assert body["head_commit"]["message"] == "Change model/params.yaml"
    assert body["head_commit"]["author"]["email"] == "t@example.com"


def test_a_push_by_path_sends_one_too(lab: Lab) -> None:
    lab.listen()
    sha = lab.commit("a")
    lab.git("push", "-q", str(lab.bare), "main")
    assert lab.arrived(1)[0].body["after"] == sha


def test_each_ref_gets_its_own_webhook(lab: Lab) -> None:
    lab.listen()
    sha = lab.commit("a")
    lab.git("tag", "-a", "v1", "-m", "Release")
    tag = lab.git("rev-parse", "v1").stdout.strip()
    lab.push("main", "v1", "main:other")
    hooks = {hook.body["ref"]: hook.body for hook in lab.arrived(3)}
    assert hooks["refs/tags/v1"]["after"] == tag
    assert hooks["refs/tags/v1"]["head_commit"]["id"] == sha
    assert hooks["refs/tags/v1"]["created"] is True
    assert hooks["refs/tags/v1"]["commits"] == []
    assert hooks["refs/heads/other"]["before"] == NOBODY
    lab.push(":other")
    gone = lab.arrived(4)[3].body
    assert (gone["deleted"], gone["after"], gone["head_commit"]) == (True, NOBODY, None)


def test_a_forced_push_is_marked_in_its_webhook(lab: Lab) -> None:
    lab.commit("a")
    lab.push("main")
    until(lambda: not list((lab.bare / "lab-pushes").glob("*")))
    lab.listen()
    lab.git("commit", "-q", "--amend", "-m", "Another")
    lab.push("--force", "main")
    assert lab.arrived(1)[0].body["forced"] is True


def test_without_a_listener_a_push_is_just_a_push(lab: Lab) -> None:
    lab.commit("a")
    lab.push("main")
    until(lambda: not list((lab.bare / "lab-pushes").glob("*")))
    assert lab.hooks == []


def test_a_push_without_a_delivered_webhook_is_delivered_after_a_restart(lab: Lab) -> None:
    lab.listen()
    note = lab.bare / "lab-pushes" / "1.1"
    note.parent.mkdir(exist_ok=True)
    head = lab.git("rev-parse", "HEAD").stdout.strip()
    partial = note.with_name(".new")
    partial.write_text(f"{NOBODY} {head} refs/heads/main\n")
    partial.rename(note)
    assert lab.arrived(1)[0].body["after"] == head
    until(lambda: not note.exists())


@pytest.mark.parametrize(
    "path",
    [
        "/other.git/info/refs?service=git-upload-pack",
        "/mlops-workshop.git/config",
        "/mlops-workshop.git/HEAD",
        "/../mlops-workshop.git/info/refs?service=git-upload-pack",
        "/mlops-workshop.git/hooks/post-receive",
        "/mlops-workshop.git/objects/info/packs",
        "/.git/info/refs?service=git-upload-pack",
    ],
)
def test_only_the_smart_protocol_of_repositories_that_are_there_is_served(lab: Lab, path: str) -> None:
    with urllib.request.urlopen(lab.url + "/mlops-workshop.git/info/refs?service=git-upload-pack", timeout=5) as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError) as failure:
        urllib.request.urlopen(lab.url + path, timeout=5)
    assert failure.value.code == 404


def test_the_dumb_protocol_is_refused(lab: Lab) -> None:
    with pytest.raises(urllib.error.HTTPError) as failure:
        urllib.request.urlopen(f"{lab.repository}/info/refs", timeout=5)
    assert failure.value.code == 403


def test_hooks_and_configuration_survive_a_push(lab: Lab) -> None:
    kept = [(lab.bare / name).read_bytes() for name in ("config", "hooks/post-receive")]
    lab.commit("hooks/post-receive", "#!/bin/sh\nexit 1\n")
    lab.commit("config", "[core]\n")
    lab.push("main", "HEAD:refs/hooks/post-receive", check=False)
    lab.push("main")
    assert [(lab.bare / name).read_bytes() for name in ("config", "hooks/post-receive")] == kept


def test_a_push_that_is_too_large_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "MAX_BODY", 50_000)
    (lab.work / "big").write_bytes(os.urandom(200_000))
    lab.git("add", "big")
    lab.git("commit", "-q", "-m", "big")
    assert lab.push("main", check=False).returncode != 0
    monkeypatch.undo()
    lab.push("main")


def test_a_large_push_goes_through_in_pieces(lab: Lab, tmp_path: Path) -> None:
    (lab.work / "big").write_bytes(os.urandom(8_000_000))
    lab.git("add", "big")
    lab.git("commit", "-q", "-m", "big")
    lab.push("main")
    lab.git("clone", "-q", lab.repository, str(tmp_path / "clone"))
    assert (tmp_path / "clone" / "big").stat().st_size == 8_000_000


@pytest.mark.parametrize("service", ["git-receive-pack", "git-upload-pack"])
def test_requests_that_do_not_arrive_take_no_place(lab: Lab, tmp_path: Path, service: str) -> None:
    port = int(lab.url.rpartition(":")[2])
    password = base64.b64encode(f"x:{TOKEN}".encode()).decode()
    half = b"0032want " if service == "git-upload-pack" else b""
    with ExitStack() as open_ones:
        for _ in range(20):
            sock = open_ones.enter_context(socket.create_connection(("127.0.0.1", port), 5))
            sock.sendall(
                f"POST /mlops-workshop.git/{service} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
                f"Content-Type: application/x-{service}-request\r\nAuthorization: Basic {password}\r\n\r\n".encode()
                + half
            )
        lab.commit("a")
        lab.push("main")
        lab.git("clone", "-q", lab.repository, str(tmp_path / "clone"))


def test_a_body_beyond_the_limit_is_cut_off_with_413(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "MAX_BODY", 50_000)
    request = urllib.request.Request(
        f"{lab.repository}/git-receive-pack",
        b"0" * 200_000,
        {
            "Authorization": f"Bearer {TOKEN}",
            "Content-Type": "application/x-git-receive-pack-request",
        },
    )
    with pytest.raises(urllib.error.HTTPError) as failure:
        urllib.request.urlopen(request, timeout=5)
    assert failure.value.code == 413
    assert b"dvc push" in failure.value.read()


def test_an_answer_counts_though_the_process_ended_before_it_had_read_all(tmp_path: Path) -> None:
    """So git does when a push deletes a branch: its answer is the outcome, not what it left unread."""
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\nprintf 'Status: 200 OK\\r\\n\\r\\ndone'\n")
    program.chmod(0o755)
    parts, sent = [b"0000", b"0000"], []
    others = psutil.Process().children()

    def ended() -> bool:
        return all(one.status() == psutil.STATUS_ZOMBIE for one in psutil.Process().children() if one not in others)

    async def receive() -> Message:
        if len(parts) == 1:
            until(ended)  # holding the loop, so that answer, end and the rest of the body meet in one turn
        return {"type": "http.request", "body": parts.pop(), "more_body": bool(parts)}

    async def send(message: Message) -> None:
        sent.append(message.get("status") or message["body"])

    call = backend.Call(tmp_path, "POST", "/a.git/git-receive-pack", "", {}, "user1", push=True)
    running = backend.Backends({**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    uvloop.run(running.answer(call, receive, send))
    assert sent == [200, b"done", b""]
