"""The gate of the lab's pages: who is let in, and the responses to others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from workshop.lab.pages.auth import TokenGate, local_path
from workshop.lab.sessions import CODE_SECONDS, SESSION_SECONDS, Codes, Sessions

TOKEN = "correct-horse"
HERE = "http://127.0.0.1:8080"
WS = "ws://127.0.0.1:8080/ws"


async def _page(request: Request) -> Response:
    return PlainTextResponse(f"{request.method} seen")


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


@pytest.fixture
def client() -> Iterator[TestClient]:
    inner = Starlette(
        routes=[
            Route("/{rest:path}", _page, methods=["GET", "POST", "DELETE"]),
            WebSocketRoute("/ws", _socket),
        ]
    )
    with TestClient(TokenGate(inner, TOKEN), base_url=HERE) as client:
        yield client


def _log_in(client: TestClient) -> str:
    """Log in as the login page does; returns the session's key."""
    answer = client.post("/login", json={"token": TOKEN}, headers={"Origin": HERE})
    return str(answer.json()["key"])


def _code(client: TestClient, key: str, part: str = "terminal") -> Any:
    return client.post("/session/code", json={"part": part}, headers={"Origin": HERE, "X-Workshop-Key": key})


def test_lets_a_bearer_token_through(client: TestClient) -> None:
    answer = client.post("/api", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer.text) == (200, "POST seen")


@pytest.mark.parametrize("given", ["wrong", "", "correct-horse-and-more", "correct-hors\u00e9"])
def test_refuses_a_wrong_bearer_token_and_says_where_to_find_it(client: TestClient, given: str) -> None:
    answer = client.get("/api", headers={"Authorization": f"Bearer {given}".encode("latin-1")})
    assert answer.status_code == 401
    assert "workshop status" in answer.json()["error"]


