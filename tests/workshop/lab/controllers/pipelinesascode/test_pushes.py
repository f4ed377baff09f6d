"""Pushes and merge requests of a repository with a folder `.tekton/`, up to the PipelineRuns and what they report."""

from __future__ import annotations

import base64
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.workshop.lab.controllers.pipelinesascode.conftest import CONSOLE, NAMESPACE, TOKEN, URL, Bench
from workshop.lab.api_errors import ApiError
from workshop.lab.controllers.pipelinesascode.inheritance import inherited
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object, annotations_of, labels_of

KIT = Path(__file__).resolve().parents[5]
P = "pipelinesascode.tekton.dev/"
TASK = (
    "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: hello}\nspec: {steps: [{image: busybox, script: echo}]}\n"
)


def pipeline_run(name: str = "check", event: str = "push", more: str = "", params: str = "") -> str:
    return f"""
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  name: {name}
  annotations:
    {P}on-event: "[{event}]"
    {P}on-target-branch: "[main]"
    {more}
spec:
  params:
    - {{name: revision, value: "{{{{ revision }}}}"}}
    {params}
  pipelineSpec:
    params: [{{name: revision}}]
    tasks: [{{name: hello, taskRef: {{name: hello}}}}]
  workspaces: [{{name: basic-auth, secret: {{secretName: "{{{{ git_auth_secret }}}}"}}}}]
"""


def folder(**runs: str) -> dict[str, str]:
    return {".tekton/tasks/hello.yaml": TASK, **{f".tekton/{name}.yaml": text for name, text in runs.items()}}


def values(run: Object) -> dict[str, Any]:
    return {one["name"]: one["value"] for one in run["spec"]["params"]}


def test_a_push_runs_the_folder_and_reports_beside_the_commit(bench: Bench) -> None:
    bench.apply()
    sha = bench.commit("Use .tekton", **folder(check=pipeline_run()))
    (run,) = bench.push("main")
    assert run["metadata"]["namespace"] == NAMESPACE
    assert run["metadata"]["name"].startswith("check-")
    assert values(run) == {"revision": sha}
    assert run["spec"]["pipelineSpec"]["tasks"][0]["taskSpec"]["steps"][0]["image"] == "busybox"
    labels, annotations = labels_of(run), annotations_of(run)
    assert labels["app.kubernetes.io/managed-by"] == "pipelinesascode.tekton.dev"
    assert (labels[P + "sha"], labels[P + "state"], labels[P + "event-type"]) == (sha, "started", "push")
    assert (annotations[P + "sha-title"], annotations[P + "branch"]) == ("Use .tekton", "refs/heads/main")
    page = f"{CONSOLE}/runs/{NAMESPACE}/{run['metadata']['name']}"
    assert annotations[P + "log-url"] == page
    (status,) = bench.statuses(sha)
    assert (status.context, status.state, status.target_url) == ("Pipelines as Code CI / check", "pending", page)
    bench.end(run)
    assert [one.state for one in bench.statuses(sha)] == ["success"]
    (noted,) = bench.repository()["pipelinerun_status"]
    assert (noted["pipelineRunName"], noted["sha"], noted["target_branch"], noted["logurl"]) == (
        run["metadata"]["name"], sha, "main", page,
    )  # fmt: skip
    assert noted["conditions"][0]["reason"] == "Succeeded"


def test_the_secret_for_git_has_the_token_and_goes_with_the_run(bench: Bench) -> None:
    bench.apply()
    bench.commit(**folder(check=pipeline_run()))
    (run,) = bench.push("main")
    name = run["spec"]["workspaces"][0]["secret"]["secretName"]
    secret = bench.store.get(built_in("Secret"), NAMESPACE, name)
    decoded = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert decoded["git-provider-token"] == TOKEN
    assert decoded[".git-credentials"] == f"http://git:{TOKEN}@127.0.0.1:3000/mlops-workshop"
    assert TOKEN not in str(run)
    bench.store.delete(built_in("PipelineRun"), NAMESPACE, run["metadata"]["name"])
    assert bench.store.find(built_in("Secret"), NAMESPACE, name) is None


