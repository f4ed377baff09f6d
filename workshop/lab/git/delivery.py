"""Sends a webhook for each ref that a push changes, with GitHub's signature.

The receivers are the EventListeners `github` in the participant's dev namespace and `production` in their production
namespace, as far as they exist. Each has a Secret of its own that signs its events. As with GitHub, a response other
than 2xx is not retried. A listener that cannot be reached, or that has too many events, is retried a few times.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import secrets
import uuid
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import orjson

from workshop.lab.forge.git import Git, GitFailure
from workshop.lab.forge.notice import PUSH, Notice, Notify
from workshop.lab.forge.requests import RequestError, options_of
from workshop.lab.git.payload import payload
from workshop.lab.git.proposing import Proposals
from workshop.lab.git.pushes import Change, changes, install_hooks, notes, options
from workshop.lab.kinds import built_in
from workshop.lab.store import Store
from workshop.manifests.objects import status_of
from workshop.participants.names import Participant

LISTENER, PRODUCTION_LISTENER = "github", "production"
SECRETS = {LISTENER: "github-webhook", PRODUCTION_LISTENER: "production-webhook"}
"""The Secret that signs the events of each listener. Dev has both: who asks production signs with its secret."""
KEY = "secret"
POLL_SECONDS = 0.5
"""Seconds between two looks for notes of pushes by path. A push over HTTP is seen immediately."""
TIMEOUT = aiohttp.ClientTimeout(total=10, connect=2)
TOO_MANY = 503
RETRY_SECONDS = (0.2, 1.0, 3.0)
"""Seconds before each retry, when the listener was not reached or has too many events."""
log = logging.getLogger("workshop.lab.git")


class Deliveries:
    """Reads the notes of pushes to a participant's repositories and sends webhooks. `url` is that of their folder."""

    def __init__(
        self, store: Store, folder: Path, url: str, participant: Participant, env: Mapping[str, str],
        notify: Notify | None = None,
    ) -> None:  # fmt: skip
        self._store, self._folder, self._url, self._env = store, folder, url, env
        self._participant, self._notify = participant, notify
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look for notes immediately."""
        self._woken.set()

    async def run(self) -> None:
        """Send webhooks until cancelled."""
        ensure_secrets(self._store, self._participant)
        hooked: set[Path] = set()
        while True:
            self._woken.clear()
            for repository in self._repositories():
                if repository not in hooked and await self._prepared(repository):
                    hooked.add(repository)
                for note in notes(repository):
                    await self._deliver(repository, note)
            try:
                await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def _prepared(self, repository: Path) -> bool:
        """Install the hook and accept push options; False if that failed, and it is tried again."""
        try:
            # The hooks come last: once they are there, the repository takes pushes with options.
            await Git(repository, self._env)("config", "receive.advertisePushOptions", "true")
            install_hooks(repository)
        except (GitFailure, OSError) as e:
            log.error("pushes to %s are not seen: %s", repository.name, e)
            return False
        return True

    def _repositories(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return sorted(p for p in self._folder.glob("*.git") if (p / "HEAD").is_file() and p.name != "making.git")

    async def _deliver(self, repository: Path, note: Path) -> None:
        try:
            for change in changes(note):
                await self._send(repository, change)
                await self._propose(repository, change, options(note))
        except Exception:
            log.exception("no webhook for the push to %s", repository.name)
        finally:
            note.unlink(missing_ok=True)

    def proposals(self, repository: Path) -> Proposals:
        """The merge requests of a repository."""
        return Proposals(repository, f"{self._url}/{repository.stem}", self._participant.name, self._env)

    async def tell(self, notice: Notice) -> None:
        """Pass an event on in this process."""
        if self._notify is not None:
            await self._notify(notice)

    async def _propose(self, repository: Path, change: Change, given: list[str]) -> None:
        try:
            for notice in await self.proposals(repository).after(change, options_of(given)):
                await self.tell(notice)
        except (RequestError, GitFailure) as e:
            log.warning("push of %s to %s: no merge request: %s", change.ref, repository.name, e)

    async def _send(self, repository: Path, change: Change) -> None:
        try:
            body = await payload(
                repository, f"{self._url}/{repository.stem}", self._participant.name, change, self._env
            )
        except GitFailure as e:
            log.error("no webhook for the push of %s: %s", change.ref, e)
            return
        headers = {"X-Gitea-Event": "push", "X-Gitea-Event-Type": "push", "X-Github-Event": "push"}
        await self._send_to_listeners(change, orjson.dumps(body))
        await self.tell(Notice(PUSH, body, headers))

    async def _send_to_listeners(self, change: Change, body: bytes) -> None:
        listeners = [
            (self._participant.namespace(stage), name)
            for stage, name in (("dev", LISTENER), ("production", PRODUCTION_LISTENER))
            if self._store.find(built_in("EventListener"), self._participant.namespace(stage), name) is not None
        ]
        if not listeners:
            log.info("push of %s: no webhook, because there is no EventListener %s", change.ref, LISTENER)
            return
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/lab",
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-GitHub-Hook-Installation-Target-Type": "repository",
        }
        for namespace, name in listeners:
            secret = webhook_secret(self._store, self._participant, name)
            signature = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
            signed = {**headers, "X-Hub-Signature-256": signature} if secret else headers
            await self._send_to(namespace, name, change.ref, body, signed)

    async def _send_to(self, namespace: str, name: str, ref: str, body: bytes, headers: dict[str, str]) -> None:
        """Send the event to one listener, with retries."""
        for wait in (*RETRY_SECONDS, None):
            status = await self._post(namespace, name, body, headers)
            if status is not None and (status != TOO_MANY or wait is None):
                log.info("push of %s: EventListener %s/%s answered %d", ref, namespace, name, status)
                return
            if wait is None:
                log.warning("push of %s: EventListener %s/%s could not be reached", ref, namespace, name)
                return
            await asyncio.sleep(wait)

    async def _post(self, namespace: str, name: str, body: bytes, headers: dict[str, str]) -> int | None:
        """The status of the response, or None when there was none."""
        listener = self._store.find(built_in("EventListener"), namespace, name) or {}
        url = (status_of(listener).get("address") or {}).get("url")
        if not url:
            return None
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT) as session,
                session.post(url, data=body, headers=headers) as answer,
            ):
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None


def ensure_secrets(store: Store, participant: Participant) -> None:
    """Give each webhook's secret a value, also after a namespace was created again."""
    dev, production = participant.namespace("dev"), participant.namespace("production")
    ensure_secret(store, SECRETS[LISTENER], KEY, [dev])
    ensure_secret(store, SECRETS[PRODUCTION_LISTENER], KEY, [dev, production])


