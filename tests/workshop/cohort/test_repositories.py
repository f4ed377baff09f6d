"""Accounts, repositories and webhooks on the room's Git server: made once, kept, and removed with the cohort."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.kit import serving
from tests.workshop.cohort.conftest import Cohort
from tests.workshop.cohort.gitea import StandIn
from tests.workshop.lab.serving import Lab
from workshop.cli import main
from workshop.cluster.config import Config
from workshop.cluster.forwarding import forwarded
from workshop.cohort import repositories
from workshop.cohort.gitserver import GitRefused, GitServer, basic
from workshop.errors import SetupError
from workshop.manifests.objects import Object

REAL = os.environ.get("WORKSHOP_TEST_GITEA", "")
NAMES = ["zoe", "s1"]


async def remove(server: GitServer, cohort: str = "room") -> list[str]:
    """Remove a cohort's accounts; their names."""
    names = await repositories.accounts(server, cohort)
    await repositories.remove(server, names)
    return names


Secrets = dict[str, dict[str, Object]]


class Server:
    """A Git server and a small kit. `do` calls something with a client that is logged in as the administrator."""

    def __init__(self, url: str, password: str, kit: Path, standin: StandIn | None = None) -> None:
        self.url, self.password, self.kit, self.standin = url, password, kit, standin

    def do(self, action: Callable[[GitServer], Awaitable[Any]]) -> Any:
        async def inside() -> Any:
            async with GitServer(self.url, self.password) as server:
                return await action(server)

        return asyncio.run(inside())

    def provision(self, secrets: Secrets, cohort: str = "room") -> int:
        """The number of changes."""

        async def run(server: GitServer) -> int:
            await repositories.refuse_foreign(server, cohort, list(secrets))
            return await repositories.provision(server, self.kit, cohort, list(secrets), secrets, lambda *_: None)

        return int(self.do(run))

    def ask(self, path: str, user: str = "", password: str = "") -> Any:
        """What the API answers to the administrator, or to a user."""
        return self.do(lambda server: server.ask("GET", path, authorization=basic(user, password) if user else ""))

    def hooks(self, name: str) -> list[dict[str, Any]]:
        return sorted(self.ask(f"/repos/{name}/mlops-workshop/hooks"), key=lambda one: str(one["config"]["url"]))

    def clone(self, name: str, password: str, folder: Path) -> Path:
        """A clone with the participant's own password."""
        header = f"http.extraHeader=Authorization: {basic(name, password)}"
        url = f"{self.url}/{name}/mlops-workshop.git"
        subprocess.run(["git", "-c", header, "clone", "-q", url, str(folder)], check=True)
        subprocess.run(["git", "-C", str(folder), "config", *header.split("=", 1)], check=True)
        return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    kit = tmp_path / "kit"
    kit.mkdir()
    (kit / "README.md").write_text("the kit\n")
    for words in (["init", "-q", "-b", "work"], ["add", "-A"], ["commit", "-q", "-m", "One"],
                  ["commit", "-q", "--allow-empty", "-m", "Two"]):  # fmt: skip
        subprocess.run(["git", *words], cwd=kit, check=True)
    if REAL:
        made = Server(REAL, os.environ["WORKSHOP_TEST_GITEA_PASSWORD"], kit)
        yield made
        made.password = os.environ["WORKSHOP_TEST_GITEA_PASSWORD"]
        for cohort in ("room", "other"):
            made.do(partial(remove, cohort=cohort))
        return
    standin = StandIn(tmp_path / "repositories")
    with serving(standin.app) as url:
        yield Server(url, standin.password, kit, standin)


