"""The gate before the lab's pages: who gets in, who does not, and what they are told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from workshop.lab.pages.auth import COOKIE, TokenGate, session_value

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


def _log_in(client: TestClient) -> None:
    client.cookies.set(COOKIE, session_value(TOKEN), domain="127.0.0.1")


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
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert client.get("/anything").status_code == 200


@pytest.mark.parametrize("body", [b'{"token": "wrong"}', b"[]", b"no json", b'{"token": 1}', b"x" * 9999])
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
    _log_in(client)
    elsewhere = {"Origin": "http://evil.example"}
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(WS, headers=elsewhere):
        pass
    assert refused.value.code == 4403
    with client.websocket_connect(WS, headers={"Origin": HERE}) as socket:
        assert socket.receive_text() == "hello"


def test_an_empty_token_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="empty"):
        TokenGate(Starlette(), "")
