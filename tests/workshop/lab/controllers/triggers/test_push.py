"""Pushes and requests start the kit's pipelines: real git, the Git server, the listeners of dev and production."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from delivery import asking
from delivery.errors import DeliveryError

from tests.kit import until
from tests.workshop.lab.controllers.triggers.conftest import NAMESPACE, PRODUCTION, PRODUCTION_SECRET, SECRET, Bench
from workshop.lab.git.payload import payload
from workshop.lab.git.pushes import Change
from workshop.lab.git.server import GitServer, Owner
from workshop.lab.kinds import Kinds
from workshop.lab.paths import LabPaths
from workshop.manifests.objects import Object
from workshop.participants.names import LAB_PARTICIPANT

KIT = Path(__file__).resolve().parents[5]
FOLDERS = {NAMESPACE: KIT / "tekton/base/triggers", PRODUCTION: KIT / "tekton/production/triggers"}


def manifests() -> Iterator[Object]:
    for namespace, folder in FOLDERS.items():
        listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
        assert sorted(listed) == sorted(p.name for p in folder.glob("*.yaml") if p.name != "kustomization.yaml")
        for name in listed:
            obj = yaml.safe_load((folder / name).read_text())
            assert Path(name).stem in (obj["metadata"]["name"], f"{obj['kind'].lower()}-{obj['metadata']['name']}")
            obj["metadata"]["namespace"] = namespace
            yield obj


class Repository:
    """A bare repository of the lab and a clone of it, with deliveries to the bench's listener."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench, self.work = bench, folder / "work"
        state = LabPaths(folder / "state")
        state.make()
        state.git.mkdir()
        self.work.mkdir()
        self.bare = state.git / "mlops-workshop.git"
        self.git("init", "-q", "-b", "main")
        self.commit("README.md")
        self.git("clone", "-q", "--bare", str(self.work), str(self.bare))
        server = GitServer(
            bench.store, state.git, "http://127.0.0.1:1", [Owner(LAB_PARTICIPANT, state.git, "token")], dict(os.environ)
        )
        self._running = asyncio.run_coroutine_threadsafe(server.run(), bench.loop)
        until(lambda: (self.bare / "hooks" / "post-receive").exists())

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.work, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, *names: str, message: str = "Change it") -> str:
        for name in names:
            (self.work / name).parent.mkdir(exist_ok=True)
            (self.work / name).write_text(str(time.time_ns()))
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def push(self, *refs: str) -> list[Object]:
        """Push, wait until the push is dealt with, and return the PipelineRuns that triggers have made."""
        self.git("push", "-q", str(self.bare), *refs)
        until(lambda: not list((self.bare / "lab-pushes").glob("*")))
        return self.bench.made("PipelineRun")

    def stop(self) -> None:
        self._running.cancel()


@pytest.fixture
def repository(bench: Bench, tmp_path: Path) -> Iterator[Repository]:
    for obj in manifests():
        bench.put(obj)
    made = Repository(bench, tmp_path)
    yield made
    made.stop()


def test_a_push_to_main_trains_what_was_pushed(repository: Repository) -> None:
    sha = repository.commit("model.py")
    (run,) = repository.push("main")
    assert run["metadata"]["name"].startswith("train-and-stage-")
    assert run["metadata"]["namespace"] == NAMESPACE
    assert run["spec"]["pipelineRef"] == {"name": "train-and-stage"}
    assert run["spec"]["params"] == [{"name": "revision", "value": sha}]
    assert run["spec"]["taskRunTemplate"] == {"serviceAccountName": "pipeline"}
    assert run["metadata"]["annotations"]["mlops-workshop/pusher"] == "user1"
    assert run["metadata"]["labels"]["triggers.tekton.dev/trigger"] == "push"


def test_a_push_of_nothing_but_data_trains_again_on_it(repository: Repository) -> None:
    repository.commit("data/month-08.csv.dvc", ".gitignore")
    sha = repository.commit("data/month-09.csv.dvc")
    (run,) = repository.push("main")
    assert run["metadata"]["name"].startswith("retrain-") and run["spec"]["pipelineRef"] == {"name": "retrain"}
    assert values(run) == {"revision": sha}
    assert run["metadata"]["labels"]["app.kubernetes.io/name"] == "retrain"


@pytest.mark.parametrize(
    "commits",
    [[("data/month-08.csv.dvc", "params.yaml")], [("data/month-08.csv.dvc",), ("model.py",)], [(".gitignore",)]],
)
def test_a_push_of_code_or_of_no_data_trains_what_was_pushed(
    repository: Repository, commits: list[tuple[str, ...]]
) -> None:
    for names in commits:
        repository.commit(*names)
    (run,) = repository.push("main")
    assert run["spec"]["pipelineRef"] == {"name": "train-and-stage"}


