"""The check of module 8 on a cluster: the image is in the registry, there is no buildah. The lab's runs end to end."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.workshop.checks.test_git import clone  # noqa: F401
from tests.workshop.checks.test_m01 import Objects
from workshop.checks import CheckContext
from workshop.checks.git import git
from workshop.checks.m08 import COMMIT, check, reset
from workshop.participants.names import Participant

DIGEST = "sha256:" + "9f" * 32
SERVES = {"Env": ["MODEL_NAME=FlightDelay"], "Cmd": ["/bin/sh", "-c", "/usr/libexec/s2i/run"]}


class Registry(Objects):
    """A cluster's objects, which can be deleted."""

    def delete(self, kind: str, namespace: str, name: str, *, missing_ok: bool = False) -> None:
        del self.held[kind, namespace, name]


@pytest.fixture
def participant(clone: CheckContext, tmp_path: Path) -> CheckContext:  # noqa: F811
    """On a cluster: a terminal with git and without buildah."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(str(shutil.which("git")))
    env = {**os.environ, "PATH": str(tmp_path / "bin")}
    return replace(clone, cluster=Registry(), values=Participant("user1").variables({}), env=env)


def _built(context: CheckContext, commit: str, **config: Any) -> Registry:
    objects = context.cluster
    assert isinstance(objects, Registry)
    objects.put(
        "PipelineRun",
        "user1-dev",
        "build-a",
        spec={"pipelineRef": {"name": "build"}},
        status={
            "conditions": [{"type": "Succeeded", "status": "True"}],
            "results": [{"name": "commit", "value": commit}, {"name": "image-digest", "value": DIGEST}],
        },
    )
    image = {"dockerImageMetadata": {"Config": {"Labels": {COMMIT: commit}, **SERVES, **config}}}
    objects.put("ImageStreamTag", "user1-dev", f"flight-delay:{commit}", image=image)
    return objects


def _said(context: CheckContext) -> list[tuple[bool, str]]:
    return [(finding.ok, finding.reason) for finding in check(context)]


def test_without_an_image_the_next_command_is_one_that_a_cluster_has(participant: CheckContext) -> None:
    first, *_ = check(participant)
    assert not first.ok and first.hint == "workshop run tekton/runs/build.yaml -p revision=mine"


def test_an_image_of_a_commit_of_mine_in_the_registry_is_enough(participant: CheckContext) -> None:
    _built(participant, git(participant, "rev-parse", "mine"))
    assert [ok for ok, _ in _said(participant)] == [True, True, True]


def test_an_image_of_the_kit_as_it_was_found_is_not_mine(participant: CheckContext) -> None:
    _built(participant, git(participant, "rev-parse", "main"))
    assert [ok for ok, _ in _said(participant)] == [True, False, True]


def test_an_image_that_starts_something_else_is_seen(participant: CheckContext) -> None:
    _built(participant, git(participant, "rev-parse", "mine"), Cmd=["/bin/sh", "-c", "/usr/libexec/s2i/usage"])
    assert [ok for ok, _ in _said(participant)] == [True, True, False]


def test_a_reset_takes_run_and_tag_and_leaves_what_staging_serves(participant: CheckContext) -> None:
    commit = git(participant, "rev-parse", "mine")
    objects = _built(participant, commit)
    assert reset(participant, objects) == ["deleted the run build-a"]
    assert objects.held == {}
    container = {"name": "flight-delay", "image": f"registry/user1-dev/flight-delay@{DIGEST}"}
    predictor = {"name": "main", "componentSpecs": [{"spec": {"containers": [container]}}]}
    _built(participant, commit)
    objects.put(
        "SeldonDeployment", "user1-staging", "flight-delay",
        spec={"predictors": [predictor]}, status={"state": "Available"},
    )  # fmt: skip
    reset(participant, objects)
    assert ("ImageStreamTag", "user1-dev", f"flight-delay:{commit}") in objects.held
    assert not check(participant)[0].ok
