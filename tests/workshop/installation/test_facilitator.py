"""The facilitator's guide: its commands do what it says, and its sizes are those of the table.

They run in the order of the guide, as they are written there, against the lab's API server with the controllers of an
OpenShift. A room of two participants has the place of thirty, and a command that asks gets `--yes`. Nothing runs the
Pods: a Git server of the tests stands in for the installed one, and the test plays Tekton.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit import serving
from tests.workshop.cohort.gitea import ADMINISTRATOR, StandIn
from tests.workshop.cohort.tekton import Tekton
from tests.workshop.installation.openshift import OpenShift
from workshop.cli import main, parser
from workshop.cluster.client import Client
from workshop.installation.table import sizing
from workshop.usecase import KIT

TEXT = (KIT / "workshop/FACILITATOR.md").read_text()


def commands(text: str) -> list[str]:
    """The indented lines that begin with `workshop`."""
    return [line.partition("#")[0].strip() for line in text.splitlines() if line.startswith("    workshop ")]


COMMANDS = commands(TEXT)
ON_A_CLUSTER = commands(TEXT.partition("## A room on a cluster\n")[2].partition("\n## ")[0])
ROWS = re.findall(r"^\| (\d+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) GiB \| ([\d,]+) GiB \|$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_guide_is_understood(command: str) -> None:
    parsed = parser().parse_args(shlex.split(command)[1:])
    assert parsed.verb in ("cluster", "cohort", "links", "rehearse", "up")


ASKING = ("teardown", "uninstall")
USERS = re.compile(r"(--users) \d+")


@pytest.fixture(scope="module")
def openshift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenShift]:
    """A cluster before the day."""
    made = OpenShift(tmp_path_factory.mktemp("lab"))
    yield made
    made.stop()


def words(command: str, git: str) -> list[str]:
    """The command as it runs here; `git` is the address of the Git server."""
    found = shlex.split(USERS.sub(r"\1 2", command))[1:]
    found += ["--git-server", git] if found[:2] in (["cohort", "provision"], ["cohort", "teardown"]) else []
    return found + (["--yes"] if found[1] in ASKING else [])


@contextmanager
def playing(openshift: OpenShift, command: str) -> Iterator[None]:
    """Tekton while first models are brought to production; nothing for the other commands."""
    if "--first-model" not in command:
        yield
        return
    tekton = Tekton(openshift.state.kubeconfig, ["user1", "user2", "ada", "bob"])
    try:
        yield
    finally:
        tekton.stop()


def administrators_password(openshift: OpenShift) -> str:
    """The value that the installation has made."""
    secret = Client.load(openshift.state.kubeconfig).get("Secret", "mlops-workshop", "git-server")
    return base64.b64decode(secret["data"]["ADMIN_PASSWORD"]).decode()


def test_the_commands_of_a_day_do_what_the_guide_says(
    openshift: OpenShift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(openshift.state.kubeconfig))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text("ada\nbob\n")
    said: dict[tuple[str, ...], str] = {}
    git = StandIn(tmp_path / "git")
    with serving(git.app) as url:
        for command in ON_A_CLUSTER:
            with playing(openshift, command):
                code = main(words(command, url))
            shown = capsys.readouterr()
            assert code == 0, f"{command}\n{shown.out}{shown.err}"
            verb = tuple(command.split()[1:3])
            said[verb] = said.get(verb, "") + shown.out
            if command.startswith("workshop cluster install"):
                git.users[ADMINISTRATOR].password = administrators_password(openshift)
    assert "ready: workshop cluster install" in said["cluster", "preflight"]
    assert "waiting" not in said["cluster", "verify"] and "ready" in said["cluster", "verify"]
    assert "2 participants" in said["cohort", "provision"]
    assert "4 participants have a first model in production" in said["cohort", "provision"]
    assert list((tmp_path / "handout-room").iterdir())
    assert "user2" in said["cohort", "status"] and "bob" in said["cohort", "status"]
    assert "nothing of the cohort is left" in said["cohort", "teardown"]
    assert "nothing that the kit installed is left" in said["cluster", "uninstall"]


def test_the_guide_has_the_commands_of_a_whole_day() -> None:
    assert {tuple(command.split()[1:3]) for command in COMMANDS} == {
        ("cluster", "preflight"),
        ("cluster", "install"),
        ("cluster", "verify"),
        ("cluster", "uninstall"),
        ("cohort", "export"),
        ("cohort", "helped"),
        ("cohort", "provision"),
        ("cohort", "rehearse"),
        ("cohort", "status"),
        ("cohort", "teardown"),
        ("links",),
        ("up", "--users"),
    }


def test_the_sizes_are_those_of_the_table() -> None:
    each = sizing().participant
    assert [int(row[0]) for row in ROWS] == [10, 30, 100]
    for row in ROWS:
        count, *shown = (int(cell.replace(",", "")) for cell in row)
        exact = (each.pods, each.cpu, each.memory / 2**30, each.storage / 2**30)
        assert shown == [round(count * one) for one in exact]