def test_the_commit_of_a_pipeline_starts_no_other_pipeline(repository: Repository) -> None:
    repository.commit("data/month-08.csv.dvc", message="Train on 1-7, test on 8\n\n[skip ci]")
    assert repository.push("main") == []
    repository.commit("model.py")
    assert len(repository.push("main")) == 1


def test_a_version_tag_promotes(repository: Repository) -> None:
    sha = repository.commit("model.py")
    repository.git("tag", "-a", "v1.0", "-m", "Release")
    (run,) = repository.push("v1.0")
    assert (run["metadata"]["namespace"], run["spec"]["pipelineRef"]) == (PRODUCTION, {"name": "promote"})
    assert run["spec"]["taskRunTemplate"] == {"serviceAccountName": "pipeline"}
    assert values(run) == {"usecase": "model"} and not run["spec"].get("workspaces"), "it takes nothing from the commit"
    about = run["metadata"]["annotations"]
    assert (about["mlops-workshop/ref"], about["mlops-workshop/commit"]) == ("refs/tags/v1.0", sha)


@pytest.mark.parametrize(
    ("tag", "usecase"),
    [
        ("workshop/usecases/fuel/v1", "workshop/usecases/fuel"),
        ("model/v2.0-rc.1", "model"),
        ("vehicles/v1", "vehicles"),
        ("v/v1", "v"),
    ],
)
def test_the_folder_in_a_version_tag_is_that_of_the_use_case(repository: Repository, tag: str, usecase: str) -> None:
    repository.git("tag", tag)
    (run,) = repository.push(tag)
    assert run["spec"]["pipelineRef"] == {"name": "promote"} and values(run) == {"usecase": usecase}
    assert run["metadata"]["annotations"]["mlops-workshop/ref"] == f"refs/tags/{tag}"


def test_other_branches_and_tags_start_nothing(repository: Repository) -> None:
    repository.commit("model.py")
    others = ("nightly", "workshop/usecases/fuel/nightly", "v1/nightly", "a.b/v1")
    for tag in others:
        repository.git("tag", tag)
    assert repository.push("main:experiment", *others) == []


def test_a_deleted_tag_starts_nothing(repository: Repository) -> None:
    repository.commit("model.py")
    repository.git("tag", "v2")
    assert len(repository.push("v2")) == 1
    assert len(repository.push(":v2")) == 1


def test_a_forged_push_starts_nothing_and_its_warning_has_no_secret(bench: Bench, repository: Repository) -> None:
    head = repository.git("rev-parse", "HEAD")
    change = Change("refs/heads/main", "0" * 40, head)
    body = asyncio.run(payload(repository.bare, "http://127.0.0.1:1/mlops-workshop", "eve", change, dict(os.environ)))
    answer = bench.push(f"/{NAMESPACE}/github", body, secret=b"guessed")
    assert answer.status == 202
    assert bench.made("PipelineRun") == []
    warnings = [event for event in bench.events() if event["type"] == "Warning"]
    assert {event["involvedObject"]["name"] for event in warnings} == {"github"}
    assert all("payload signature check failed" in event["message"] for event in warnings)
    assert "not-to-be-seen" not in str(bench.events())


def gitea(ref: str) -> dict[str, object]:
    """What Gitea sends for a push, as far as the Triggers read it: an account has `login` and no `name`."""
    who = {
        "id": 2,
        "login": "user1",
        "login_name": "",
        "full_name": "",
        "email": "user1@x.invalid",
        "username": "user1",
    }
    commit = {"id": "ab" * 20, "message": "Change", "author": {"name": "user1", "username": "user1"}}
    event: dict[str, object] = {
        "ref": ref,
        "before": "0" * 40,
        "after": "ab" * 20,
        "commits": [],
        "head_commit": commit,
    }
    return {**event, "pusher": who, "sender": who}


@pytest.mark.parametrize(
    ("ref", "listener", "secret", "pipeline"),
    [
        ("refs/heads/main", f"/{NAMESPACE}/github", SECRET, "train-and-stage"),
        ("refs/tags/v1", f"/{PRODUCTION}/production", PRODUCTION_SECRET, "promote"),
    ],
)
def test_a_push_to_gitea_starts_the_pipeline(
    repository: Repository, ref: str, listener: str, secret: bytes, pipeline: str
) -> None:
    repository.bench.push(listener, gitea(ref), secret=secret)
    (run,) = repository.bench.made("PipelineRun")
    assert run["spec"]["pipelineRef"] == {"name": pipeline}
    assert run["metadata"]["annotations"]["mlops-workshop/pusher"] == "user1"


