"""The Git server at `http://127.0.0.1:<port>/<repository>.git`.

Every process on this machine may clone and fetch. A push needs the lab's token, as the password of any user or as a
Bearer token. Only the smart protocol is served, and only for existing repositories.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from workshop.lab.git.backend import Backends, Call, Refused
from workshop.lab.git.delivery import Deliveries
from workshop.lab.paths import LabPaths
from workshop.lab.store import Store
from workshop.participants.names import Participant

_PATH = re.compile(
    r"/(?P<name>[A-Za-z0-9_][A-Za-z0-9._-]*\.git)/(?P<service>info/refs|git-upload-pack|git-receive-pack)"
)
_PUSH = "git-receive-pack"
log = logging.getLogger("workshop.lab.git")


def is_push(scope: Scope) -> bool:
    """Whether a request sends objects. Such a body goes to Git in parts; the body of a fetch is read as a whole."""
    return str(scope["path"]).endswith(f"/{_PUSH}")


class GitServer:
    """Serve `app` at `url` (http://127.0.0.1:port) and await `run`; `stop` ends both.

    `env` is the environment of the lab's children. Git needs its PATH.
    """

    def __init__(
        self, store: Store, state: LabPaths, token: str, url: str, participant: Participant, env: Mapping[str, str]
    ) -> None:
        self._state, self._token, self._url = state, token, url
        self._backends = Backends(env)
        self._deliveries = Deliveries(store, state, url, participant, env)

    async def run(self) -> None:
        """Send webhooks for pushes over HTTP and by path, until cancelled."""
        await self._deliveries.run()

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
            call = self._call(Request(scope))
            await self._backends.answer(call, receive, sending)  # type: ignore[arg-type]
            if call.path.endswith(f"/{_PUSH}"):
                self._deliveries.wake()
        except Refused as e:
            if started:
                # An aborted response shows the client an error; a clean end of half a response would not.
                raise
            headers = {"Connection": "close"} if e.status in (408, 413) else {}
            if e.status == 401:
                headers["WWW-Authenticate"] = 'Basic realm="workshop lab"'
            await PlainTextResponse(f"{e.message}\n", e.status, headers)(scope, receive, send)

    def _call(self, request: Request) -> Call:
        """Validate the request. Raises Refused."""
        path = request.scope["path"]
        match = _PATH.fullmatch(path)
        folder = self._state.git / match["name"] if match else None
        if match is None or folder is None or not (folder / "HEAD").is_file():
            raise Refused(404, f"there is no repository at {path}; the participant's is {self._url}/mlops-workshop.git")
        service = match["service"]
        if request.method != ("GET" if service == "info/refs" else "POST"):
            raise Refused(405, f"{request.method} is not a method of {service}")
        service_name = request.query_params.get("service", "") if service == "info/refs" else service
        if service_name not in ("git-upload-pack", _PUSH):
            raise Refused(403, "only Git's smart protocol is served, which git clone and git push use")
        user = self._user(request.headers.get("authorization", ""))
        if service_name == _PUSH and not user:
            raise Refused(401, "a push needs the lab's token as the password; git in workshop shell has it")
        return Call(
            self._state.git, request.method, path, request.url.query, request.headers, user, service_name == _PUSH
        )

    def _user(self, header: str) -> str:
        """The user of a valid token, else an empty string. The comparison takes constant time."""
        scheme, _, given = header.partition(" ")
        name, password = "token", given.strip()
        if scheme.lower() == "basic":
            try:
                name, _, password = base64.b64decode(given, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return ""
        elif scheme.lower() != "bearer":
            return ""
        return (name or "token") if hmac.compare_digest(password.encode(), self._token.encode()) else ""