def test_a_wrong_bearer_token_is_not_rescued_by_a_cookie(client: TestClient) -> None:
    _log_in(client)
    assert client.get("/api", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_browser_without_a_token_gets_the_login_page(client: TestClient) -> None:
    answer = client.get("/guide/", headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert "location.hash" in answer.text
    assert TOKEN not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "NONCE" not in answer.text


def test_logging_in_sets_a_cookie_that_scripts_and_other_sites_cannot_use(client: TestClient) -> None:
    answer = client.post("/login", json={"token": TOKEN}, headers={"Origin": HERE})
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert client.get("/anything").status_code == 200


@pytest.mark.parametrize(
    "body",
    [b'{"token": "wrong"}', b"[]", b"no json", b'{"token": 1}', b"x" * 9999, b"[" * 4000, b'{"token": "\\ud800"}'],
)
def test_logging_in_with_anything_else_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/login", content=body, headers={"Origin": HERE})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_logging_in_from_another_site_is_refused(client: TestClient) -> None:
    answer = client.post("/login", json={"token": TOKEN}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site", "Origin": HERE},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_cookie_changes_nothing_from_another_origin(client: TestClient, headers: dict[str, str]) -> None:
    _log_in(client)
    assert client.delete("/api", headers=headers).status_code == 403


@pytest.mark.parametrize("origin", ["http://127.0.0.1:9999", "http://evil.example", "null"])
def test_a_page_of_another_origin_reads_nothing_with_the_cookie(client: TestClient, origin: str) -> None:
    _log_in(client)
    assert client.get("/api", headers={"Origin": origin}).status_code == 403
    assert client.get("/api", headers={"Origin": HERE}).status_code == 200


@pytest.mark.parametrize("headers", [{"Origin": HERE}, {"Sec-Fetch-Site": "same-origin"}])
def test_a_cookie_from_the_same_origin_may_change_things(client: TestClient, headers: dict[str, str]) -> None:
    _log_in(client)
    assert client.post("/api", headers=headers).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8080", "", "[", "127.0.0.2"])
def test_a_host_that_is_not_loopback_is_refused_even_with_the_token(client: TestClient, host: str) -> None:
    answer = client.get("/api", headers={"Host": host, "Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:8080", "[::1]:8080", "LOCALHOST"])
def test_loopback_names_are_served_on_any_port(client: TestClient, host: str) -> None:
    answer = client.get("/api", headers={"Host": host, "Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200


def test_liveness_and_static_files_are_open_to_reading_only(client: TestClient) -> None:
    assert client.get("/livez").status_code == 200
    assert client.get("/static/pages.css").status_code == 200
    assert client.post("/static/pages.css").status_code == 401
    assert client.get("/livezz").status_code == 401


def test_a_static_path_does_not_climb_out(client: TestClient) -> None:
    assert client.get("/static/%2e%2e/api").status_code == 401


def test_a_websocket_needs_the_token_and_the_same_origin(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(WS):
        pass
    assert refused.value.code == 4401
    code = _code(client, _log_in(client)).json()["code"]
    elsewhere = {"Origin": "http://evil.example"}
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect(f"{WS}?code={code}", headers=elsewhere),
    ):
        pass
    assert refused.value.code == 4403
    with client.websocket_connect(f"{WS}?code={code}", headers={"Origin": HERE}) as socket:
        assert socket.receive_text() == "hello"


def test_the_cookie_alone_opens_no_terminal_and_gets_no_code(client: TestClient) -> None:
    key = _log_in(client)
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(WS, headers={"Origin": HERE}):
        pass
    assert refused.value.code == 4403
    assert _code(client, "").status_code == _code(client, key + "x").status_code == 403
    other = TestClient(client.app, base_url=HERE)
    assert _code(other, key).status_code == 403, "and the key alone gets none either"


def test_a_code_is_valid_once_for_one_part_and_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    hub, mlflow = Codes(TOKEN, "jupyterhub"), Codes(TOKEN, "mlflow")
    code = Codes(TOKEN, "jupyterhub").make()
    assert not mlflow.take(code) and not Codes("another token", "jupyterhub").take(code)
    assert hub.take(code) and not hub.take(code)
    assert not any(hub.take(bad) for bad in ("", ".", "1.x.y", code + "0", "\ud800"))
    late = hub.make()
    moment = time.time()
    monkeypatch.setattr(time, "time", lambda: moment + CODE_SECONDS + 1)
    assert not hub.take(late)


def test_a_session_ends_after_its_time_and_at_logout(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    _log_in(client)
    kept = dict(client.cookies)
    assert client.post("/logout", headers={"Origin": HERE}, follow_redirects=False).status_code == 303
    client.cookies.update(kept)
    assert client.get("/anything").status_code == 401
    client.cookies.clear()
    _log_in(client)
    moment = time.time()
    monkeypatch.setattr(time, "time", lambda: moment + SESSION_SECONDS + 1)
    assert client.get("/anything").status_code == 401


def test_sessions_survive_a_restart_and_their_secrets_are_in_no_file(tmp_path: Path) -> None:
    file = tmp_path / "sessions.json"
    cookie, key = Sessions(file).begin()
    assert Sessions(file).has_key(cookie, key)
    assert cookie not in file.read_text() and key not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    Sessions(file).end(cookie)
    assert not Sessions(file).valid(cookie)


def test_another_part_sends_a_browser_to_the_console_and_takes_its_code(client: TestClient) -> None:
    gate = TokenGate(Starlette(routes=[Route("/{rest:path}", _page)]), TOKEN, part="mlflow", console=HERE)
    browser = TestClient(gate, base_url="http://127.0.0.1:5000", follow_redirects=False)
    page = {"Accept": "text/html"}
    there = browser.get("/models?x=1&y=2", headers=page)
    assert (there.status_code, there.headers["location"]) == (303, f"{HERE}/open/mlflow?next=%2Fmodels%3Fx%3D1%26y%3D2")
    assert browser.get("/api").status_code == 401
    code = _code(client, _log_in(client), "mlflow").json()["code"]
    back = browser.get("/session/login", params={"code": code, "next": "/models?x=1&y=2"})
    assert (back.status_code, back.headers["location"]) == (303, "/models?x=1&y=2")
    assert browser.get("/models").status_code == 200
    assert browser.get("/session/login", params={"code": code}).status_code == 401, "a code is valid once"


def test_the_cookie_of_one_part_opens_no_other(client: TestClient) -> None:
    _log_in(client)
    gate = TokenGate(Starlette(routes=[Route("/{rest:path}", _page)]), TOKEN, part="mlflow", console=HERE)
    browser = TestClient(gate, base_url="http://127.0.0.1:5000", cookies=dict(client.cookies))
    assert browser.get("/api").status_code == 401
    renamed = TestClient(gate, base_url="http://127.0.0.1:5000")
    renamed.cookies.set("workshop_mlflow", client.cookies["workshop_console"])
    assert renamed.get("/api").status_code == 401


@pytest.mark.parametrize("given", ["//evil.example", "/\\evil.example", "http://evil.example", "", "x", "/a\nb"])
def test_a_login_leads_nowhere_else(given: str) -> None:
    assert local_path(given) == "/"
    assert local_path("/a?b=c#d") == "/a?b=c#d"


def test_an_empty_token_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="empty"):
        TokenGate(Starlette(), "")
