"""Several participants in one lab: their files, tokens and components are their own, the rest is shared."""

from __future__ import annotations

from pathlib import Path

import pytest

from workshop.errors import SetupError, UsageError
from workshop.lab import process_environment
from workshop.lab.build import build_lab
from workshop.lab.components import COMPONENTS
from workshop.lab.endpoints import endpoints
from workshop.lab.lab import Lab
from workshop.lab.parts import Part
from workshop.lab.paths import KIT, LabPaths
from workshop.lab.ports import personal, preferred
from workshop.lab.rbac.attributes import Attributes
from workshop.lab.room import Room, choose, numbered, refuse_participants
from workshop.lab.seed import seed_cluster, seed_participant
from workshop.lab.store import Store
from workshop.lab.target import current_target
from workshop.participants.names import Participant
from workshop.participants.objects import FOLDER, Template


def made(folder: Path, room: Room) -> Lab:
    paths = LabPaths(folder)
    paths.make()
    wanted = preferred(COMPONENTS) | personal(COMPONENTS, room.participants[1:])
    ports = {name: 20000 + at for at, name in enumerate(sorted(wanted))}
    return build_lab(paths, Store(), "first-token", ports, COMPONENTS, room)


def test_a_lab_has_one_participant_and_keeps_a_larger_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = LabPaths(tmp_path)
    assert choose(paths).participants == (Participant("user1"),)
    monkeypatch.setenv("WORKSHOP_USERS", "3")
    assert [one.name for one in choose(paths).participants] == ["user1", "user2", "user3"]
    monkeypatch.delenv("WORKSHOP_USERS")
    assert len(choose(paths).participants) == 3
    monkeypatch.setenv("WORKSHOP_USERS", "1")
    assert choose(paths) == Room(numbered(1), ("user2", "user3"))


@pytest.mark.parametrize("count", [0, -1, 41])
def test_a_number_that_a_lab_cannot_have_is_an_error(count: int) -> None:
    with pytest.raises(UsageError, match="1 to 40 participants"):
        numbered(count)


def test_the_first_participant_has_the_files_of_a_lab_of_one(tmp_path: Path) -> None:
    one, several = LabPaths(tmp_path), made(tmp_path, Room(numbered(2))).views[0].paths
    for name in ("kubeconfig", "token", "home", "dvc_remote", "components"):
        assert getattr(several, name) == getattr(one, name)


def test_participants_share_no_file_no_token_and_no_personal_component(tmp_path: Path) -> None:
    first, second = made(tmp_path, Room(numbered(2))).views
    for name in ("kubeconfig", "token", "home", "dvc_remote", "components"):
        assert getattr(second.paths, name).is_relative_to(tmp_path / "participants" / "user2")
    assert first.token != second.token == second.paths.token.read_text().strip()
    assert second.paths.token.stat().st_mode & 0o777 == 0o600
    assert first.url("mlflow") != second.url("mlflow") and first.url("prometheus") == second.url("prometheus")
    tokens = [first.identities.users.token(name) for name in ("user1", "user2")]
    assert len(set(tokens)) == 2


def test_a_component_that_starts_is_not_taken_for_that_of_the_first_participant(tmp_path: Path) -> None:
    first, second = made(tmp_path, Room(numbered(2))).views
    first.show(Part("mlflow", "ready", first.url("mlflow")))
    first.show(Part("prometheus", "ready", first.url("prometheus")))
    assert second.component_url("mlflow") is None and second.component_url("prometheus") == first.url("prometheus")
    second.show(Part("mlflow", "ready", second.url("mlflow")))
    assert endpoints(first)["mlflow"] == first.url("mlflow") and endpoints(second)["mlflow"] == second.url("mlflow")


def test_who_is_left_out_loses_access(tmp_path: Path) -> None:
    users = made(tmp_path, Room(numbered(2))).identities.users
    users.save()
    token = users.token("user2")
    again = made(tmp_path, Room(numbered(1), ("user2",))).identities.users
    assert users.find(token) is not None and again.find(token) is None


VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
RESOURCES = [
    ("", "pods"),
    ("", "pods/log"),
    ("", "secrets"),
    ("", "configmaps"),
    ("", "serviceaccounts/token"),
    ("", "persistentvolumeclaims"),
    ("build.openshift.io", "builds"),
    ("machinelearning.seldon.io", "seldondeployments"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("route.openshift.io", "routes"),
    ("tekton.dev", "pipelineruns"),
    ("tekton.dev", "taskruns"),
    ("triggers.tekton.dev", "eventlisteners"),
]


def test_roles_give_a_participant_nothing_of_another_and_no_change_of_production(tmp_path: Path) -> None:
    lab = made(tmp_path, Room(numbered(2)))
    template = Template.build(KIT / FOLDER)
    seed_cluster(lab.store)
    for view in lab.views:
        seed_participant(view, template.objects_of(view.participant))
    first, second = lab.views

    def allowed(who: Lab, verb: str, resource: tuple[str, str], namespace: str) -> bool:
        return lab.policy.decide(who.user, Attributes(verb, *resource, namespace)).allowed

    for who, other in ((first, second), (second, first)):
        own, theirs = who.participant, other.participant
        got = [
            (verb, resource[1], namespace)
            for namespace in theirs.namespaces
            for resource in RESOURCES
            for verb in VERBS
            if allowed(who, verb, resource, namespace)
        ]
        assert got == []
        changes = [
            (verb, resource[1])
            for resource in RESOURCES
            for verb in ("create", "update", "patch", "delete")
            if allowed(who, verb, resource, own.namespace("production"))
        ]
        assert changes == []
        assert allowed(who, "create", ("tekton.dev", "pipelineruns"), own.namespace("dev"))
        assert allowed(who, "list", ("tekton.dev", "pipelineruns"), own.namespace("production"))
        assert not who.sees(theirs.namespace("dev")) and who.sees(own.namespace("dev"))
    assert lab.instructors[0].sees("user2-production")
    assert not allowed(lab.instructors[0], "list", ("tekton.dev", "pipelineruns"), "user1-dev")


def test_commands_work_for_the_participant_of_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSHOP_STATE", str(tmp_path))
    monkeypatch.setenv("WORKSHOP_USERS", "2")
    choose(LabPaths(tmp_path))
    monkeypatch.setenv("WORKSHOP_USER", "user2")
    assert current_target().namespace("staging") == "user2-staging"
    monkeypatch.setenv("WORKSHOP_USER", "../user2")
    with pytest.raises(SetupError, match=r"no participant '../user2'; it has user1, user2"):
        current_target()


def test_the_programs_of_a_participant_get_their_files_and_their_name(tmp_path: Path) -> None:
    second = LabPaths(tmp_path).of("user2")
    env = process_environment.base(second)
    own = tmp_path / "participants" / "user2"
    assert (env["WORKSHOP_USER"], env["WORKSHOP_STATE"]) == ("user2", str(tmp_path))
    assert (env["HOME"], env["KUBECONFIG"]) == (str(own / "home"), str(own / "kubeconfig"))


def test_two_labs_of_a_machine_share_no_temporary_files_of_tests(tmp_path: Path) -> None:
    person = numbered(1)[0]
    roots = []
    for name in ("one", "other"):
        paths = LabPaths(tmp_path / name)
        paths.make()
        env = process_environment.participant(paths, person, {}, COMPONENTS, "")
        roots.append(Path(env["PYTEST_DEBUG_TEMPROOT"]))
    assert all(root.is_dir() and tmp_path in root.parents for root in roots) and roots[0] != roots[1]


def test_a_participants_terminal_does_not_stop_the_lab_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = LabPaths(tmp_path)
    monkeypatch.setenv("WORKSHOP_USER", "user1")
    refuse_participants(paths, "down")
    monkeypatch.setenv("WORKSHOP_USERS", "2")
    choose(paths)
    with pytest.raises(UsageError, match="this terminal is user1's"):
        refuse_participants(paths, "down")