def secrets_of(*names: str, word: str = "word") -> Secrets:
    """What provisioning has put into the cluster: a password and a secret for webhooks."""

    def secret(**values: str) -> Object:
        return {"data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}}

    return {
        name: {
            "git-login": secret(password=f"{name}-{word}-of-forty-digits"),
            "github-webhook": secret(secret=f"{name}-{word}"),
            "production-webhook": secret(secret=f"{name}-{word}-production"),
        }
        for name in names
    }


def password(secrets: Secrets, name: str) -> str:
    return base64.b64decode(secrets[name]["git-login"]["data"]["password"]).decode()


def test_each_participant_gets_an_account_a_private_repository_and_two_webhooks(server: Server, tmp_path: Path) -> None:
    secrets = secrets_of(*NAMES)
    assert server.provision(secrets) == 2 * 5
    assert server.ask("/repos/zoe/mlops-workshop")["private"]
    urls = [hook["config"]["url"].partition("?")[0] for hook in server.hooks("zoe")]
    assert urls == [
        "http://el-github.zoe-dev.svc.cluster.local:8080/",
        "http://el-production.zoe-production.svc.cluster.local:8080/",
    ]
    assert all(hook["active"] and hook["events"] == ["push"] for hook in server.hooks("zoe"))
    clone = server.clone("zoe", password(secrets, "zoe"), tmp_path / "clone")
    log = ["git", "-C", str(clone), "log", "--format=%s by %an", "origin/main"]
    assert subprocess.check_output(log, text=True) == "Start with the workshop's kit by MLOps workshop\n"
    assert (clone / "README.md").read_text() == "the kit\n"


def test_a_participant_reads_no_other_repository(server: Server) -> None:
    secrets = secrets_of(*NAMES)
    server.provision(secrets)
    url = f"{server.url}/zoe/mlops-workshop.git"
    for header in (["-c", f"http.extraHeader=Authorization: {basic('s1', password(secrets, 's1'))}"], []):
        done = subprocess.run(
            ["git", *header, "ls-remote", url], env={**os.environ, "GIT_TERMINAL_PROMPT": "0"}, capture_output=True
        )
        assert done.returncode != 0


def test_the_second_run_changes_nothing_and_no_token_stays(server: Server) -> None:
    server.provision(secrets_of(*NAMES))
    assert server.provision(secrets_of(*NAMES)) == 0
    left = server.ask("/users/mlops-workshop/tokens", "mlops-workshop", server.password)
    assert [one["name"] for one in left if not one["name"].startswith("provision-")] == []
    assert len(left) == 1, "that of this request"


def test_an_interrupted_run_is_continued(server: Server, tmp_path: Path) -> None:
    secrets = secrets_of("zoe")

    async def begin(one: GitServer) -> None:
        account = {"username": "zoe", "email": "room+zoe@mlops-workshop.invalid", "must_change_password": False}
        await one.ask("POST", "/admin/users", {**account, "password": password(secrets, "zoe")})
        repository = {"name": "mlops-workshop", "private": True, "default_branch": "main"}
        await one.ask("POST", "/admin/users/zoe/repos", repository)

    server.do(begin)
    assert server.provision(secrets) == 3, "the push and two webhooks"
    assert server.clone("zoe", password(secrets, "zoe"), tmp_path / "clone").exists()


def test_a_busy_server_is_asked_again(server: Server) -> None:
    if server.standin is not None:
        server.standin.locked = 4
    assert server.provision(secrets_of("zoe")) > 0
    assert server.provision(secrets_of("zoe")) == 0 and len(server.hooks("zoe")) == 2


def test_new_secrets_of_the_cluster_replace_the_old_ones(server: Server, tmp_path: Path) -> None:
    server.provision(secrets_of("zoe"))
    before = [hook["config"]["url"] for hook in server.hooks("zoe")]
    again = secrets_of("zoe", word="changed")
    assert server.provision(again) == 3
    after = [hook["config"]["url"] for hook in server.hooks("zoe")]
    assert len(after) == 2 and not set(before) & set(after)
    assert server.clone("zoe", password(again, "zoe"), tmp_path / "clone").exists()
    assert server.provision(again) == 0


def test_a_repository_with_work_in_it_stays_as_it_is(server: Server, tmp_path: Path) -> None:
    secrets = secrets_of("zoe")
    server.provision(secrets)
    clone = server.clone("zoe", password(secrets, "zoe"), tmp_path / "clone")
    (clone / "mine.txt").write_text("mine")
    for words in (["add", "-A"], ["commit", "-q", "-m", "Mine"], ["push", "-q", "origin", "main"]):
        subprocess.run(["git", "-C", str(clone), *words], check=True)
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "Newer kit"], cwd=server.kit, check=True)
    assert server.provision(secrets) == 0
    again = server.clone("zoe", password(secrets, "zoe"), tmp_path / "again")
    assert (again / "mine.txt").exists()