def test_a_failed_run_is_a_failure_of_the_commit(bench: Bench) -> None:
    bench.apply()
    sha = bench.commit(**folder(check=pipeline_run()))
    (run,) = bench.push("main")
    bench.end(run, "False", "Failed")
    (status,) = bench.statuses(sha)
    assert (status.state, status.description) == ("failure", f"{run['metadata']['name']}: Failed. Tasks Completed: 1")


def test_without_a_repository_object_or_a_match_nothing_runs(bench: Bench) -> None:
    bench.commit(**folder(check=pipeline_run()))
    assert bench.push("main") == []
    bench.apply()
    bench.commit()
    assert bench.push("main:other") == []
    bench.commit("Fix a word [skip ci]")
    assert bench.push("main") == []
    bench.commit(**{".tekton/check.yaml": pipeline_run(event="pull_request")})
    assert bench.push("main") == []


def test_a_repository_object_of_another_participant_gets_no_events(bench: Bench) -> None:
    bench.apply(namespace="user2-dev")
    sha = bench.commit(**folder(check=pipeline_run()))
    assert bench.push("main") == []
    assert bench.statuses(sha) == [] and bench.warnings() == []


def test_a_task_of_the_repository_is_read_at_the_commit(bench: Bench) -> None:
    bench.apply()
    text = pipeline_run(more=f"{P}task: tekton/tasks/hello.yaml")
    bench.commit(**{".tekton/check.yaml": text, "tekton/tasks/hello.yaml": TASK.replace("busybox", "alpine")})
    (run,) = bench.push("main")
    assert run["spec"]["pipelineSpec"]["tasks"][0]["taskSpec"]["steps"][0]["image"] == "alpine"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"check": "a: [\n"}, "error unmarshalling yaml file .tekton/check.yaml"),
        ({"check": pipeline_run(params="- {name: a, value: {{ revision }}}")}, "Pipelines as Code"),
        ({"check": pipeline_run().replace("{name: hello}", "{name: missing}")}, "cannot find referenced task missing"),
        ({"check": pipeline_run(more=f"{P}task: tasks/none.yaml")}, 'error getting remote task "tasks/none.yaml"'),
        ({"check": pipeline_run(more=f"{P}on-cel-expression: nothing == 1")}, "check failed"),
        ({"check": pipeline_run().replace("pipelineSpec:", "pipelineSpecs:")}, "unknown field"),
    ],
)
def test_what_is_wrong_is_a_failure_of_the_commit_and_an_event(
    bench: Bench, files: dict[str, str], message: str
) -> None:
    bench.apply()
    sha = bench.commit(**folder(**files))
    assert bench.push("main") == []
    (status,) = bench.statuses(sha)
    assert status.state == "failure" and message in status.description
    assert any(message in one for one in bench.warnings())


def test_params_of_the_repository_and_the_default_branch_as_source(bench: Bench) -> None:
    secret = {"metadata": {"name": "login", "namespace": NAMESPACE}, "data": {"key": base64.b64encode(b"s3").decode()}}
    bench.store.create(built_in("Secret"), secret)
    bench.apply(
        params=[{"name": "place", "value": "staging"}, {"name": "pass", "secret_ref": {"name": "login", "key": "key"}}],
        settings={"pipelinerun_provenance": "default_branch"},
    )
    text = pipeline_run(params='- {name: place, value: "{{ place }} {{ pass }}"}').replace("[main]", "[main, other]")
    bench.commit(**folder(check=text))
    (first,) = bench.push("main")
    assert values(first)["place"] == "staging s3"
    bench.git("checkout", "-q", "-b", "other")
    bench.commit(**{".tekton/check.yaml": ""})
    assert len(bench.push("other")) == 2, "the file of the default branch runs"


