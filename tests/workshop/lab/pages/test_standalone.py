"""The prefix of a participant's server: paths, redirects and addresses, and requests from other sites."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from workshop.lab.pages import html
from workshop.lab.pages.standalone import Below

ROOT = "/user/ann/workshop"


async def changed(request: Request) -> Response:
    return PlainTextResponse("changed")


APP = Below(
    Starlette(
        routes=[
            Route("/", lambda _: RedirectResponse("/guide/")),
            Route("/guide/", lambda _: HTMLResponse('<a href="/guide/01">1</a> <b>/guide/</b> <img src="/user/x">')),
            Route("/trace/", lambda _: HTMLResponse('<form action="/trace/"><a href="/trace/?what=2">')),
            Route("/measures/costs", lambda _: HTMLResponse('<a href="/measures/delivery">Delivery</a>')),
            Route("/guide/api/help", changed, methods=["POST", "DELETE"]),
        ]
    ),
    ROOT,
)


def ask(method: str, path: str, **headers: str) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=APP)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub.example") as client:
            return await client.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return asyncio.run(send())


def test_addresses_of_pages_and_redirects_get_the_prefix() -> None:
    assert ask("GET", ROOT).headers["location"] == f"{ROOT}/guide/"
    page = ask("GET", f"{ROOT}/guide/")
    assert page.text == f'<a href="{ROOT}/guide/01">1</a> <b>/guide/</b> <img src="/user/x">'
    assert int(page.headers["content-length"]) == len(page.content)
    traced = ask("GET", f"{ROOT}/trace/").text
    assert traced == f'<form action="{ROOT}/trace/"><a href="{ROOT}/trace/?what=2">'
    assert ask("GET", f"{ROOT}/measures/costs").text == f'<a href="{ROOT}/measures/delivery">Delivery</a>'


@pytest.mark.parametrize("path", ["/guide/", "/user/anna/workshop/guide/", f"{ROOT}s/guide/"])
def test_a_path_outside_of_the_prefix_is_not_served(path: str) -> None:
    assert ask("GET", path).status_code == 404


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_change_must_come_from_a_page_of_the_same_site(method: str) -> None:
    path = f"{ROOT}/guide/api/help"
    assert ask(method, path, Sec_Fetch_Site="cross-site").status_code == 403
    assert ask(method, path, Origin="http://evil.example").status_code == 403
    assert ask(method, path).status_code == 403
    assert ask(method, path, Sec_Fetch_Site="same-origin").text == "changed"


def test_a_choice_of_language_is_kept_below_the_prefix_only() -> None:
    def chosen(request: Request) -> Response:
        values = {"message": "There is no such module.", "back": "/guide/", "back_name": "All modules"}
        return html.whole(request, "missing.html", {**values, "nav": [], "who": "ann"}, cookies=f"{ROOT}/")

    client = TestClient(Below(Starlette(routes=[Route("/guide/", chosen)]), ROOT))
    answer = client.get(f"{ROOT}/guide/?lang=zh-Hans")
    assert f"workshop-language=zh-Hans; Path={ROOT}/;" in answer.headers["set-cookie"]
    assert ">所有模块</a>" in client.get(f"{ROOT}/guide/").text
