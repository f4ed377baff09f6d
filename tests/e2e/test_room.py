"""A lab of two participants, as an instructor starts it: links, isolation by the API, a rehearsal, the status."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Lab, new_lab
from workshop.lab.paths import LabPaths

MODULE = "02"
"""The cheapest module: a notebook and answers, with the data of the participant's own DVC remote."""


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = new_lab(tmp_path_factory.mktemp("room") / "lab")
    try:
        made.workshop("up", "--users", "2", "-o", "json")
        yield made
    finally:
        made.workshop("down", check=False)
        for process in made.processes():
            process.kill()


def as_participant(room: Lab, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A command in the terminal of a participant."""
    return Lab(room.state, {**room.env, "WORKSHOP_USER": name}).workshop("shell", "--", *words, check=False)


def test_each_link_opens_the_pages_of_its_participant(room: Lab) -> None:
    links = {
        one["name"]: one["link"] for one in map(json.loads, room.workshop("links", "-o", "json").stdout.splitlines())
    }
    assert list(links) == ["user1", "user2", "instructor"]
    assert LabPaths(room.state).of("user2").token.stat().st_mode & 0o777 == 0o600

    def page(name: str, path: str = "/") -> str:
        console, _, token = links[name].partition("/#token=")
        request = urllib.request.Request(console + path, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())

    assert "user2-production" in page("user2") and "user1-production" not in page("user2")
    assert "The room" in page("instructor", "/board")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        page("user2", "/board")
    sheet = LabPaths(room.state).handout / "participants.html"
    assert sheet.stat().st_mode & 0o777 == 0o600
    assert links["user2"] in sheet.read_text() and links["instructor"] not in sheet.read_text()


def test_a_participant_can_change_their_own_namespace_and_no_other(room: Lab) -> None:
    assert as_participant(room, "user2", "oc", "create", "configmap", "mine").returncode == 0
    refused = as_participant(room, "user2", "oc", "get", "configmaps", "-n", "user1-dev")
    assert refused.returncode != 0 and "forbidden" in refused.stderr.lower()
    assert as_participant(room, "user1", "oc", "get", "configmap", "mine", "-n", "user1-dev").returncode != 0


def test_each_participant_has_an_mlflow_that_refuses_the_token_of_another(room: Lab) -> None:
    addresses = {}
    for name in ("user1", "user2"):
        addresses[name] = as_participant(room, name, "printenv", "MLFLOW_TRACKING_URI").stdout.strip()
    assert addresses["user1"] != addresses["user2"]

    def asks(name: str, server: str) -> int:
        token = LabPaths(room.state).of(name).token.read_text().strip()
        url = f"{addresses[server]}/api/2.0/mlflow/experiments/get?experiment_id=1"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as e:
            return e.code

    assert [asks("user1", "user1"), asks("user2", "user2")] == [200, 200]
    assert [asks("user1", "user2"), asks("user2", "user1")] == [401, 401]


def test_pushes_go_to_the_participants_own_repository(room: Lab) -> None:
    """Their clone, their token, their webhook's Secret; the token of another participant does not open it."""
    pushed = as_participant(room, "user2", "git", "push", "origin", "HEAD:refs/heads/mine")
    assert pushed.returncode == 0, pushed.stderr
    url = as_participant(room, "user2", "git", "remote", "get-url", "origin").stdout.strip()
    assert url.endswith("/user2/mlops-workshop.git")
    token = (room.state / "token").read_text().strip()
    other = url.replace("http://", f"http://user1:{token}@")
    helper = ("-c", "credential.helper=", "-c", f"credential.{url.partition('/user2')[0]}.helper=")
    assert as_participant(room, "user2", "git", *helper, "push", other, "HEAD:refs/heads/theirs").returncode != 0
    assert "mine" in as_participant(room, "user2", "git", "ls-remote", "origin").stdout
    assert "mine" not in as_participant(room, "user1", "git", "ls-remote", "origin").stdout


def test_a_rehearsal_walks_all_participants_at_once_and_the_board_follows(room: Lab) -> None:
    done = room.workshop("cohort", "rehearse", "--modules", "2", "-o", "json", timeout=300)
    *events, last = map(json.loads, done.stdout.splitlines())
    walked = {(one["name"], one["module"]) for one in events}
    assert walked == {(name, module) for name in ("user1", "user2") for module in ("start", MODULE)}
    assert last["failures"] == [] and last["modules"][MODULE]["participants"] == 2
    assert last["memory_bytes"]["peak"] >= last["memory_bytes"]["before"] > 0 and last["cores"] > 0
    rows = status(room)
    assert [(row["name"], row["module"], row["done"]) for row in rows] == [("user1", "03", 1), ("user2", "03", 1)]


def test_a_module_that_fails_is_named_with_its_reason(room: Lab) -> None:
    """Module 7 builds on module 6, which nobody has done."""
    done = room.workshop("cohort", "rehearse", "--users", "1", "--modules", "7", "-o", "json", check=False)
    last = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 5
    (failure,) = last["failures"]
    assert failure["name"] == "user1" and failure["module"] == "07" and "needs" in failure["reason"]


def test_a_request_for_help_is_in_the_status_until_it_is_answered(room: Lab) -> None:
    assert as_participant(room, "user2", "workshop", "help", "5", "-m", "where is August?").returncode == 0
    (asking,) = [row for row in status(room) if row["help"]]
    assert asking["name"] == "user2" and asking["help"]["text"] == "where is August?"
    text = room.workshop("cohort", "status", *admin(room)).stdout
    assert "user2 asks for help with module 05, for 0 min: where is August?" in text
    room.workshop("cohort", "helped", "user2", *admin(room))
    assert next(row for row in status(room) if row["help"])["help"]["helped"] > 0
    again = room.workshop("cohort", "helped", "user2", *admin(room), check=False)
    assert again.returncode == 2 and "user2 does not wait for help" in again.stderr


def test_a_running_lab_is_not_given_another_number_of_participants(room: Lab) -> None:
    done = room.workshop("up", "--users", "3", check=False)
    assert done.returncode == 3 and "the lab runs with 2 participants, not 3" in done.stderr


def admin(room: Lab) -> tuple[str, str]:
    return ("--kubeconfig", str(room.state / "admin.kubeconfig"))


def status(room: Lab) -> list[dict[str, Any]]:
    done = room.workshop("cohort", "status", *admin(room), "-o", "json")
    return [json.loads(line) for line in done.stdout.splitlines()]