def test_an_account_of_somebody_else_stops_everything(server: Server) -> None:
    server.provision(secrets_of("zoe"), cohort="other")
    with pytest.raises(SetupError, match="accounts that are not of the cohort room: zoe; nothing was written"):
        server.provision(secrets_of("s1", "zoe"))
    assert server.do(lambda one: one.find("/repos/s1/mlops-workshop")) is None


def test_a_cohort_is_removed_and_the_others_stay(server: Server) -> None:
    server.provision(secrets_of(*NAMES))
    server.provision(secrets_of("tom"), cohort="other")

    assert sorted(server.do(remove)) == sorted(NAMES)
    assert server.do(remove) == []
    assert server.do(lambda one: one.find("/repos/zoe/mlops-workshop")) is None
    assert server.ask("/repos/tom/mlops-workshop")["private"]


def test_a_wrong_password_of_the_administrator_names_its_secret(server: Server) -> None:
    server.password = "wrong"
    with pytest.raises(SetupError, match=r"the password of Secret git-server in mlops-workshop: 40[13]"):
        server.ask("/user")


def test_a_refused_request_shows_the_servers_message(server: Server) -> None:
    server.provision(secrets_of("zoe"))
    account = {"username": "zoe", "email": "x@y.invalid", "password": "a-password", "must_change_password": False}
    with pytest.raises(GitRefused, match=r"422 .*already exists"):
        server.do(lambda one: one.ask("POST", "/admin/users", account))


@pytest.fixture
def installed(lab: Lab, server: Server) -> Iterator[Server]:
    """The Secret that `workshop cluster install` makes."""
    namespaces = "/api/v1/namespaces"
    lab.ask("POST", namespaces, {"metadata": {"name": "mlops-workshop"}})
    data = {"ADMIN_PASSWORD": base64.b64encode(server.password.encode()).decode()}
    lab.ask("POST", f"{namespaces}/mlops-workshop/secrets", {"metadata": {"name": "git-server"}, "data": data})
    yield server
    lab.ask("DELETE", f"{namespaces}/mlops-workshop/secrets/git-server")


def test_the_commands_make_and_remove_the_accounts(
    cohort: Cohort, lab: Lab, installed: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ["--git-server", installed.url]
    code, events = cohort("provision", "--users", "2", *where)
    assert code == 0 and events[-1]["git"] == 2 * 5
    code, events = cohort("provision", *where)
    assert code == 0 and (events[-1]["written"], events[-1]["git"]) == (0, 0)
    secret = lab.ask("GET", "/api/v1/namespaces/s2-dev/secrets/git-login")[1]["data"]["password"]
    clone = installed.clone("s2", base64.b64decode(secret).decode(), tmp_path / "clone")
    assert (clone / "model" / "usecase.yaml").exists()
    code, events = cohort("provision", "--users", "1", "--prune", "--yes", *where)
    assert code == 0 and installed.do(lambda one: repositories.accounts(one, "room")) == ["s1"]
    code, events = cohort("teardown", "--yes", *where)
    assert code == 0 and events[-1]["left"] == []
    assert installed.do(lambda one: repositories.accounts(one, "room")) == []


def test_without_a_git_server_of_the_kit_the_rest_is_provisioned(cohort: Cohort) -> None:
    code, events = cohort("provision", "--users", "1")
    assert code == 0 and events[-1]["git"] is None


def test_a_git_server_that_does_not_answer_stops_the_command_before_it_writes(
    lab: Lab, installed: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--kubeconfig", str(lab.state.kubeconfig), "--sheet", str(tmp_path / "sheet")]
    words = ["cohort", "provision", "--users", "1", "--prefix", "s", *common, "--git-server", "http://127.0.0.1:1"]
    assert main(words) == 3
    assert "the Git server at http://127.0.0.1:1 does not answer" in capsys.readouterr().err
    assert lab.ask("GET", "/api/v1/namespaces/s1-dev")[0] == 404


def test_a_service_that_cannot_be_reached_is_named_with_kubectls_message(lab: Lab) -> None:
    async def reach() -> None:
        config = Config(server="", context="", path=lab.state.kubeconfig)
        async with forwarded(config, "default", "nothing", 3000):
            pass

    with pytest.raises(SetupError, match=r"Service nothing in default cannot be reached .*not found"):
        asyncio.run(reach())
