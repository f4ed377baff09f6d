"""The HTTP API of the room's Git server, as its administrator.

Gitea and Forgejo document it at `/api/swagger` of each server. The administrator's password comes from the Secret
`git-server`. A token replaces it for one command, because the server checks a token faster than a password.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any

import aiohttp
import orjson

from workshop.cluster.bulk import BulkClient
from workshop.cluster.forwarding import forwarded
from workshop.cluster.resources import of_kind
from workshop.cluster.transport import ApiFailure
from workshop.errors import SetupError
from workshop.manifests.apiresource import ApiResource

NAMESPACE = "mlops-workshop"
SERVICE, PORT = "git", 3000
SECRET, PASSWORD = "git-server", "ADMIN_PASSWORD"
ADMINISTRATOR = "mlops-workshop"
PAGE = 50
"""Items of a list at a time; the server's own limit."""
_TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=10)
_AGAIN = "workshop cluster status shows whether the Git server runs; then the same command goes on"


class GitRefused(Exception):
    """The server's answer to a request that it did not carry out."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code


class GitServer:
    """One server. It is an asynchronous context manager."""

    def __init__(self, url: str, password: str) -> None:
        self.url = url.rstrip("/")
        self._basic = basic(ADMINISTRATOR, password)
        self._name = f"provision-{secrets.token_hex(4)}"
        self._token = ""
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> GitServer:
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        try:
            wanted = {"name": self._name, "scopes": ["all"]}
            made = await self.ask("POST", self._tokens, wanted, authorization=self._basic)
        except GitRefused as e:
            await self._session.close()
            raise SetupError(
                f"the Git server at {self.url} does not accept the password of Secret {SECRET} in {NAMESPACE}: {e}",
                hint="oc rollout restart deployment/git -n mlops-workshop sets that password again",
            ) from e
        except BaseException:
            await self._session.close()
            raise
        self._token = str(made["sha1"])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        try:
            with contextlib.suppress(GitRefused, SetupError):
                await self.ask("DELETE", f"{self._tokens}/{self._name}", authorization=self._basic)
        finally:
            await self._session.close()

    @property
    def _tokens(self) -> str:
        return f"/users/{ADMINISTRATOR}/tokens"

    @property
    def push_header(self) -> str:
        """The header with which Git pushes to any repository."""
        return f"Authorization: {basic(ADMINISTRATOR, self._token)}"

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        authorization: str = "",
    ) -> Any:
        """The parsed answer to a request below `/api/v1`. Raises GitRefused; SetupError when there is no answer."""
        assert self._session is not None
        headers = {"Accept": "application/json", "Authorization": authorization or f"token {self._token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self._session.request(
                method,
                f"{self.url}/api/v1{path}",
                params=query,
                data=None if body is None else orjson.dumps(body),
                headers=headers,
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            why = str(e) or type(e).__name__
            raise SetupError(f"the Git server at {self.url} does not answer: {why}", hint=_AGAIN) from e
        if answer.status >= 400:
            raise GitRefused(answer.status, _message(content))
        return orjson.loads(content) if content else None

    async def find(self, path: str) -> Any:
        """The parsed answer, or None for what does not exist. Raises like `ask`."""
        try:
            return await self.ask("GET", path)
        except GitRefused as e:
            if e.code != 404:
                raise
            return None

    async def list(self, path: str) -> list[Any]:
        """All items of a list. Raises like `ask`."""
        found: list[Any] = []
        while True:
            page = str(len(found) // PAGE + 1)
            items = await self.ask("GET", path, query={"page": page, "limit": str(PAGE)}) or []
            found += items
            if len(items) < PAGE:
                return found

    async def accepts(self, user: str, password: str) -> bool:
        """Whether a user logs in with this password. Raises like `ask`."""
        try:
            await self.ask("GET", "/user", authorization=basic(user, password))
        except GitRefused as e:
            if e.code not in (401, 403):  # 403 where pages need a login
                raise
            return False
        return True


def basic(user: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@contextlib.asynccontextmanager
async def git_server(client: BulkClient, known: Sequence[ApiResource], address: str) -> AsyncIterator[GitServer | None]:
    """The room's Git server, or None when the cluster has none of the kit's.

    `address` is where this machine reaches it; empty means through the API server. Raises SetupError.
    """
    resource = of_kind(known, "v1", "Secret")
    assert resource is not None
    try:
        secret = await client.get(resource.path(NAMESPACE, SECRET))
    except ApiFailure as e:
        if e.code != 404:
            raise
        yield None
        return
    password = base64.b64decode((secret.get("data") or {}).get(PASSWORD, "")).decode()
    async with contextlib.AsyncExitStack() as stack:
        url = address or await stack.enter_async_context(forwarded(client.config, NAMESPACE, SERVICE, PORT))
        yield await stack.enter_async_context(GitServer(url, password))


def _message(content: bytes) -> str:
    """The server's own message, in one line."""
    try:
        found = orjson.loads(content)
        text = str(found.get("message") or found) if isinstance(found, dict) else str(found)
    except orjson.JSONDecodeError:
        text = content[:300].decode("utf-8", "replace")
    return " ".join(text.split())[:300]