def ensure_secret(store: Store, name: str, key: str, namespaces: list[str]) -> None:
    """Give a Secret's key one value in all namespaces: one that is there already, else a random one."""
    kind = built_in("Secret")
    found = {namespace: store.find(kind, namespace, name) for namespace in namespaces}
    known = [value for secret in found.values() if (value := ((secret or {}).get("data") or {}).get(key))]
    data = {key: known[0] if known else base64.b64encode(secrets.token_hex(20).encode()).decode()}
    for namespace, old in found.items():
        if old is not None and (old.get("data") or {}).get(key) != data[key]:
            store.update(kind, {**old, "data": {**(old.get("data") or {}), **data}})
        elif old is None and store.find(built_in("Namespace"), "", namespace) is not None:
            labels = {"app.kubernetes.io/part-of": "mlops-workshop"}
            meta = {"name": name, "namespace": namespace, "labels": labels}
            store.create(kind, {"metadata": meta, "type": "Opaque", "data": data})


def webhook_secret(store: Store, participant: Participant, listener: str) -> bytes:
    """The secret that signs a listener's events; empty when there is none."""
    found = store.find(built_in("Secret"), participant.namespace("dev"), SECRETS[listener]) or {}
    return base64.b64decode((found.get("data") or {}).get(KEY, ""))
