"""The Git server at `http://127.0.0.1:<port>/<repository>.git`, for others than the first participant with their name.

Every process on this machine may clone and fetch. A push needs the token of the repository's owner, as the password of
any user or as a Bearer token. Only the smart protocol and a part of Gitea's API are served, and only for existing
repositories. The page of a commit or of a merge request is one of the console.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from workshop.lab.forge.notice import Incoming, Notify, Refusal
from workshop.lab.git import api
from workshop.lab.git.backend import Backends, Call, Refused, body_of
from workshop.lab.git.delivery import Deliveries
from workshop.lab.store import Store
from workshop.participants.names import Participant

_PATH = re.compile(
    r"/((?P<owner>[a-z0-9-]+)/)?(?P<name>[A-Za-z0-9_][A-Za-z0-9._-]*\.git)/(?P<service>info/refs|git-upload-pack|git-receive-pack)"
)
_PAGE = re.compile(r"/([a-z0-9-]+/)?[A-Za-z0-9_][A-Za-z0-9._-]*(/commit/[0-9a-f]{7,40}|/pulls/(?P<number>[0-9]{1,9}))")
_PUSH = "git-receive-pack"
log = logging.getLogger("workshop.lab.git")


def is_push(scope: Scope) -> bool:
    """Whether a request sends objects. Such a body goes to Git in parts; the body of a fetch is read as a whole."""
    return str(scope["path"]).endswith(f"/{_PUSH}")


@dataclass(frozen=True)
class Owner:
    """A participant, the folder of their bare repositories, and the token for their pushes."""

    participant: Participant
    folder: Path
    token: str


class GitServer:
    """Serve `app` at `url` (http://127.0.0.1:port) and await `run`; `stop` ends both.

    `root` is the folder of all repositories. `env` is the environment of the lab's children. Git needs its PATH.
    `notify` gets the events of pushes and merge requests in this process, `incoming` the bodies sent to `/incoming`.
    `pages` is the address of the console.
    """

    def __init__(
        self, store: Store, root: Path, url: str, owners: Sequence[Owner], env: Mapping[str, str],
        notify: Notify | None = None, pages: str = "", incoming: Incoming | None = None,
    ) -> None:  # fmt: skip
        self._incoming = incoming
        self._root, self._url, self._pages = root, url, pages
        self._owners = {one.folder: one for one in owners}
        self._backends = Backends(env)
        self._deliveries = {
            one.folder: Deliveries(store, one.folder, _address(url, root, one.folder), one.participant, env, notify)
            for one in owners
        }

    async def run(self) -> None:
        """Send webhooks for pushes over HTTP and by path, until cancelled."""
        await asyncio.gather(*(one.run() for one in self._deliveries.values()))

    async def stop(self) -> None:
        """End all processes. Pushes without a webhook so far get theirs at the next start."""
        await self._backends.close()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            return
        started = False

        async def sending(message: dict[str, object]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            request = Request(scope)
            if response := await self._beside_git(request, receive):
                await response(scope, receive, sending)  # type: ignore[arg-type]
                return
            call = self._call(request)
            await self._backends.answer(call, receive, sending)  # type: ignore[arg-type]
            if call.path.endswith(f"/{_PUSH}"):
                self._deliveries[(self._root / call.path.lstrip("/")).parents[1]].wake()
        except Refused as e:
            if started:
                # An aborted response shows the client an error; a clean end of half a response would not.
                raise
            headers = {"Connection": "close"} if e.status in (408, 413) else {}
            if e.status == 401:
                headers["WWW-Authenticate"] = 'Basic realm="workshop lab"'
            await PlainTextResponse(f"{e.message}\n", e.status, headers)(scope, receive, send)

    async def _beside_git(self, request: Request, receive: Receive) -> Response | None:
        """The answer of the API, or the redirection from a page of a repository to the console. Raises Refused."""
        path = request.scope["path"]
        if path == "/incoming" and self._incoming is not None:
            return await self._webhook(self._incoming, request, receive)
        if page := _PAGE.fullmatch(path):
            number = f"/merge-requests/{page['number']}" if page["number"] else ""
            return RedirectResponse(f"{self._pages}/commits{number}") if self._pages else None
        match = api.PATH.fullmatch(path)
        if match is None:
            return None
        owner = next((one for one in self._owners.values() if one.participant.name == match["owner"]), None)
        repository = owner.folder / f"{match['name']}.git" if owner else None
        if owner is None or repository is None or not (repository / "HEAD").is_file():
            raise Refused(404, f"there is no repository {match['owner']}/{match['name']}")

        async def body() -> bytes:
            return b"".join([part async for part in body_of(receive, api.MAX_BODY)])

        deliveries = self._deliveries[owner.folder]
        url = f"{_address(self._url, self._root, owner.folder)}/{match['name']}"
        user = _user(owner, request.headers.get("authorization", ""))
        asked = api.Asked(repository, url, request.method, match["rest"] or "", user, dict(request.query_params), body)
        status, content, notice = await api.answer(asked, deliveries.proposals(repository))
        if notice is not None:
            await deliveries.tell(notice)
        return JSONResponse(content, status)

    async def _webhook(self, incoming: Incoming, request: Request, receive: Receive) -> Response:
        """The answer to an incoming webhook, whose secret is in the body. Raises Refused."""
        if request.method != "POST":
            raise Refused(405, f"{request.method} is not a method of /incoming; POST a JSON body")
        if request.url.query:
            raise Refused(400, "a secret in a URL is kept in logs; POST the fields as a JSON body instead")
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Refused(400, "invalid content type, only application/json is accepted when posting a body")
        body = b"".join([part async for part in body_of(receive, api.MAX_BODY)])
        try:
            found = await incoming(body)
        except Refusal as e:
            raise Refused(400, str(e)) from e
        return JSONResponse({"status": 202, "message": f"accepted: {found.pipeline} on {found.branch}"}, 202)

    def _call(self, request: Request) -> Call:
        """Validate the request. Raises Refused."""
        path = request.scope["path"]
        match = _PATH.fullmatch(path)
        folder = self._root / (match["owner"] or "") if match else None
        owner = self._owners.get(folder) if folder else None
        if match is None or owner is None or not (owner.folder / match["name"] / "HEAD").is_file():
            raise Refused(404, f"there is no repository at {path}; the first is {self._url}/mlops-workshop.git")
        service = match["service"]
        if request.method != ("GET" if service == "info/refs" else "POST"):
            raise Refused(405, f"{request.method} is not a method of {service}")
        service_name = request.query_params.get("service", "") if service == "info/refs" else service
        if service_name not in ("git-upload-pack", _PUSH):
            raise Refused(403, "only Git's smart protocol is served, which git clone and git push use")
        user = _user(owner, request.headers.get("authorization", ""))
        if service_name == _PUSH and not user:
            raise Refused(401, "a push needs the owner's token as the password; git in workshop shell has it")
        return Call(self._root, request.method, path, request.url.query, request.headers, user, service_name == _PUSH)


def _address(url: str, root: Path, folder: Path) -> str:
    """The URL of an owner's folder, without a slash at its end."""
    return "/".join((url, *folder.relative_to(root).parts))


def _user(owner: Owner, header: str) -> str:
    """The user of a valid token, else an empty string. The comparison takes constant time."""
    scheme, _, given = header.partition(" ")
    name, password = "token", given.strip()
    if scheme.lower() == "basic":
        try:
            name, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return ""
    elif scheme.lower() not in ("bearer", "token"):
        return ""
    return (name or "token") if hmac.compare_digest(password.encode(), owner.token.encode()) else ""