def test_runs_beyond_max_keep_runs_are_deleted_and_five_are_noted(bench: Bench) -> None:
    bench.apply()
    bench.commit(**folder(check=pipeline_run(more=f'{P}max-keep-runs: "2"')))
    for second in range(7):
        run = bench.push("main")[-1]
        bench.end(run, at=f"2026-01-05T10:00:0{second}Z")
        bench.commit()
    assert len(bench.runs()) == 2
    assert len(bench.repository()["pipelinerun_status"]) == 5


def test_a_newer_run_cancels_an_older_one(bench: Bench) -> None:
    bench.apply()
    bench.commit(**folder(check=pipeline_run(more=f'{P}cancel-in-progress: "true"')))
    bench.push("main")
    bench.commit()
    bench.push("main")
    by_state = sorted(str(one["spec"].get("status")) for one in bench.runs())
    assert by_state == ["CancelledRunFinally", "None"]


def test_a_limit_lets_runs_wait(bench: Bench) -> None:
    bench.apply(concurrency_limit=1)
    sha = bench.commit(**folder(a=pipeline_run("a"), b=pipeline_run("b")))
    one, two = bench.push("main")
    assert {one["spec"]["status"], two["spec"]["status"]} == {"PipelineRunPending"}
    assert {status.state for status in bench.statuses(sha)} == {"pending"}
    bench.watch(one)
    going = [run for run in bench.runs() if "status" not in run["spec"]]
    assert len(going) == 1
    bench.watch(going[0])
    assert (
        labels_of(bench.store.get(built_in("PipelineRun"), NAMESPACE, going[0]["metadata"]["name"]))[P + "state"]
        == "started"
    )
    bench.end(going[0])
    assert [run for run in bench.runs() if run["spec"].get("status")] == []


@pytest.mark.parametrize(
    "spec",
    [
        {"url": "ftp://x/y"},
        {"git_provider": {"type": "gitlab"}},
        {"settings": {"ai": {"enabled": True}}},
        {"settings": {"gitops_command_prefix": "pac"}},
        {"concurrency_limit": 0},
        {"unknown": 1},
        {"settings": {"pipelinerun_provenance": "fork"}},
    ],
)
def test_a_repository_that_a_cluster_or_the_lab_does_not_support_is_refused(bench: Bench, spec: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match=next(iter(spec))):
        bench.apply(**spec)


def test_the_token_of_the_repository_goes_before_that_of_the_participant(bench: Bench) -> None:
    secret = {
        "metadata": {"name": "bot", "namespace": NAMESPACE},
        "data": {"provider.token": base64.b64encode(b"b").decode()},
    }
    bench.store.create(built_in("Secret"), secret)
    bench.apply(git_provider={"type": "gitea", "url": URL, "secret": {"name": "bot"}})
    bench.commit(**folder(check=pipeline_run()))
    (run,) = bench.push("main")
    name = annotations_of(run)[P + "git-auth-secret"]
    made = bench.store.get(built_in("Secret"), NAMESPACE, name)
    assert base64.b64decode(made["data"]["git-provider-token"]) == b"b"


def test_a_repository_inherits_from_the_global_one(bench: Bench) -> None:
    data = {"provider.token": base64.b64encode(b"general").decode()}
    for name in (NAMESPACE, "openshift-pipelines"):
        bench.store.create(built_in("Secret"), {"metadata": {"name": "bot", "namespace": name}, "data": data})
        data = {"provider.token": base64.b64encode(b"of the cluster").decode()}
    bench.apply(
        "pipelines-as-code",
        "openshift-pipelines",
        url="https://global.example",
        concurrency_limit=1,
        params=[{"name": "room", "value": "B12"}],
        git_provider={"type": "forgejo", "secret": {"name": "bot"}},
        settings={"pipelinerun_provenance": "default_branch"},
    )
    bench.apply(git_provider={"type": "gitea"}, concurrency_limit=2)
    bench.commit(**folder(check=pipeline_run(params='- {name: room, value: "{{ room }}"}')))
    (run,) = bench.push("main")
    assert values(run)["room"] == "B12"
    made = bench.store.get(built_in("Secret"), NAMESPACE, annotations_of(run)[P + "git-auth-secret"])
    assert base64.b64decode(made["data"]["git-provider-token"]) == b"of%20the%20cluster"
    spec = bench.lookups.spec(bench.repository())
    assert (spec["concurrency_limit"], spec.get("settings")) == (2, None), "own values first; settings need some"
    assert bench.repository()["spec"].get("params") is None, "the stored object stays as it was"


