"""A Git server with the part of Gitea's API that the kit uses, over real Git repositories.

`WORKSHOP_TEST_GITEA=URL` and `WORKSHOP_TEST_GITEA_PASSWORD` (of the administrator `mlops-workshop`) run the same tests
against a real Gitea or Forgejo; they remove what they make.
"""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ADMINISTRATOR = "mlops-workshop"


@dataclass
class User:
    """An account; `tokens` are values by name."""

    login: str
    email: str
    password: str
    tokens: dict[str, str] = field(default_factory=dict)


@dataclass
class StandIn:
    """The server's state. `app` serves it; `writes` are the requests that changed something."""

    folder: Path
    password: str = field(default_factory=lambda: secrets.token_hex(8))
    users: dict[str, User] = field(default_factory=dict)
    hooks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    locked: int = 0
    """So many of the next changes end as with SQLite's `database table is locked`."""

    def __post_init__(self) -> None:
        self.users[ADMINISTRATOR] = User(ADMINISTRATOR, f"{ADMINISTRATOR}@mlops-workshop.invalid", self.password)
        api = "/api/v1"
        self.app = Starlette(
            routes=[
                Route(f"{api}/user", self._me),
                Route(f"{api}/users/{{name}}", self._user),
                Route(f"{api}/users/{{name}}/tokens", self._new_token, methods=["POST"]),
                Route(f"{api}/users/{{name}}/tokens", self._tokens),
                Route(f"{api}/users/{{name}}/tokens/{{token}}", self._no_token, methods=["DELETE"]),
                Route(f"{api}/users/{{name}}/repos", self._repos),
                Route(f"{api}/admin/users", self._list_users),
                Route(f"{api}/admin/users", self._new_user, methods=["POST"]),
                Route(f"{api}/admin/users/{{name}}", self._edit_user, methods=["PATCH"]),
                Route(f"{api}/admin/users/{{name}}", self._no_user, methods=["DELETE"]),
                Route(f"{api}/admin/users/{{name}}/repos", self._new_repo, methods=["POST"]),
                Route(f"{api}/repos/{{name}}/{{repo}}", self._repo),
                Route(f"{api}/repos/{{name}}/{{repo}}", self._no_repo, methods=["DELETE"]),
                Route(f"{api}/repos/{{name}}/{{repo}}/hooks", self._hooks),
                Route(f"{api}/repos/{{name}}/{{repo}}/hooks", self._new_hook, methods=["POST"]),
                Route(f"{api}/repos/{{name}}/{{repo}}/hooks/{{id:int}}", self._no_hook, methods=["DELETE"]),
                Route(f"{api}/repos/{{name}}/{{repo}}/hooks/{{id:int}}", self._edit_hook, methods=["PATCH"]),
                Route("/{path:path}", self._git, methods=["GET", "POST"]),
            ],
            exception_handlers={_Refused: _answer},
        )

    def who(self, request: Request) -> str:
        """The user of a request. Raises _Refused (401)."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        known = {token: user.login for user in self.users.values() for token in user.tokens.values()}
        if scheme.lower() == "token" and value in known:
            return known[value]
        if scheme.lower() == "basic":
            name, _, password = base64.b64decode(value).decode().partition(":")
            if name in self.users and password in (self.users[name].password, *self.users[name].tokens.values()):
                return name
        raise _Refused(401, "invalid username, password or token")

    def _administrator(self, request: Request) -> None:
        if self.who(request) != ADMINISTRATOR:
            raise _Refused(403, "user should be the site admin")
        if request.method != "GET" and self.locked:
            self.locked -= 1
            raise _Refused(500, "database table is locked")
        if request.method != "GET":
            self.writes.append(f"{request.method} {request.url.path}")

    def _bare(self, request: Request) -> Path:
        names: dict[str, str] = request.path_params
        return self.folder / names["name"] / f"{names['repo']}.git"

    def _there(self, request: Request) -> Path:
        self._administrator(request)
        bare = self._bare(request)
        if not bare.exists():
            raise _Refused(404, "The target couldn't be found.")
        return bare

    async def _me(self, request: Request) -> Response:
        return JSONResponse({"login": self.who(request)})

    async def _user(self, request: Request) -> Response:
        self._administrator(request)
        if request.path_params["name"] not in self.users:
            raise _Refused(404, "user redirect does not exist")
        return JSONResponse({"login": request.path_params["name"]})

    async def _new_token(self, request: Request) -> Response:
        if not request.headers.get("authorization", "").startswith("Basic"):
            raise _Refused(401, "auth required")
        user = self.users[self.who(request)]
        made = user.tokens[(await request.json())["name"]] = secrets.token_hex(20)
        return JSONResponse({"name": (await request.json())["name"], "sha1": made}, 201)

    async def _tokens(self, request: Request) -> Response:
        return JSONResponse([{"name": name} for name in self.users[self.who(request)].tokens])

    async def _no_token(self, request: Request) -> Response:
        del self.users[self.who(request)].tokens[request.path_params["token"]]
        return Response(status_code=204)

    async def _list_users(self, request: Request) -> Response:
        self._administrator(request)
        page, limit = int(request.query_params.get("page", 1)), int(request.query_params.get("limit", 30))
        shown = [{"login": one.login, "email": one.email} for one in self.users.values()]
        return JSONResponse(shown[(page - 1) * limit : page * limit])

    async def _new_user(self, request: Request) -> Response:
        self._administrator(request)
        wanted = await request.json()
        if wanted["username"] in self.users:
            raise _Refused(422, f"user already exists [name: {wanted['username']}]")
        self.users[wanted["username"]] = User(wanted["username"], wanted["email"], wanted["password"])
        return JSONResponse({"login": wanted["username"], "email": wanted["email"]}, 201)

    async def _edit_user(self, request: Request) -> Response:
        self._administrator(request)
        changed = await request.json()
        if "source_id" not in changed or "login_name" not in changed:
            raise _Refused(422, "[SourceID]: Required")
        self.users[request.path_params["name"]].password = changed["password"]
        return JSONResponse({"login": request.path_params["name"]})

    async def _no_user(self, request: Request) -> Response:
        self._administrator(request)
        if self.users.pop(request.path_params["name"], None) is None:
            raise _Refused(404, "user does not exist")
        shutil.rmtree(self.folder / request.path_params["name"], ignore_errors=True)
        return Response(status_code=204)

    async def _repos(self, request: Request) -> Response:
        self._administrator(request)
        name = request.path_params["name"]
        return JSONResponse([{"full_name": f"{name}/{one.stem}"} for one in (self.folder / name).glob("*.git")])

    async def _new_repo(self, request: Request) -> Response:
        self._administrator(request)
        wanted = await request.json()
        name = request.path_params["name"]
        bare = self.folder / name / f"{wanted['name']}.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", wanted["default_branch"], str(bare)], check=True)
        subprocess.run(["git", "-C", str(bare), "config", "http.receivepack", "true"], check=True)
        (bare / "private").write_text(str(wanted["private"]))
        self.hooks[f"{name}/{wanted['name']}"] = []
        return JSONResponse(self._shown(name, bare), 201)

    async def _repo(self, request: Request) -> Response:
        bare = self._there(request)
        return JSONResponse(self._shown(request.path_params["name"], bare))

    def _shown(self, name: str, bare: Path) -> dict[str, Any]:
        refs = subprocess.run(["git", "-C", str(bare), "for-each-ref"], check=True, capture_output=True).stdout
        private = (bare / "private").read_text() == "True"
        return {"full_name": f"{name}/{bare.stem}", "empty": not refs, "private": private}

    async def _no_repo(self, request: Request) -> Response:
        shutil.rmtree(self._there(request))
        return Response(status_code=204)

    def _hooks_of(self, request: Request) -> list[dict[str, Any]]:
        self._there(request)
        return self.hooks[f"{request.path_params['name']}/{request.path_params['repo']}"]

    async def _hooks(self, request: Request) -> Response:
        shown = [
            {**one, "config": {key: value for key, value in one["config"].items() if key != "secret"}}
            for one in self._hooks_of(request)
        ]
        return JSONResponse(shown)

    async def _new_hook(self, request: Request) -> Response:
        made = {"id": secrets.randbelow(2**31), **(await request.json())}
        self._hooks_of(request).append(made)
        return JSONResponse(made, 201)

    async def _no_hook(self, request: Request) -> Response:
        hooks = self._hooks_of(request)
        hooks[:] = [one for one in hooks if one["id"] != request.path_params["id"]]
        return Response(status_code=204)

    async def _edit_hook(self, request: Request) -> Response:
        (hook,) = [one for one in self._hooks_of(request) if one["id"] == request.path_params["id"]]
        hook |= await request.json()
        return JSONResponse(hook)

    async def _git(self, request: Request) -> Response:
        """Git's smart protocol, by `git http-backend`."""
        try:
            user = self.who(request)
        except _Refused:
            return Response(status_code=401, headers={"WWW-Authenticate": 'Basic realm="Gitea"'})
        owner = request.path_params["path"].partition("/")[0]
        if user not in (owner, ADMINISTRATOR):
            return Response(status_code=404)
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.url.path,
            "QUERY_STRING": request.url.query,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
            "REMOTE_USER": user,
        }
        process = await asyncio.create_subprocess_exec(
            "git", "http-backend", env=env, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate(await request.body())
        head, _, body = out.partition(b"\r\n\r\n")
        headers = dict(line.decode().split(": ", 1) for line in head.split(b"\r\n"))
        return Response(body, int(headers.pop("Status", "200").split()[0]), headers)


class _Refused(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


async def _answer(request: Request, error: Exception) -> Response:
    assert isinstance(error, _Refused)
    return JSONResponse({"message": str(error)}, error.code)
