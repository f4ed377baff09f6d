"""`workshop run -p`, and the run that `workshop follow` chooses: that of the push of this commit."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

from workshop.cluster.client import Client
from workshop.commands import follow
from workshop.commands.run import set_params
from workshop.errors import SetupError, UsageError
from workshop.manifests.load import parse

RUN = (
    "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {generateName: x-}\n"
    "spec:\n  params: [{name: a, value: '1'}]\n"
)


def test_a_param_replaces_the_files_and_another_is_added() -> None:
    documents = parse(RUN)
    set_params(documents, ["a=2", "revision=b=c"])
    assert documents[0].object["spec"]["params"] == [{"name": "a", "value": "2"}, {"name": "revision", "value": "b=c"}]


def test_other_objects_of_the_file_get_no_params() -> None:
    documents = parse("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")
    set_params(documents, ["a=2"])
    assert "spec" not in documents[0].object


def test_a_param_without_a_value_is_refused() -> None:
    with pytest.raises(UsageError, match="-p revision: a param is NAME=VALUE"):
        set_params(parse(RUN), ["revision"])


class Runs:
    """A server that lists these runs."""

    def __init__(self, *runs: dict[str, Any]) -> None:
        self.runs = list(runs)

    def list(self, kind: str, namespace: str) -> list[dict[str, Any]]:
        assert (kind, namespace) == ("PipelineRun", "dev")
        return self.runs


def _run(name: str, commit: str, when: int, status: str = "True", pipeline: str = "train-and-stage") -> dict[str, Any]:
    meta = {
        "name": name,
        "creationTimestamp": f"2026-01-01T00:00:{when:02d}Z",
        "annotations": {follow.COMMIT: commit},
    }
    conditions = [{"type": "Succeeded", "status": status}]
    return {"metadata": meta, "spec": {"pipelineRef": {"name": pipeline}}, "status": {"conditions": conditions}}


def _found(runs: Runs) -> str:
    return str(follow._appeared(cast(Client, runs), "dev", "train-and-stage", "c1")["metadata"]["name"])


def test_the_run_of_this_commit_and_pipeline_is_followed() -> None:
    assert (
        _found(Runs(_run("other", "c2", 3), _run("promotes", "c1", 4, pipeline="promote"), _run("mine", "c1", 1)))
        == "mine"
    )


def test_a_run_that_is_not_done_comes_before_a_newer_one_that_is() -> None:
    assert _found(Runs(_run("done", "c1", 9), _run("runs", "c1", 1, "Unknown"))) == "runs"


def test_a_run_is_followed_by_its_name_also_when_it_is_done() -> None:
    asked = _run("promote-x1", "", 1, pipeline="promote")
    by_name = follow._appeared(cast(Client, Runs(asked, _run("other", "c1", 2))), "dev", "promote-x1", "c1")
    assert by_name["metadata"]["name"] == "promote-x1"


def test_a_push_without_a_run_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "APPEARS_SECONDS", 0.0)
    with pytest.raises(SetupError) as message:
        _found(Runs(_run("other", "c2", 3)))
    assert "no push of c1 has started train-and-stage in dev" in str(message.value)
    assert "oc describe eventlistener -n dev" in str(message.value)


def test_a_run_that_production_was_asked_for_is_followed_without_a_commit() -> None:
    def found(pipeline: str, *runs: dict[str, Any]) -> str:
        return str(follow._appeared(cast(Client, Runs(*runs)), "dev", pipeline, "c1")["metadata"]["name"])

    asked = _run("asked", "", 1, "Unknown", "promote")
    assert found("promote", asked, _run("others", "c2", 2, "Unknown", "promote")) == "asked"
    # The one of `workshop lab` has ended long before the tag was pushed.
    assert found("promote", _run("old", "", 1, "True", "promote"), _run("mine", "c1", 2, "True", "promote")) == "mine"
    assert found("experiment", _run("done", "", 1, "True", "experiment")) == "done"


def test_outside_of_a_clone_it_says_where_to_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError, match="is no clone"):
        follow._head()
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    assert len(follow._head()) == 40
