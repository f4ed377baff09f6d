"""Tokens of ServiceAccounts: `kubectl create token`, what they grant, and when they end."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.workshop.lab.api.conftest import Run, kubectl, lab, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab
from workshop.lab.identity.account_tokens import AUDIENCE, AccountTokens, Bound
from workshop.lab.kinds import built_in
from workshop.lab.rbac.defaults import grant
from workshop.lab.store import Store

ACCOUNT = built_in("ServiceAccount")


@pytest.fixture
def store() -> Store:
    made = Store()
    made.create(ACCOUNT, {"metadata": {"name": "pipeline", "namespace": "dev"}})
    return made


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def test_a_token_is_its_accounts_user_and_survives_a_restart(store: Store, tmp_path: Path) -> None:
    tokens = AccountTokens(store, tmp_path / "key")
    token = tokens.issue("dev", "pipeline", seconds=600)
    for one in (tokens, AccountTokens(store, tmp_path / "key")):
        found = one.find(token)
        assert found is not None
        user, audiences = found
        assert user.name == "system:serviceaccount:dev:pipeline"
        assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:dev", "system:authenticated")
        assert audiences == (AUDIENCE,)
    assert AccountTokens(store, tmp_path / "other").find(token) is None
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


def test_its_claims_are_those_of_kubernetes(store: Store, tmp_path: Path) -> None:
    said = claims(AccountTokens(store, tmp_path / "key").issue("dev", "pipeline", seconds=600, audiences=["a", "b"]))
    assert (said["sub"], said["aud"], said["exp"] - said["iat"]) == (
        "system:serviceaccount:dev:pipeline",
        ["a", "b"],
        600,
    )
    assert said["kubernetes.io"]["namespace"] == "dev"
    assert said["kubernetes.io"]["serviceaccount"]["uid"] == store.record(ACCOUNT, "dev", "pipeline").uid


def test_a_token_ends_with_its_time(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = AccountTokens(store, tmp_path / "key")
    token = tokens.issue("dev", "pipeline", seconds=600)
    assert tokens.find(token)
    later = time.time() + 601
    monkeypatch.setattr(time, "time", lambda: later)
    assert tokens.find(token) is None


def test_a_token_ends_with_its_account(store: Store, tmp_path: Path) -> None:
    tokens = AccountTokens(store, tmp_path / "key")
    token = tokens.issue("dev", "pipeline", seconds=600)
    assert tokens.find(token)
    store.delete(ACCOUNT, "dev", "pipeline")
    assert tokens.find(token) is None
    store.create(ACCOUNT, {"metadata": {"name": "pipeline", "namespace": "dev"}})
    assert tokens.find(token) is None, "the new account has another uid"


def test_a_token_that_is_bound_to_a_pod_ends_with_it(store: Store, tmp_path: Path) -> None:
    pod = store.create(built_in("Pod"), {"metadata": {"name": "p", "namespace": "dev"}})
    tokens = AccountTokens(store, tmp_path / "key")
    token = tokens.issue("dev", "pipeline", seconds=600, bound=Bound("Pod", "p", pod["metadata"]["uid"]))
    found = tokens.find(token)
    assert found is not None and found[0].extra["authentication.kubernetes.io/pod-name"] == ("p",)
    store.delete(built_in("Pod"), "dev", "p")
    assert tokens.find(token) is None


def test_a_token_for_another_audience_is_none_for_the_api_server(store: Store, tmp_path: Path) -> None:
    tokens = AccountTokens(store, tmp_path / "key")
    token = tokens.issue("dev", "pipeline", seconds=600, audiences=["vault"])
    assert tokens.find(token) is None
    found = tokens.find(token, ["vault", "other"])
    assert found is not None and found[1] == ("vault",)


@pytest.mark.parametrize("change", [lambda t: t[:-4] + "AAAA", lambda t: t.split(".")[0] + ".e30.x", lambda t: "a.b.c"])
def test_a_changed_token_is_none(store: Store, tmp_path: Path, change: Any) -> None:
    tokens = AccountTokens(store, tmp_path / "key")
    assert tokens.find(change(tokens.issue("dev", "pipeline", seconds=600))) is None


# -- with kubectl ------------------------------------------------------------------------------------------------------


def test_kubectl_creates_a_token_with_the_accounts_rights(lab: Lab, namespace: str, kubectl: Run) -> None:  # noqa: F811
    assert kubectl("create", "serviceaccount", "robot").returncode == 0
    token = kubectl("create", "token", "robot", "--duration=20m").stdout.strip()
    assert claims(token)["exp"] - claims(token)["iat"] == 1200
    pods = f"/api/v1/namespaces/{namespace}/pods"
    headers = {"Authorization": f"Bearer {token}"}
    code, said = lab.ask("GET", pods, headers=headers)
    assert (code, f'User "system:serviceaccount:{namespace}:robot" cannot list' in said["message"]) == (403, True)
    view = grant("view", namespace, "view", f"system:serviceaccount:{namespace}:robot")
    lab.call(lab.store.create, built_in("RoleBinding"), view)
    assert lab.ask("GET", pods, headers=headers)[0] == 200
    assert kubectl("delete", "serviceaccount", "robot").returncode == 0
    assert lab.ask("GET", pods, headers=headers)[0] == 401


def test_a_token_review_says_whose_a_token_is(lab: Lab, namespace: str, kubectl: Run) -> None:  # noqa: F811
    assert kubectl("create", "serviceaccount", "robot").returncode == 0
    token = kubectl("create", "token", "robot", "--audience=vault").stdout.strip()
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    code, answer = lab.ask("POST", path, {"spec": {"token": token, "audiences": ["vault"]}})
    assert (code, answer["status"]["authenticated"], answer["status"]["audiences"]) == (201, True, ["vault"])
    assert answer["status"]["user"]["username"] == f"system:serviceaccount:{namespace}:robot"
    for spec in ({"token": token}, {"token": "wrong"}):
        status = lab.ask("POST", path, {"spec": spec})[1]["status"]
        assert (status.get("authenticated"), status["error"]) == (None, "invalid bearer token")
    assert lab.ask("POST", path, {"spec": {"token": lab.token}})[1]["status"]["user"]["username"] == "user1"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody",), 'serviceaccounts "nobody" not found'),
        (("robot", "--duration=5m"), "may not specify a duration less than 10 minutes"),
        (("robot", "--bound-object-kind=Pod", "--bound-object-name=gone"), 'pods "gone" not found'),
        (("robot", "--bound-object-kind=Secret", "--bound-object-name=gone"), 'secrets "gone" not found'),
    ],
)
def test_a_token_that_cannot_be_had_says_why(namespace: str, kubectl: Run, words: tuple[str, ...], said: str) -> None:  # noqa: F811
    kubectl("create", "serviceaccount", "robot")
    refused = kubectl("create", "token", *words)
    assert refused.returncode == 1 and said in refused.stderr, refused.stderr