@pytest.mark.parametrize(("total", "pipeline"), [(1, "retrain"), (30, "train-and-stage")])
def test_commits_that_gitea_leaves_out_of_a_long_push_may_have_changed_code(
    repository: Repository, total: int, pipeline: str
) -> None:
    commit = {"id": "ab" * 20, "added": ["model/data/flights-2013-08.csv.dvc"], "modified": [], "removed": []}
    event = {**gitea("refs/heads/main"), "commits": [commit], "total_commits": total}
    repository.bench.push(f"/{NAMESPACE}/github", event, secret=SECRET)
    (run,) = repository.bench.made("PipelineRun")
    assert run["spec"]["pipelineRef"] == {"name": pipeline}


def test_the_secret_for_pushes_to_dev_starts_nothing_in_production(repository: Repository) -> None:
    repository.bench.push(f"/{PRODUCTION}/production", gitea("refs/tags/v1"), secret=SECRET)
    assert repository.bench.made("PipelineRun") == []


@pytest.fixture
def production(bench: Bench) -> Bench:
    for obj in manifests():
        if obj["metadata"]["namespace"] == PRODUCTION:
            bench.put(obj)
    return bench


def asked(bench: Bench, kind: str, **more: str) -> Object:
    """The one run that a request has started; its event is that of the answer."""
    event = asking.ask(f"{bench.url}/{PRODUCTION}/production", PRODUCTION_SECRET.decode(), kind, by="user1", **more)
    (run,) = bench.made("PipelineRun")
    assert run["metadata"]["namespace"] == PRODUCTION
    assert run["metadata"]["labels"][asking.EVENT_LABEL] == event
    return run


def values(run: Object) -> dict[str, str]:
    return {one["name"]: one["value"] for one in run["spec"].get("params") or []}


def test_a_request_for_a_promotion_starts_the_same_run_as_a_tag(production: Bench) -> None:
    run = asked(production, "promote")
    assert run["spec"]["pipelineRef"] == {"name": "promote"} and values(run) == {"usecase": "model"}
    about = run["metadata"]["annotations"]
    assert (about["mlops-workshop/asked-by"], about["mlops-workshop/pusher"]) == ("user1", "")


def test_a_request_may_name_another_use_case_of_the_toolbox_image(production: Bench) -> None:
    run = asked(production, "promote", usecase="workshop/usecases/another")
    assert values(run) == {"usecase": "workshop/usecases/another"}


def test_a_request_for_a_test_names_the_image_and_its_version(production: Bench) -> None:
    image = "registry:5000/user1-dev/flight-delay@sha256:12ab"
    run = asked(production, "ab-test", version="4", image=image)
    assert run["spec"]["pipelineRef"] == {"name": "experiment"}
    assert values(run) == {"usecase": "model", "kind": "ab-test", "model-version": "4", "image": image}


def test_a_rollback_keeps_the_words_of_its_reason(production: Bench) -> None:
    because = 'it is "slow": 5 % \\ more, größer als $(params.by)'
    run = asked(production, "rollback", version="3", because=because)
    assert run["spec"]["pipelineRef"] == {"name": "rollback"}
    assert values(run) == {"usecase": "model", "wanted": "3", "because": because, "by": "user1"}


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "promote", "by": ['", "spec": {}'], "version": "", "image": "", "because": ""},
        {"kind": "rollback", "by": "user1", "version": "3\n", "image": "", "because": ""},
        {"kind": "rollback", "by": "user1", "version": "", "image": "", "because": {'},{"name"': "x"}},
        {"kind": "ab-test", "by": "user1", "version": "4", "image": "$(params.kind)", "because": ""},
        {"kind": "delete", "by": "user1", "version": "", "image": "", "because": ""},
        {"kind": "promote"},
    ],
)
def test_what_is_no_text_of_the_expected_form_starts_nothing(production: Bench, body: Object) -> None:
    assert production.push(f"/{PRODUCTION}/production", body, event=asking.EVENT).status == 202
    assert production.made("PipelineRun") == []


def test_a_request_without_the_secret_starts_nothing(production: Bench) -> None:
    asking.ask(f"{production.url}/{PRODUCTION}/production", "guessed", "promote", by="user1")
    assert production.made("PipelineRun") == []


def test_a_listener_that_does_not_answer_is_an_error_with_its_address() -> None:
    with pytest.raises(DeliveryError, match=r"production.s EventListener at http://127\.0\.0\.1:1/x does not answer"):
        asking.ask("http://127.0.0.1:1/x", "secret", "promote", by="user1")


def test_the_listener_needs_no_more_kinds_than_the_lab_serves() -> None:
    for obj in manifests():
        assert Kinds().of(obj["apiVersion"], obj["kind"]) is not None
