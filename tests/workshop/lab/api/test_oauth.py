"""The login with a user name and a password, as `oc login -u NAME -p PASSWORD` does it."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import urllib3

from tests.workshop.lab.serving import Lab

VERIFIER = "a-random-text-of-the-client"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def ask(lab: Lab, method: str, path: str, headers: dict[str, str] | None = None, body: str = "") -> Any:
    """A request without a token; redirects are not followed."""
    pool = urllib3.PoolManager(ca_certs=str(lab.state.tls / "ca.crt"))
    return pool.request(method, lab.server.url + path, headers=headers or {}, body=body or None, redirect=False)


def authorize(lab: Lab, password: str, *, csrf: str = "1", name: str = "bea", **changed: str) -> Any:
    query = {
        "client_id": "openshift-challenging-client",
        "redirect_uri": f"{lab.server.url}/oauth/token/implicit",
        "response_type": "code",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changed,
    }
    word = base64.b64encode(f"{name}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {word}", **({"X-CSRF-Token": csrf} if csrf else {})}
    return ask(lab, "GET", f"/oauth/authorize?{urlencode(query)}", headers)


def redeem(lab: Lab, code: str, verifier: str = VERIFIER) -> Any:
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return ask(lab, "POST", "/oauth/token", headers, urlencode(form))


def code_of(answer: Any) -> str:
    return parse_qs(urlsplit(str(answer.headers["Location"])).query)["code"][0]


def test_the_metadata_names_the_servers_own_addresses(lab: Lab) -> None:
    found = ask(lab, "GET", "/.well-known/oauth-authorization-server").json()
    assert found["issuer"] == lab.server.url
    assert found["authorization_endpoint"] == f"{lab.server.url}/oauth/authorize"
    assert "S256" in found["code_challenge_methods_supported"]


def test_a_password_gives_a_code_and_the_code_a_token(lab: Lab) -> None:
    answer = authorize(lab, lab.plain_token)
    assert answer.status == 302
    granted = redeem(lab, code_of(answer)).json()
    assert (granted["access_token"], granted["token_type"]) == (lab.plain_token, "Bearer")


def test_a_code_is_used_once_and_by_who_asked_for_it(lab: Lab) -> None:
    code = code_of(authorize(lab, lab.plain_token))
    assert redeem(lab, code, "another text").json()["error"] == "invalid_grant"
    assert redeem(lab, code).json()["error"] == "invalid_grant", "a wrong proof uses the code up"
    again = code_of(authorize(lab, lab.plain_token))
    assert redeem(lab, again).status == 200
    assert redeem(lab, again).json()["error"] == "invalid_grant"


def test_a_token_comes_in_the_fragment(lab: Lab) -> None:
    target = urlsplit(authorize(lab, lab.plain_token, response_type="token").headers["Location"])
    assert parse_qs(target.fragment)["access_token"] == [lab.plain_token] and not target.query


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_is_challenged(lab: Lab, password: str) -> None:
    answer = authorize(lab, password)
    assert answer.status == 401 and answer.headers["WWW-Authenticate"] == 'Basic realm="openshift"'


def test_a_password_of_somebody_else_is_refused(lab: Lab) -> None:
    assert authorize(lab, lab.plain_token, name="user1").status == 401


def test_a_page_cannot_ask_for_a_challenge(lab: Lab) -> None:
    answer = authorize(lab, lab.plain_token, csrf="")
    assert answer.status == 401 and "X-CSRF-Token" in answer.headers["Warning"]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"redirect_uri": "https://elsewhere.example/"}, "invalid_request"),
        ({"client_id": "openshift-browser-client"}, "unauthorized_client"),
    ],
)
def test_a_token_goes_to_no_other_address(lab: Lab, changed: dict[str, str], error: str) -> None:
    answer = authorize(lab, lab.plain_token, **changed)
    assert answer.status == 400 and answer.json()["error"] == error


def test_only_a_get_asks_for_a_login(lab: Lab) -> None:
    assert ask(lab, "POST", "/oauth/authorize").status == 405
