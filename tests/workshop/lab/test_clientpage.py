"""The client page on the gateway: its files with a strict policy, and the API's paths unchanged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from workshop.lab.clientpage import HEADERS
from workshop.lab.gateway import build
from workshop.lab.paths import KIT
from workshop.lab.routes import Routes, client_path

PAGE, FORM = KIT / "seldon/client/page", KIT / "seldon/client/form"
URL = client_path("user1-production") + "/"


@pytest.fixture
def gateway() -> TestClient:
    return TestClient(build(Routes()), base_url="http://127.0.0.1")


@pytest.mark.parametrize("name", ["", *sorted(file.name for file in PAGE.iterdir())])
def test_every_file_comes_with_the_policy(gateway: TestClient, name: str) -> None:
    answer = gateway.get(URL + name)
    assert answer.status_code == 200
    assert answer.content == (PAGE / (name or "index.html")).read_bytes()
    assert {header: answer.headers.get(header) for header in HEADERS} == HEADERS


def test_a_file_that_the_browser_has_is_not_sent_again(gateway: TestClient) -> None:
    tag = gateway.get(URL + "main.js").headers["etag"]
    assert gateway.get(URL + "main.js", headers={"if-none-match": tag}).status_code == 304


def test_the_address_without_a_slash_leads_to_the_page(gateway: TestClient) -> None:
    answer = gateway.get(URL.rstrip("/"), follow_redirects=False)
    assert answer.headers["location"] == URL


def test_any_deployment_has_a_form_once_it_is_there() -> None:
    routes = Routes()
    gateway = TestClient(build(routes), base_url="http://127.0.0.1")
    url = "/seldon/user1-production/other/client/"
    answer = gateway.get(url)
    assert answer.status_code == 404 and "no SeldonDeployment other" in answer.text
    routes.set("user1-production", "other", ())
    assert gateway.get(url).content == (FORM / "index.html").read_bytes()
    assert gateway.get(url + "client.css").content == (PAGE / "client.css").read_bytes()
    assert gateway.get(url + "page.json").status_code == 404
    assert gateway.get(url + "../../page.json").status_code == 404


def test_the_words_of_the_form_are_in_the_folder_of_the_use_case() -> None:
    routes = Routes()
    routes.set("user1-production", "fuel-consumption", ())
    gateway = TestClient(build(routes), base_url="http://127.0.0.1")
    url = client_path("user1-production", "fuel-consumption") + "/"
    assert gateway.get(url + "page.json").json()["title"] == "How much fuel does it consume?"
    assert gateway.get(url).content == (FORM / "index.html").read_bytes()
    assert gateway.get(URL + "page.json").status_code == 404


@pytest.mark.parametrize("path", ["../nginx.conf", "..%2fnginx.conf", "%2e%2e/nginx.conf", "none.js"])
def test_nothing_but_the_page_is_within_reach(gateway: TestClient, path: str) -> None:
    assert gateway.get(URL + path).status_code == 404


@pytest.mark.parametrize("folder", [PAGE, FORM], ids=["page", "form"])
def test_the_page_itself_states_the_policy_too(folder: Path) -> None:
    """For a server that does not send the header. frame-ancestors works in headers only."""
    stated = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', (folder / "index.html").read_text())
    header = HEADERS["Content-Security-Policy"].replace("frame-ancestors 'none'; ", "")
    assert stated and stated[1] == header


def test_the_page_loads_nothing_from_another_origin() -> None:
    for file in (*PAGE.iterdir(), *FORM.iterdir()):
        found = re.findall(r"(?:https?:)?//[a-z][\w.-]+", file.read_text().replace("http://www.w3.org/", ""))
        assert not found, (file.name, found)


def test_the_page_is_small() -> None:
    assert sum(file.stat().st_size for file in Path(PAGE).iterdir()) < 80_000, "bytes of all files, not compressed"