@pytest.mark.parametrize(
    ("own", "general", "expected"),
    [
        ({"type": "gitea"}, {"type": "gitlab", "url": "https://g"}, {"type": "gitea"}),
        ({"url": "https://a"}, {"type": "forgejo", "url": "https://g"}, {"type": "forgejo", "url": "https://a"}),
    ],
)
def test_git_provider_is_inherited_for_the_same_type_of_server(
    own: dict[str, str], general: dict[str, str], expected: dict[str, str]
) -> None:
    assert inherited({"git_provider": own}, {"git_provider": general})["git_provider"] == expected


def request(bench: Bench, **files: str) -> tuple[str, list[Object]]:
    """A merge request of the branch more-trees with one commit."""
    bench.git("checkout", "-q", "-b", "more-trees")
    sha = bench.commit("Use more trees", **(files or {"params.yaml": "trees: 2"}))
    return sha, bench.push("-o", "merge_request.create", "more-trees")


def test_a_push_option_opens_a_merge_request_that_runs_the_folder(bench: Bench) -> None:
    bench.apply()
    number = '- {name: number, value: "{{ pull_request_number }} {{ source_branch }} {{ event_type }}"}'
    bench.commit(**folder(check=pipeline_run(event="pull_request", params=number)))
    bench.push("main")
    sha, (run,) = request(bench)
    assert values(run) == {"revision": sha, "number": "1 more-trees pull_request"}
    (made,) = bench.requests()
    assert (made.number, made.title, made.source, made.target, made.head, made.state) == (
        1, "Use more trees", "more-trees", "main", sha, "open",
    )  # fmt: skip
    assert [one.context for one in bench.statuses(sha)] == ["Pipelines as Code CI / check"]


def test_a_merge_request_follows_its_branch_and_is_merged_by_a_push_of_its_commits(bench: Bench) -> None:
    bench.apply()
    bench.commit(**folder(check=pipeline_run(event="pull_request", more=f'{P}cancel-in-progress: "true"')))
    bench.push("main")
    request(bench)
    second = bench.commit("More")
    assert len(bench.push("-o", "merge_request.create", "more-trees")) == 2
    (made,) = bench.requests()
    assert (made.head, made.state) == (second, "open")
    bench.git("checkout", "-q", "main")
    bench.git("merge", "-q", "--no-ff", "-m", "Merge", "more-trees")
    runs = bench.push("main")
    assert [one.state for one in bench.requests()] == ["merged"]
    assert {run["spec"].get("status") for run in runs} == {"CancelledRunFinally"}, "closing cancels what runs"


def test_deleting_the_branch_closes_a_merge_request(bench: Bench) -> None:
    request(bench)
    bench.push("--delete", "more-trees")
    assert [one.state for one in bench.requests()] == ["closed"]


def test_options_name_the_target_the_title_and_the_description(bench: Bench) -> None:
    bench.push("main:release")
    bench.git("checkout", "-q", "-b", "topic")
    bench.commit()
    options = ("create", "target=release", "title=A title = 1", "description=Why")
    bench.push(*(word for one in options for word in ("-o", f"merge_request.{one}")), "topic")
    (made,) = bench.requests()
    assert (made.target, made.title, made.body) == ("release", "A title = 1", "Why")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["merge_request.create", "merge_request.target=none"], "merge_request.target=none: there is no such branch"),
        (["merge_request.creat"], "the push option merge_request.creat does not exist here; allowed: merge_request.c"),
        (["$(touch x)'"], "the push option $(touch x)' does not exist here"),
    ],
)
def test_the_pusher_sees_why_a_push_option_is_refused_and_what_is_allowed(
    bench: Bench, options: list[str], message: str
) -> None:
    bench.git("checkout", "-q", "-b", "topic")
    bench.commit()
    with pytest.raises(subprocess.CalledProcessError) as refused:
        bench.push(*(word for one in options for word in ("-o", one)), "topic")
    assert f"remote: error: {message}" in refused.value.stderr
    assert re.search(r"allowed: (main|merge_request\.create, merge_request\.target)", refused.value.stderr)
    # Pushed again with a right option, the same commit opens the merge request.
    bench.push("-o", "merge_request.create", "topic")
    assert [one.source for one in bench.requests()] == ["topic"]


