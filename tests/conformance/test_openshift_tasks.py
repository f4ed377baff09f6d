"""The Tasks of the namespace openshift-pipelines do in the lab what they do on OpenShift Pipelines."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.harness import Lab, lab
from workshop.lab import openshift_tasks
from workshop.lab.admission import admit
from workshop.lab.kinds import built_in
from workshop.manifests.objects import Object, condition, results_of

# Version 1.23.1 of OpenShift Pipelines: params (a star: required), results, workspaces (a question mark: optional).
BUILD = "CONTEXT STORAGE_DRIVER FORMAT BUILD_EXTRA_ARGS PUSH_EXTRA_ARGS SKIP_PUSH TLS_VERIFY VERBOSE"
INTERFACES = {
    "buildah": (f"IMAGE* DOCKERFILE BUILD_ARGS[] {BUILD}", "IMAGE_URL IMAGE_DIGEST",
                "source dockerconfig? rhel-entitlement?"),
    "git-clone": (
        "CRT_FILENAME HTTP_PROXY HTTPS_PROXY NO_PROXY SUBDIRECTORY USER_HOME DELETE_EXISTING VERBOSE SSL_VERIFY URL* "
        "REVISION REFSPEC SUBMODULES DEPTH SPARSE_CHECKOUT_DIRECTORIES",
        "COMMIT URL COMMITTER_DATE", "ssh-directory? basic-auth? ssl-ca-directory? output"),
    "openshift-client": ("SCRIPT VERSION", "", "manifest_dir? kubeconfig_dir?"),
    "s2i-python": (f"IMAGE* VERSION IMAGE_SCRIPTS_URL ENV_VARS[] {BUILD}", "IMAGE_URL IMAGE_DIGEST",
                   "source dockerconfig?"),
    "tkn": ("SCRIPT ARGS[]", "", "kubeconfig_dir?"),
}  # fmt: skip


def _interface(spec: Object) -> tuple[str, str, str]:
    def param(one: Object) -> str:
        array = "[]" if one.get("type") == "array" else ""
        return f"{one['name']}{array}{'' if 'default' in one else '*'}"

    return (
        " ".join(map(param, spec["params"])),
        " ".join(one["name"] for one in spec.get("results") or ()),
        " ".join(one["name"] + ("?" if one.get("optional") else "") for one in spec["workspaces"]),
    )


def test_the_tasks_have_the_params_results_and_workspaces_of_openshift_pipelines() -> None:
    found = {task["metadata"]["name"]: task for task in openshift_tasks.tasks()}
    assert {name: _interface(task["spec"]) for name, task in found.items()} == INTERFACES
    for task in found.values():
        admit(built_in("Task"), task, None)
        assert task["metadata"]["namespace"] == "openshift-pipelines"


def _repository(running: Lab) -> Path:
    """A repository in the lab's folder, because containers do not see the rest of /tmp."""
    folder = running.state.root / "repository"
    folder.mkdir()

    def git(*args: str) -> None:
        name = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run(["git", *name, *args], cwd=folder, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    for name in ("app/main.py", "docs/index.md"):
        (folder / name).parent.mkdir()
        (folder / name).write_text(name)
    git("add", ".")
    git("commit", "-q", "-m", "one", "--date", "2026-01-01T00:00:00Z")
    git("tag", "v1")
    (folder / "app" / "main.py").write_text("two")
    git("commit", "-q", "-a", "-m", "two")
    return folder


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """The lab's programs that the Tasks need; buildah, s2i, oc and tkn print how they are called."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("buildah", "s2i", "oc", "tkn"):
        digest = 'for a in "$@"; do case $a in --digestfile=*) echo sha256:1 > "${a#*=}";; esac; done\n'
        (folder / name).write_text(f'#!/bin/sh\necho "{name} $*"\n{digest}')
    (folder / "git-init").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m workshop.lab.images.gitinit "$@"\n')
    for file in folder.iterdir():
        file.chmod(0o755)
    return folder


def _run(name: str, task: str, params: dict[str, Any], *workspaces: str) -> Object:
    asked = {"kind": "task", "name": task, "namespace": openshift_tasks.NAMESPACE}
    ref = {"resolver": "cluster", "params": [{"name": key, "value": value} for key, value in asked.items()]}
    given = [{"name": key, "value": value} for key, value in params.items()]
    bound = [{"name": one, "persistentVolumeClaim": {"claimName": "files"}} for one in workspaces]
    spec = {"taskRef": ref, "params": given, "workspaces": bound}
    return {"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": {"name": name}, "spec": spec}


async def _succeeds(running: Lab, run: Object) -> tuple[dict[str, Any], str]:
    """The results of a run and the output of its last step."""
    running.create(run)
    name = run["metadata"]["name"]
    done = await running.done("TaskRun", name)
    step = done["status"]["steps"][-1]["container"] if done["status"].get("steps") else "step-s"
    output = running.log(f"{name}-pod", step).read_text() if done["status"].get("podName") else ""
    assert condition(done)["reason"] == "Succeeded", f"{condition(done)} {output}"
    return results_of(done), output


def test_pipelines_clone_build_and_deploy_with_them(tmp_path: Path, tools: Path) -> None:
    claim = "{accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}"

    async def scenario() -> None:
        async with lab(tmp_path, tools=tools) as running:
            repository = _repository(running)
            asked = ["git", "rev-parse", "v1"]
            first = subprocess.run(asked, cwd=repository, capture_output=True, text=True, check=True).stdout
            for task in openshift_tasks.tasks():
                running.create(task)
            running.apply(f"{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: files}}, spec: {claim}}}")
            url = f"file://{repository}"
            sparse = {"REVISION": "v1", "SUBDIRECTORY": "src", "SPARSE_CHECKOUT_DIRECTORIES": "app"}
            results, _ = await _succeeds(running, _run("clone", "git-clone", {"URL": url, **sparse}, "output"))
            assert results == {"COMMIT": first.strip(), "URL": url, "COMMITTER_DATE": results["COMMITTER_DATE"]}
            shown = {"SCRIPT": "ls src; cat src/app/main.py; oc version"}
            _, output = await _succeeds(running, _run("look", "openshift-client", shown, "manifest_dir"))
            assert output == "app\napp/main.pyoc version\n"
            main, _ = await _succeeds(running, _run("again", "git-clone", {"URL": url, "DEPTH": "0"}, "output"))
            assert main["COMMIT"] != results["COMMIT"]
            _, output = await _succeeds(running, _run("more", "openshift-client", {"SCRIPT": "echo *"}, "manifest_dir"))
            assert output == "app docs\n", "the folder is emptied before the clone"
            _, output = await _succeeds(running, _run("tkn", "tkn", {"ARGS": ["pipeline", "list"]}))
            assert output == "tkn pipeline list\n"
            for name, more in (("buildah", {"BUILD_ARGS": ["a=1"]}), ("s2i-python", {"ENV_VARS": ["A=b"]})):
                image = {"IMAGE": "registry/team/app:1", "BUILD_EXTRA_ARGS": "--no-cache", "CONTEXT": "app"}
                results, output = await _succeeds(running, _run(name, name, {**image, **more}, "source"))
                assert results == {"IMAGE_URL": "registry/team/app:1", "IMAGE_DIGEST": "sha256:1"}
                built = "buildah bud --storage-driver=vfs --tls-verify=true --no-cache "
                built += "--build-arg=a=1 " if name == "buildah" else ""
                file, context = ("./Dockerfile", "app") if name == "buildah" else ("Dockerfile.gen", ".")
                file = "app/./Dockerfile" if name == "buildah" else file
                assert f"{built}--format=oci --file={file} --tag=registry/team/app:1 {context}\n" in output
            skipped, _ = await _succeeds(running, _run("skip", "buildah", {**image, "SKIP_PUSH": "true"}, "source"))
            assert skipped == {}

    asyncio.run(scenario())


def test_the_images_of_git_clone_have_their_program(tmp_path: Path, tools: Path) -> None:
    repository = tmp_path / "state" / "repository"
    steps = yaml.safe_load(f"""
    - {{name: whole-path, image: "ghcr.io/tektoncd-catalog/git-clone:v1.1.0", workingDir: /workspace/x,
       script: /ko-app/git-init -url {repository} -revision main -path /workspace/x -depth 1}}
    - {{name: args, image: "gcr.io/tekton-releases/github.com/tektoncd/pipeline/cmd/git-init:v0.40.2",
       args: ["-url={repository}", -path=/workspace/y, -submodules=false]}}
    - {{name: look, image: bash, script: cat /workspace/x/app/main.py /workspace/y/app/main.py}}
    """)
    run = {"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "metadata": {"name": "t"},
           "spec": {"taskSpec": {"steps": steps}}}  # fmt: skip

    async def scenario() -> None:
        async with lab(tmp_path, tools=tools) as running:
            assert _repository(running) == repository
            _, output = await _succeeds(running, run)
            assert output == "twotwo"

    asyncio.run(scenario())
