"""A store with a namespace and the objects of a listener, and the sink over real HTTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import socket
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.kit import serving
from workshop.lab.admission import admit
from workshop.lab.controllers.triggers.listeners import Listeners
from workshop.lab.controllers.triggers.logbook import Logbook
from workshop.lab.controllers.triggers.run import ListenerController
from workshop.lab.controllers.triggers.sink import Sink
from workshop.lab.kinds import built_in
from workshop.lab.paths import LabPaths
from workshop.lab.rbac.defaults import reconcile_defaults
from workshop.lab.rbac.policy import Policy
from workshop.lab.store import Store
from workshop.manifests.objects import Object

NAMESPACE, PRODUCTION = "user1-dev", "user1-production"
SECRET, PRODUCTION_SECRET, ALERT_TOKEN = b"not-to-be-seen", b"not-to-be-seen-either", b"nor-this"
_SECRETS = (
    (NAMESPACE, "alert-webhook", "token", ALERT_TOKEN),
    (NAMESPACE, "github-webhook", "secret", SECRET),
    (NAMESPACE, "production-webhook", "secret", PRODUCTION_SECRET),
    (PRODUCTION, "production-webhook", "secret", PRODUCTION_SECRET),
)


@dataclass
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Bench:
    """A running sink over a store."""

    store: Store
    state: LabPaths
    url: str
    sink: Sink
    loop: asyncio.AbstractEventLoop

    def put(self, obj: Object) -> Object:
        """Create or replace an object as the API would, admission included."""
        kind = self.store.kinds.of(obj["apiVersion"], obj["kind"])
        assert kind is not None
        if kind.namespaced:
            obj["metadata"].setdefault("namespace", NAMESPACE)

        def work() -> Object:
            admitted = admit(kind, obj, None)
            old = self.store.find(kind, admitted["metadata"].get("namespace", ""), admitted["metadata"]["name"])
            if old is None:
                return self.store.create(kind, admitted)
            return self.store.update(kind, {**admitted, "metadata": {**old["metadata"], **admitted["metadata"]}})

        made: Object = self._run(work)
        return made

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function of the store in the sink's loop."""
        return self._run(lambda: function(*args))

    def made(self, kind: str = "ConfigMap") -> list[Object]:
        """What the events have created, when none is under way any more."""
        asyncio.run_coroutine_threadsafe(self.sink.idle(), self.loop).result(10)
        found: list[Object] = self._run(lambda: self.store.objects(built_in(kind)))
        return [obj for obj in found if "triggers.tekton.dev/eventlistener" in obj["metadata"].get("labels", {})]

    def events(self) -> list[Object]:
        """The Events, when nothing is under way."""
        asyncio.run_coroutine_threadsafe(self.sink.idle(), self.loop).result(10)
        found: list[Object] = self._run(lambda: self.store.objects(built_in("Event")))
        return found

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Answer:
        """Send an event; a body that is not bytes is sent as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, raw, {"Content-Type": "application/json", **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=10) as got:
                return Answer(got.status, _body(got.read()), dict(got.headers))
        except urllib.error.HTTPError as e:
            return Answer(e.code, _body(e.read()), dict(e.headers))

    def push(self, path: str, body: Any, *, secret: bytes = SECRET, event: str = "push") -> Answer:
        """Send an event as GitHub does."""
        raw = json.dumps(body).encode()
        signature = hmac.new(secret, raw, hashlib.sha256).hexdigest()
        return self.post(path, raw, {"X-GitHub-Event": event, "X-Hub-Signature-256": f"sha256={signature}"})

    def _run(self, work: Any) -> Any:
        async def inside() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(inside(), self.loop).result(10)


def _body(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw


def _allow_every_account(store: Store) -> None:
    reconcile_defaults(store)
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:serviceaccounts"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    binding = {"metadata": {"name": "every-account"}, "roleRef": role, "subjects": [group]}
    store.create(built_in("ClusterRoleBinding"), binding)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    store = Store()
    for name in (NAMESPACE, "user1-staging", PRODUCTION):
        store.create(built_in("Namespace"), {"metadata": {"name": name}})
    for namespace, name, key, value in _SECRETS:
        data = {key: base64.b64encode(value).decode()}
        store.create(built_in("Secret"), {"metadata": {"name": name, "namespace": namespace}, "data": data})
    _allow_every_account(store)
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    state = LabPaths(tmp_path)
    sink = Sink(store, Logbook(state), Policy(store))
    controller = ListenerController(store, Listeners(store, url, Logbook(state)))
    loop = asyncio.new_event_loop()

    @asynccontextmanager
    async def reconciling() -> AsyncIterator[None]:
        task = asyncio.create_task(controller.run())
        yield
        task.cancel()
        await sink.close()

    with serving(sink, sock=sock, loop=loop, around=reconciling, lifespan="off"):
        yield Bench(store, state, url, sink, loop)
    store.close()


def template(name: str = "note", **data: str) -> Object:
    """A TriggerTemplate that makes a ConfigMap of its parameters."""
    names = re.findall(r"\$\(tt\.params\.([^)]+)\)", " ".join(data.values()))
    return {
        "apiVersion": "triggers.tekton.dev/v1beta1",
        "kind": "TriggerTemplate",
        "metadata": {"name": name},
        "spec": {
            "params": [{"name": n} for n in dict.fromkeys(names)],
            "resourcetemplates": [
                {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {"generateName": f"{name}-"},
                    "data": data,
                }
            ],
        },
    }


def listener(*triggers: Object, name: str = "listener", **spec: Any) -> Object:
    """An EventListener."""
    return {
        "apiVersion": "triggers.tekton.dev/v1beta1",
        "kind": "EventListener",
        "metadata": {"name": name},
        "spec": {"serviceAccountName": "pipeline", **({"triggers": list(triggers)} if triggers else {}), **spec},
    }


def interceptor(name: str, **params: Any) -> Object:
    """A reference to an interceptor with its settings."""
    return {"ref": {"name": name}, "params": [{"name": key, "value": value} for key, value in params.items()]}
