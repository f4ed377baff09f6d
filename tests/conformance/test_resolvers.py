"""Runs get Tasks, Pipelines and StepActions from Git, URLs, hubs, bundles and other namespaces, as on a cluster."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import io
import json
import resource
import subprocess
import tarfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from tests.conformance.harness import Lab, lab
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object, condition

TASK = """
apiVersion: tekton.dev/v1beta1
kind: Task
metadata: {name: say, labels: {team: data}}
spec:
  params: [{name: word, default: hi}]
  steps: [{name: s, image: bash, script: echo $(params.word), resources: {limits: {memory: 64Mi}}}]
"""
PIPELINE = """
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: talk}
spec:
  tasks:
  - {name: a, taskSpec: {steps: [{name: s, image: bash, script: echo a}]}}
"""
ACTION = """
apiVersion: tekton.dev/v1alpha1
kind: StepAction
metadata: {name: act}
spec: {image: bash, script: echo acted}
"""
PACKAGES = "/api/v1/packages/tekton-task"
WRONG = "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: wrong}\nspec: {steps: []}\n"


def _git(folder: Path, *args: str) -> str:
    name = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    return subprocess.run(["git", *name, *args], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "tekton").mkdir(parents=True)
    _git(folder, "init", "-q", "-b", "main")
    for name, text in (("task", TASK), ("pipeline", PIPELINE), ("action", ACTION), ("wrong", WRONG), ("other", "a: b")):
        (folder / "tekton" / f"{name}.yaml").write_text(text)
    (folder / "outside.yaml").symlink_to("/etc/hostname")
    _git(folder, "add", ".")
    _git(folder, "commit", "-q", "-m", "one")
    return folder


def _params(**params: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in params.items()]


def _task_run(run: str, resolver: str, more: Any = None, /, **params: str) -> Object:
    ref = {"resolver": resolver, "params": _params(**params)}
    return {"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": {"name": run},
            "spec": {"taskRef": ref, **(more or {})}}  # fmt: skip


async def _ended(running: Lab, run: Object) -> Object:
    running.create(run)
    return await running.done(run["kind"], run["metadata"]["name"])


def _said(run: Object) -> tuple[str, str]:
    return condition(run).get("reason", ""), condition(run).get("message", "")


def test_git_gives_tasks_pipelines_and_step_actions(tmp_path: Path, repository: Path) -> None:
    url, commit = str(repository), _git(repository, "rev-parse", "HEAD")

    async def scenario() -> None:
        async with lab(tmp_path) as running:
            # The params of the resolver use those of the run.
            more = {"params": _params(word="hello", branch="main")}
            asked = {"url": url, "revision": "$(params.branch)", "pathInRepo": "tekton/task.yaml"}
            run = await _ended(running, _task_run("task", "git", more, **asked))
            assert _said(run)[0] == "Succeeded", _said(run)
            assert running.log("task-pod").read_text() == "hello\n"
            assert run["metadata"]["labels"]["team"] == "data"
            source = {"uri": f"git+{url}", "digest": {"sha1": commit}, "entryPoint": "tekton/task.yaml"}
            assert run["status"]["provenance"]["refSource"] == source
            (request,) = running.store.objects(built_in("ResolutionRequest"))
            assert request["metadata"]["labels"] == {"resolution.tekton.dev/type": "git"}
            assert request["metadata"]["ownerReferences"][0]["name"] == "task"
            assert base64.b64decode(request["status"]["data"]).decode() == TASK
            assert request["status"]["annotations"]["resolution.tekton.dev/git-revision"] == commit

            by_commit = {"url": f"file://{url}", "revision": commit}
            pipeline = {"resolver": "git", "params": _params(**by_commit, pathInRepo="/tekton/pipeline.yaml")}
            run = await _ended(running, {
                "apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": "pipeline"},
                "spec": {"pipelineRef": pipeline},
            })  # fmt: skip
            assert _said(run)[0] == "Succeeded", _said(run)
            assert run["status"]["provenance"]["refSource"]["digest"] == {"sha1": commit}

            action = {"resolver": "git", "params": _params(url=url, revision="main", pathInRepo="tekton/action.yaml")}
            task = {"name": "t", "taskSpec": {"steps": [{"name": "s", "ref": action}]}}
            of_task = {"resolver": "git", "params": _params(url=url, revision="main", pathInRepo="tekton/task.yaml")}
            run = await _ended(running, {
                "apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": "tasks"},
                "spec": {"pipelineSpec": {"tasks": [task, {"name": "r", "taskRef": of_task}]}},
            })  # fmt: skip
            assert _said(run)[0] == "Succeeded", _said(run)
            assert running.log("tasks-t-pod").read_text() == "acted\n"
            # The TaskRun reads the request that its PipelineRun has made.
            owners = [
                request["metadata"]["ownerReferences"][0]["kind"]
                for request in running.store.objects(built_in("ResolutionRequest"))
            ]
            assert sorted(owners) == ["PipelineRun", "PipelineRun", "TaskRun", "TaskRun"]

    asyncio.run(scenario())


def test_what_git_cannot_give_ends_the_run_with_the_resolvers_message(tmp_path: Path, repository: Path) -> None:
    url = str(repository)
    failures = [
        ({"url": url, "revision": "main"}, "missing required git resolver params: pathInRepo"),
        ({"revision": "main", "pathInRepo": "x"}, "must specify one of 'url' or 'repo'"),
        ({"url": "x", "revision": "main", "pathInRepo": "x"}, "invalid git repository url: x"),
        ({"url": url, "revision": "--upload-pack=x", "pathInRepo": "x"},
         "invalid revision \"--upload-pack=x\": must not begin with '-'"),
        ({"url": url, "revision": "main", "pathInRepo": "../x"},
         "invalid path \"../x\": must not contain '..' components"),
        ({"url": url, "revision": "main", "pathInRepo": "nope.yaml"},
         'error opening file "nope.yaml": file does not exist'),
        ({"url": url, "revision": "nope", "pathInRepo": "x"}, "git fetch error: fatal: couldn't find remote ref nope"),
        ({"url": url + "-not", "revision": "main", "pathInRepo": "x"}, "error resolving repository: git clone error: "),
        ({"url": url, "revision": "main", "pathInRepo": "outside.yaml"},
         'attempts to escape the repository directory (possible path traversal attack)'),
        ({"url": url, "revision": "main", "pathInRepo": "x", "gitToken": "no"},
         "cannot get API token, secret no not found in namespace default"),
        ({"url": url, "revision": "main", "pathInRepo": "tekton/pipeline.yaml"}, "resource is not a task"),
        ({"url": url, "revision": "main", "pathInRepo": "tekton/other.yaml"}, "invalid runtime object: "),
    ]  # fmt: skip

    async def scenario() -> None:
        async with lab(tmp_path) as running:
            for at, (asked, _) in enumerate(failures):
                running.create(_task_run(f"run-{at}", "git", **asked))
            for at, (_, message) in enumerate(failures):
                reason, said = _said(await running.done("TaskRun", f"run-{at}"))
                assert reason == "TaskRunResolutionFailed"
                assert message in said
            first = _said(running.get("TaskRun", "run-0"))[1]
            assert first.startswith('error requesting remote resource: invalid resource request "default/git-')
            missing = _said(running.get("TaskRun", "run-5"))[1]
            assert missing.startswith('error requesting remote resource: error getting "Git" "default/git-')

            wrong = {"url": url, "revision": "main", "pathInRepo": "tekton/wrong.yaml"}
            reason, said = _said(await _ended(running, _task_run("wrong", "git", **wrong)))
            assert (reason, said) == (
                "TaskValidationFailed",
                "validation failed for referenced object wrong: admission webhook "
                '"validation.webhook.pipeline.tekton.dev" denied the request: validation failed: '
                "missing field(s): spec.steps",
            )
            task = {"name": "t", "taskRef": {"resolver": "git", "params": _params(**failures[5][0])}}
            run = await _ended(running, {
                "apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": "p"},
                "spec": {"pipelineSpec": {"tasks": [task]}},
            })  # fmt: skip
            reason, said = _said(run)
            assert reason == "CouldntGetTask"
            assert said.startswith(
                "Pipeline default/p can't be Run; it contains Tasks that don't exist: Couldn't retrieve Task \"\": "
                "error requesting remote resource: "
            )

    asyncio.run(scenario())


def test_the_cluster_resolver_reads_the_namespaces_that_it_may(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as running:
            task = yaml.safe_load(TASK) | {"apiVersion": "tekton.dev/v1"}
            task["spec"]["steps"][0].pop("resources")
            made = running.create({**task, "metadata": {"name": "say", "namespace": "shared"}})
            asked = {"kind": "task", "name": "say", "namespace": "shared"}
            run = await _ended(running, _task_run("there", "cluster", **asked))
            assert _said(run)[0] == "Succeeded", _said(run)
            uri = f"/apis/tekton.dev/v1/namespaces/shared/task/say@{made['metadata']['uid']}"
            assert run["status"]["provenance"]["refSource"]["uri"] == uri
            for name, params, message in (
                ("kind", {**asked, "kind": "secret"}, "unknown or unsupported resource kind 'secret'"),
                ("none", {"kind": "task", "name": "say"}, "missing required cluster resolver params: namespace"),
                ("missing", {**asked, "name": "no"}, 'tasks.tekton.dev "no" not found'),
            ):
                run = await _ended(running, _task_run(name, "cluster", **params))
                assert _said(run)[0] == "TaskRunResolutionFailed"
                assert message in _said(run)[1]
            where = {"name": "cluster-resolver-config", "namespace": "tekton-pipelines-resolvers"}
            running.create({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": where,
                "data": {"allowed-namespaces": "tools", "blocked-namespaces": "shared"},
            })  # fmt: skip
            for namespace, message in (
                ("shared", "access to specified namespace shared is blocked"),
                ("other", "access to specified namespace other is not allowed"),
            ):
                run = await _ended(running, _task_run(f"in-{namespace}", "cluster", **asked | {"namespace": namespace}))
                assert message in _said(run)[1]

    asyncio.run(scenario())


@asynccontextmanager
async def _site(
    files: dict[str, bytes], guard: Callable[[web.Request], web.Response | None] = lambda _: None
) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """A web server with these files by path; a path that begins with /slow never answers. `guard` may answer first."""
    requests: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        requests.append(request)
        if request.path.startswith("/slow"):
            await asyncio.sleep(60)
        if (refused := guard(request)) is not None:
            return refused
        found = files.get(request.path)
        return web.Response(status=404) if found is None else web.Response(body=found)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", requests
    finally:
        await runner.cleanup()


def _bundle(**objects: str) -> dict[str, bytes]:
    """The files of a registry with the Tekton bundle team/tasks:1.0."""
    files, layers = {}, []
    for name, text in objects.items():
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
        blob = gzip.compress(buffer.getvalue())
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        files[f"/v2/team/tasks/blobs/{digest}"] = blob
        kind = yaml.safe_load(text)["kind"].lower()
        noted = {"dev.tekton.image.apiVersion": "v1beta1", "dev.tekton.image.kind": kind, "dev.tekton.image.name": name}
        layers.append({"digest": digest, "size": len(blob), "annotations": noted})
    return {"/v2/team/tasks/manifests/1.0": json.dumps({"schemaVersion": 2, "layers": layers}).encode(), **files}


def test_urls_hubs_and_bundles_give_tasks(tmp_path: Path) -> None:
    digest = hashlib.sha256(TASK.encode()).hexdigest()
    files = {
        "/task.yaml": TASK.encode(),
        f"{PACKAGES}/tekton-catalog-tasks/say": _versions("0.1.0", "0.2.0", "0.3.0-rc1", "1.0.0"),
        f"{PACKAGES}/tekton-catalog-tasks/say/0.1.0": _listed(TASK),
        f"{PACKAGES}/tekton-catalog-tasks/say/0.2.0": _listed(TASK.replace("default: hi", "default: newer")),
        **_bundle(say=TASK, talk=PIPELINE),
    }  # fmt: skip

    async def scenario() -> None:
        async with lab(tmp_path) as running, _site(files) as (url, requests):
            running.create({
                "apiVersion": "v1", "kind": "ConfigMap", "data": {"artifact-hub-urls": f"- {url}/"},
                "metadata": {"name": "hubresolver-config", "namespace": "tekton-pipelines-resolvers"},
            })  # fmt: skip
            running.create({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"},
                "data": {"password": base64.b64encode(b"pw").decode()},
            })  # fmt: skip
            bundle = url.removeprefix("http://") + "/team/tasks:1.0"
            login = {"http-username": "me", "http-password-secret": "login"}
            works = [
                ("http", {"url": f"{url}/task.yaml", "digest": f"sha256:{digest}", **login}),
                ("hub", {"name": "say", "version": "0.1", "kind": "task"}),
                ("bundles", {"bundle": bundle, "name": "say", "kind": "task"}),
            ]
            for resolver, asked in works:
                run = await _ended(running, _task_run(resolver, resolver, **asked))
                assert _said(run)[0] == "Succeeded", _said(run)
                assert running.log(f"{resolver}-pod").read_text() == "hi\n"
            for constraint, word in (("~> 0.1", "newer"), (">= 0.1, != 0.2, < 1", "hi"), ("0.2.0", "newer")):
                run = await _ended(
                    running, _task_run(f"hub-{word}{len(constraint)}", "hub", name="say", version=constraint)
                )
                assert running.log(f"{run['metadata']['name']}-pod").read_text() == f"{word}\n", constraint
            assert requests[0].headers["Authorization"] == f"Basic {base64.b64encode(b'me:pw').decode()}"
            fails = [
                ("http", {"url": f"{url}/no.yaml"}, f"requested URL '{url}/no.yaml' is not found"),
                ("http", {"url": "ftp://x/y"}, "url ftp://x/y is not a valid http(s) url"),
                ("http", {"url": f"{url}/task.yaml", "digest": "sha256:" + "0" * 64},
                 f"error validating digest: SHA mismatch, expected {'0' * 64}, got {digest}"),
                ("http", {"url": f"{url}/task.yaml", "http-username": "me"},
                 "missing required param http-password-secret when using http-username"),
                ("hub", {"name": "say"}, "missing required hub resolver params: version"),
                ("hub", {"name": "no", "version": "1.0.0"},
                 "fail to fetch Artifact Hub resource: requested resource '"),
                ("hub", {"name": "say", "version": "> 1"}, "no version found for constraint > 1"),
                ("hub", {"name": "say", "version": "1", "url": "ftp://x"},
                 "invalid url param: url must use http or https scheme: ftp://x"),
                ("hub", {"name": "no", "version": "1.0.0", "type": "tekton"}, "Tekton Hub is shut down"),
                ("bundles", {"bundle": bundle, "name": "no"},
                 "could not find object in image with kind: task and name: no"),
                ("bundles", {"bundle": bundle}, 'parameter "name" required'),
            ]  # fmt: skip
            for at, (resolver, asked, message) in enumerate(fails):
                run = await _ended(running, _task_run(f"fails-{at}", resolver, **asked))
                assert _said(run)[0] == "TaskRunResolutionFailed"
                assert message in _said(run)[1]

    asyncio.run(scenario())


def _listed(text: str) -> bytes:
    return json.dumps({"data": {"manifestRaw": text}}).encode()


def _versions(*versions: str) -> bytes:
    return json.dumps({"available_versions": [{"version": one, "prerelease": "-" in one} for one in versions]}).encode()


def _secret(name: str, type_: str, **data: str) -> Object:
    coded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": type_, "data": coded}


def test_a_bundle_is_read_with_the_login_of_a_secret_or_of_a_service_account(tmp_path: Path) -> None:
    """The registry wants a token from its own server, which wants the login, as Docker Hub and Quay do."""
    asked_with: list[str] = []

    def guard(request: web.Request) -> web.Response | None:
        given = request.headers.get("Authorization", "")
        if request.path == "/token":
            asked_with.append(given)
            ok = given == f"Basic {base64.b64encode(b'ann:pw').decode()}"
            return web.json_response({"token": "t1"}) if ok else web.Response(status=401)
        if given == "Bearer t1":
            return None
        challenge = f'Bearer realm="http://{request.host}/token",service="r",scope="repository:team/tasks:pull"'
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    async def scenario() -> None:
        async with lab(tmp_path) as running, _site(_bundle(say=TASK), guard) as (url, _):
            host = url.removeprefix("http://")
            auths = {
                host: {"auth": base64.b64encode(b"bob:other").decode()},
                f"http://{host}/team": {"username": "ann", "password": "pw"},
            }
            kind = "kubernetes.io/dockerconfigjson"
            running.create(_secret("login", kind, **{".dockerconfigjson": json.dumps({"auths": auths})}))
            running.create(_secret("wrong", kind, **{".dockerconfigjson": json.dumps({"auths": {host: auths[host]}})}))
            running.create(_secret("broken", kind, **{".dockerconfigjson": "{"}))
            account = {"name": "puller"}
            running.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account,
                            "imagePullSecrets": [{"name": "gone"}, {"name": "login"}]})  # fmt: skip
            asked = {"bundle": f"{host}/team/tasks:1.0", "name": "say"}
            for name, more in (("secret", {"secret": "login"}), ("account", {"serviceAccount": "puller"})):
                run = await _ended(running, _task_run(name, "bundles", **asked, **more))
                assert _said(run)[0] == "Succeeded", _said(run)
            assert set(asked_with) == {f"Basic {base64.b64encode(b'ann:pw').decode()}"}
            for name, more, said in (
                ("none", {}, "the registry wants a login; name a Secret of the type kubernetes.io/dockerconfigjson"),
                ("wrong", {"secret": "wrong"}, "the registry does not accept the login of the Secret"),
                ("broken", {"secret": "broken"}, "cannot read the login in secret broken, key .dockerconfigjson"),
            ):
                run = await _ended(running, _task_run(f"not-{name}", "bundles", **asked, **more))
                assert said in _said(run)[1], _said(run)
                assert "pw" not in _said(run)[1]

    asyncio.run(scenario())


@pytest.mark.parametrize("type_", ["gitea", "github", "gitlab"])
def test_git_reads_a_file_by_the_api_of_a_server_with_a_token(tmp_path: Path, type_: str) -> None:
    coded = json.dumps({"content": base64.encodebytes(TASK.encode()).decode(), "encoding": "base64"}).encode()
    commit, clone = "c" * 40, "https://git.example.com/team/tasks.git"
    start = {"gitea": "/api/v1/repos/team/tasks", "github": "/api/v3/repos/team/tasks"}.get(type_)
    files = {
        f"{start}/contents/task/say.yaml": coded,
        f"{start}/{'git/' if type_ == 'gitea' else ''}commits/main": json.dumps({"sha": commit}).encode(),
        str(start): json.dumps({"clone_url": clone}).encode(),
    } if start else {
        "/api/v4/projects/team/tasks/repository/files/task/say.yaml": coded,
        "/api/v4/projects/team/tasks/repository/commits/main": json.dumps({"id": commit}).encode(),
        "/api/v4/projects/team/tasks": json.dumps({"http_url_to_repo": clone}).encode(),
    }  # fmt: skip
    header, value = {
        "gitea": ("Authorization", "token s3"), "github": ("Authorization", "Bearer s3"),
        "gitlab": ("PRIVATE-TOKEN", "s3"),
    }[type_]  # fmt: skip

    def guard(request: web.Request) -> web.Response | None:
        return None if request.headers.get(header) == value else web.Response(status=401)

    async def scenario() -> None:
        async with lab(tmp_path) as running, _site(files, guard) as (url, requests):
            running.create(_secret("api", "Opaque", token="s3", old="no"))
            asked = {"org": "team", "repo": "tasks", "pathInRepo": "/task/say.yaml", "scmType": type_}
            run = await _ended(running, _task_run("api", "git", **asked, serverURL=url, token="api"))
            assert _said(run)[0] == "Succeeded", _said(run)
            source = {"uri": f"git+{clone}", "digest": {"sha1": commit}, "entryPoint": "task/say.yaml"}
            assert run["status"]["provenance"]["refSource"] == source
            assert requests[0].query["ref"] == "main"
            data = {"team.server-url": url, "team.scm-type": type_, "team.default-org": "team",
                    "team.api-token-secret-name": "api", "team.api-token-secret-key": "token",
                    "team.api-token-secret-namespace": "default"}  # fmt: skip
            meta = {"name": "git-resolver-config", "namespace": "tekton-pipelines-resolvers"}
            running.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})
            short = {"repo": "tasks", "pathInRepo": "task/say.yaml", "configKey": "team"}
            run = await _ended(running, _task_run("by-config", "git", **short))
            assert _said(run)[0] == "Succeeded", _said(run)
            before = len(requests)
            for at, (more, said) in enumerate((
                ({**short, "serverURL": f"{url}/other"}, "the system token cannot be sent to a non-default server URL"),
                ({**short, "configKey": "no"}, "no git resolver configuration found for configKey no"),
                ({**asked, "token": "no"}, "cannot get API token, secret no not found in namespace default"),
                ({**asked, "org": ""}, "'org' is required when 'repo' is specified"),
                ({**asked, "scmType": "stash"}, 'scmType "stash": the lab supports gitea, github, gitlab'),
            )):  # fmt: skip
                run = await _ended(running, _task_run(f"not-{at}", "git", **{"serverURL": url, "token": "api"} | more
                                                      if "configKey" not in more else more))  # fmt: skip
                assert said in _said(run)[1], _said(run)
            assert len(requests) == before
            run = await _ended(running, _task_run("old", "git", **asked, serverURL=url, token="api", tokenKey="old"))
            assert "couldn't fetch resource content" in _said(run)[1] and "401" in _said(run)[1]

    asyncio.run(scenario())


def _sparse(bytes_: int) -> bytes:
    """A small tar whose only file has this many bytes when it is read."""
    header = tarfile.TarInfo("say")
    header.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    # A GNU header: one sparse part of nothing at offset 0, no further parts, and the size of the whole file.
    block[386:482] = b"0".rjust(11, b"0") + b"\0" + b"0".rjust(11, b"0") + b"\0" + bytes(72)
    block[482] = 0
    block[483:495] = oct(bytes_)[2:].encode().rjust(11, b"0") + b"\0"
    block[148:156] = b" " * 8
    block[148:156] = oct(sum(block))[2:].encode().rjust(6, b"0") + b"\0 "
    return gzip.compress(bytes(block) + bytes(1024))


def test_any_answer_ends_the_run_and_needs_little_memory(tmp_path: Path, repository: Path) -> None:
    (repository / "large.yaml").write_bytes(b"#" * 2_000_000)
    _git(repository, "add", ".")
    _git(repository, "commit", "-q", "-m", "large")
    noted = {"dev.tekton.image.apiVersion": "v1", "dev.tekton.image.kind": "task", "dev.tekton.image.name": "say"}
    sparse = _sparse(4 << 30)
    digest = f"sha256:{hashlib.sha256(sparse).hexdigest()}"
    manifests = {
        "list": b"[]", "text": b"<html>", "layer": json.dumps({"layers": [{"annotations": noted}]}).encode(),
        "word": json.dumps({"layers": ["x"]}).encode(),
        "sparse": json.dumps({"layers": [{"digest": digest, "annotations": noted}]}).encode(),
    }  # fmt: skip
    aliases = "\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"] + [
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)
    ])  # fmt: skip
    files = {
        **{f"/v2/{name}/manifests/latest": content for name, content in manifests.items()},
        f"/v2/sparse/blobs/{digest}": sparse,
        f"{PACKAGES}/tekton-catalog-tasks/say/0.1.0": b"[]",
        "/aliases.yaml": aliases.encode(), "/binary": bytes(range(256)), "/deep": b"[" * 100_000,
    }  # fmt: skip

    async def scenario() -> None:
        async with lab(tmp_path) as running, _site(files) as (url, _):
            running.create({
                "apiVersion": "v1", "kind": "ConfigMap", "data": {"artifact-hub-urls": f"- {url}/"},
                "metadata": {"name": "hubresolver-config", "namespace": "tekton-pipelines-resolvers"},
            })  # fmt: skip
            host = url.removeprefix("http://")
            asked = [("bundles", {"bundle": f"{host}/{name}", "name": "say"}) for name in manifests]
            asked += [("http", {"url": f"{url}/{name}"}) for name in ("aliases.yaml", "binary", "deep")]
            asked += [("hub", {"name": "say", "version": "0.1"})]
            asked += [("git", {"url": str(repository), "revision": "main", "pathInRepo": "large.yaml"})]
            for at, (resolver, params) in enumerate(asked):
                running.create(_task_run(f"any-{at}", resolver, **params))
            said = [_said(await running.done("TaskRun", f"any-{at}")) for at in range(len(asked))]
            assert {reason for reason, _ in said} == {"TaskRunResolutionFailed"}, said
            assert "at most 1500000 are taken" in said[4][1] and "at most 1500000 are taken" in said[-1][1]
            assert "the answer is not what a server of this resolver returns" in said[0][1]

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    asyncio.run(scenario())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000, "KiB"


def test_a_server_that_is_not_reached_or_does_not_answer_is_named(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with lab(tmp_path) as running, _site({}) as (url, _):
            running.create({
                "apiVersion": "v1", "kind": "ConfigMap", "data": {"default-maximum-resolution-timeout": "300ms"},
                "metadata": {"name": "config-defaults", "namespace": "tekton-pipelines"},
            })  # fmt: skip
            waiting = running.create(_task_run("slow", "http", url=f"{url}/slow"))
            await running.until(lambda: condition(running.get("TaskRun", "slow")))
            assert condition(waiting) == {}
            found = condition(running.get("TaskRun", "slow"))
            assert (found["status"], found["reason"]) == ("Unknown", "ResolvingTaskRef")
            assert found["message"] == "TaskRun default/slow awaiting remote resource"
            ended = _said(await running.done("TaskRun", "slow"))[1]
            assert ended == "error requesting remote resource: resolution took longer than global timeout of 300ms"
            (request,) = running.store.objects(built_in("ResolutionRequest"))
            assert condition(request)["reason"] == "ResolutionTimedOut"
            closed = {"url": "http://127.0.0.1:1/task.yaml"}
            said = _said(await _ended(running, _task_run("closed", "http", **closed)))[1]
            assert 'error fetching URL: Get "http://127.0.0.1:1/task.yaml": ' in said
            assert said.endswith("is this machine online, and is the address right?")

    asyncio.run(scenario())