def test_the_kits_own_folder_checks_a_merge_request_and_starts_nothing_for_a_push(bench: Bench) -> None:
    bench.apply()
    tasks = [f"tekton/base/tasks/{name}/{name}.yaml" for name in ("fetch-source", "check-merge-request")]
    bench.commit(**{name: (KIT / name).read_text() for name in (".tekton/merge-request.yaml", *tasks)})
    assert bench.push("main") == []
    bench.git("checkout", "-q", "-b", "docs")
    bench.commit(**{"README.md": "more"})
    assert bench.push("-o", "merge_request.create", "docs") == []
    bench.git("checkout", "-q", "-b", "more-trees", "main")
    sha = bench.commit(**{"workshop/usecases/fuel/params.yaml": "trees: 2"})
    (run,) = bench.push("-o", "merge_request.create", "more-trees")
    fetch, check = run["spec"]["pipelineSpec"]["tasks"]
    assert fetch["params"] == [{"name": "revision", "value": sha}]
    assert {one["name"]: one["value"] for one in check["params"]} == {"number": "2", "target": "origin/main"}
    assert [step["name"] for step in check["taskSpec"]["steps"]] == ["check", "post"]


def test_paths_of_a_merge_request_are_those_since_it_left_the_target(bench: Bench) -> None:
    bench.apply()
    run = pipeline_run(event="pull_request", more=f'{P}on-path-change: "docs/**"')
    bench.commit(**folder(check=run))
    bench.push("main")
    bench.git("checkout", "-q", "-b", "topic")
    bench.commit(**{"model/a.py": "a"})
    bench.git("checkout", "-q", "main")
    bench.commit(**{"docs/b.md": "b"})
    bench.push("main")
    bench.git("checkout", "-q", "topic")
    assert bench.push("-o", "merge_request.create", "topic") == []
    bench.commit(**{"docs/c.md": "c"})
    assert len(bench.push("topic")) == 1


def test_the_example_of_the_readme_runs_the_tasks_of_the_commit(bench: Bench) -> None:
    page = (KIT / "tekton/README.md").read_text()
    (example,) = (one for one in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "on-target-branch" in one)
    tasks = [f"tekton/base/tasks/{name}/{name}.yaml" for name in ("fetch-source", "fetch-data", "test-code")]
    bench.apply()
    bench.commit(**{".tekton/check.yaml": example, **{one: (KIT / one).read_text() for one in tasks}})
    bench.push("main")
    sha, (run,) = request(bench)
    assert [status.state for status in bench.statuses(sha)] == ["pending"]
    inlined = run["spec"]["pipelineSpec"]["tasks"]
    assert [one["taskSpec"]["metadata"]["labels"]["app.kubernetes.io/name"] for one in inlined] == [
        "fetch-source", "fetch-data", "test-code",
    ]  # fmt: skip
    assert inlined[0]["params"] == [{"name": "revision", "value": sha}]


def test_a_repository_that_git_cannot_configure_does_not_stop_the_others(bench: Bench) -> None:
    broken = bench.bare.with_name("broken.git")
    broken.mkdir()
    (broken / "HEAD").write_text("no repository")
    bench.git("checkout", "-q", "-b", "topic")
    bench.commit()
    bench.push("-o", "merge_request.create", "topic")
    assert len(bench.requests()) == 1
