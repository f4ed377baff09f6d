"""The lab's oc: the verbs that kubectl does not have are its own, kubectl runs all others."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import yaml

from tests.workshop.lab.serving import Lab
from workshop.cluster import config as configs
from workshop.cluster.kubectl import kubectl as program
from workshop.lab.api import auth
from workshop.lab.clients import point_clients, write_tools
from workshop.lab.paths import LabPaths
from workshop.participants.names import LAB_PARTICIPANT

Run = Callable[..., "subprocess.CompletedProcess[str]"]


# -- kubectl's verbs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("get", "namespaces", "-o", "name"),
        ("-n", "default", "get", "configmaps"),
        ("--namespace=default", "get", "nope"),
        ("create", "configmap", "c", "--from-literal=a=b", "--dry-run=client", "-o", "yaml"),
        ("get", "--kubeconfig=/nowhere", "pods"),
        ("no-such-verb",),
        ("config", "current-context"),
    ],
)
def test_what_kubectl_has_is_answered_by_kubectl(words: tuple[str, ...], oc: Run, env: dict[str, str]) -> None:
    mine = oc(*words)
    theirs = subprocess.run([program(), *words], env=env, capture_output=True, text=True, check=False)
    assert (mine.returncode, mine.stdout, mine.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)


@pytest.mark.parametrize("command", ["tool", "module"])
def test_kubectl_takes_the_process_over(command: str, lab: Lab, env: dict[str, str], tmp_path: Path) -> None:
    start = [str(tmp_path / "bin" / "oc")] if command == "tool" else [sys.executable, "-m", "workshop.oc"]
    words = ["get", "namespaces", "--watch-only", "-o", "name"]
    with subprocess.Popen([*start, *words], env=env, stdout=subprocess.PIPE, text=True) as running:
        try:
            # A new Process each time: psutil keeps what it has read once.
            while psutil.Process(running.pid).exe() != program():
                assert running.poll() is None
                time.sleep(0.01)
            assert not psutil.Process(running.pid).children()
        finally:
            running.kill()


def test_a_real_oc_on_path_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = LabPaths(tmp_path / "lab")
    state.make()
    real = tmp_path / "bin" / "oc"
    real.parent.mkdir()
    real.write_text('#!/bin/sh\necho the real one: "$@"\n')
    real.chmod(0o755)
    monkeypatch.setenv("PATH", f"{state.root / 'tools'}:{real.parent}:/usr/bin:/bin")
    for _ in range(2):  # the second time, the lab's own tool is on PATH and is not the real one
        write_tools(state)
        done = subprocess.run(
            [state.root / "tools" / "oc", "whoami", "-t"], capture_output=True, text=True, timeout=10, check=False
        )
        assert done.stdout == "the real one: whoami -t\n"


def test_without_a_real_oc_the_tool_is_kubectls_front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = LabPaths(tmp_path / "lab")
    state.make()
    monkeypatch.setenv("PATH", f"{state.root / 'tools'}:/usr/bin:/bin")
    write_tools(state)
    write_tools(state)
    done = subprocess.run(
        [state.root / "tools" / "oc", "version", "--client"], capture_output=True, text=True, timeout=10, check=False
    )
    assert done.stdout.startswith("Client Version: v1.")


# -- oc's verbs -----------------------------------------------------------------------------------------------


def test_whoami_prints_user_token_server_and_context(lab: Lab, oc: Run) -> None:
    assert oc("whoami").stdout == "user1\n"
    assert oc("whoami", "-t").stdout == oc("whoami", "--show-token").stdout == f"{lab.token}\n"
    assert oc("whoami", "--show-server").stdout == f"{lab.server.url}\n"
    assert oc("whoami", "-c").stdout == "lab\n"


def test_project_prints_and_changes_the_project_that_kubectl_uses(lab: Lab, namespace: str, oc: Run) -> None:
    assert oc("project").stdout == f'Using project "user1-dev" on server "{lab.server.url}".\n'
    assert oc("project", namespace).stdout == f'Now using project "{namespace}" on server "{lab.server.url}".\n'
    assert oc("project", "-q").stdout == f"{namespace}\n"
    assert oc("project", namespace).stdout == f'Already on project "{namespace}" on server "{lab.server.url}".\n'
    assert oc("create", "configmap", "here").returncode == 0
    assert lab.ask("GET", f"/api/v1/namespaces/{namespace}/configmaps/here")[0] == 200


def test_a_namespace_before_the_verb_is_the_one_that_is_meant(namespace: str, oc: Run) -> None:
    assert oc("-n", namespace, "project", "-q").stdout == f"{namespace}\n"
    assert oc(f"--namespace={namespace}", "project", "-q").stdout == f"{namespace}\n"


def test_a_project_that_is_not_there_is_refused(lab: Lab, oc: Run) -> None:
    done = oc("project", "nope")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f'error: A project named "nope" does not exist on "{lab.server.url}".\n'
        "Your projects are listed by 'oc projects'.\n"
    )
    assert oc("project", "-q").stdout == "user1-dev\n"


def test_projects_stars_the_one_in_use(lab: Lab, namespace: str, oc: Run) -> None:
    assert {"default", "user1-dev", namespace} <= set(oc("projects", "-q").stdout.split())
    listed = oc("projects").stdout
    assert "  * user1-dev\n" in listed and f"    {namespace}\n" in listed
    assert listed.endswith(f'\nUsing project "user1-dev" on server "{lab.server.url}".\n')


def test_new_project_is_made_and_used(lab: Lab, oc: Run) -> None:
    done = oc("new-project", "made-by-oc", "--display-name=Made", "--description", "by a test")
    assert done.stdout == f'Now using project "made-by-oc" on server "{lab.server.url}".\n'
    made = lab.ask("GET", "/apis/project.openshift.io/v1/projects/made-by-oc")[1]["metadata"]["annotations"]
    assert (made["openshift.io/display-name"], made["openshift.io/description"]) == ("Made", "by a test")
    assert oc("project", "-q").stdout == "made-by-oc\n"
    again = oc("new-project", "made-by-oc")
    assert again.returncode == 1
    assert again.stderr == (
        'Error from server (AlreadyExists): project.project.openshift.io "made-by-oc" already exists\n'
    )


def test_new_project_leaves_the_kubeconfig_when_it_is_asked_to(oc: Run) -> None:
    done = oc("new-project", "not-used", "--skip-config-write")
    assert done.returncode == 0 and "oc project not-used" in done.stdout
    assert oc("project", "-q").stdout == "user1-dev\n"


def test_status_names_the_project_and_lists_what_runs(lab: Lab, namespace: str, oc: Run) -> None:
    assert oc("create", "service", "clusterip", "web", "--tcp=80", "-n", namespace).returncode == 0
    done = oc("status", "-n", namespace)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"In project {namespace} on server {lab.server.url}\n\n")
    assert "service/web" in done.stdout


@pytest.mark.parametrize("words", [("project", "a", "b"), ("whoami", "--nope"), ("new-project",), ("projects", "x")])
def test_words_that_a_verb_does_not_know_are_refused(words: tuple[str, ...], oc: Run) -> None:
    done = oc(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ") and f"oc {words[0]} --help" in done.stderr


# -- login and logout -----------------------------------------------------------------------------------------


def test_logout_takes_the_token_away_and_login_brings_it_back(lab: Lab, oc: Run, kubeconfig: Path) -> None:
    done = oc("logout")
    assert done.stdout == f'Logged "user1" out on "{lab.server.url}"\n'
    assert done.stderr == "Warning: the token is still valid; only the kubeconfig has lost it\n"
    assert lab.token not in kubeconfig.read_text()
    assert oc("whoami").stderr == "error: You must be logged in to the server (Unauthorized)\n"
    assert oc("get", "pods").returncode == 1
    done = oc("login", lab.server.url, f"--token={lab.token}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f'Logged into "{lab.server.url}" as "user1" using the token provided.\n')
    assert oc("whoami").stdout == "user1\n"
    assert oc("project", "-q").stdout == "user1-dev\n"
    assert kubeconfig.stat().st_mode & 0o077 == 0


def test_login_to_a_new_server_writes_a_context_of_its_own(lab: Lab, oc: Run, kubeconfig: Path, tmp_path: Path) -> None:
    other = lab.server.url.replace("127.0.0.1", "localhost")
    authority = str(lab.state.tls / "ca.crt")
    done = oc("login", "--server", other, "--token", lab.token, "--certificate-authority", authority)
    assert done.returncode == 0, done.stderr
    content = json.loads(kubeconfig.read_text())
    host = other.removeprefix("https://")
    assert content["current-context"] == f"default/{host}/user1"
    assert {one["name"] for one in content["contexts"]} == {"lab", f"default/{host}/user1"}
    assert oc("get", "namespace", "default", "-o", "name").stdout == "namespace/default\n"
    assert oc("--context", "lab", "whoami", "--show-server").stdout == f"{lab.server.url}\n"


def test_login_without_a_kubeconfig_makes_one(lab: Lab, oc: Run, kubeconfig: Path) -> None:
    kubeconfig.unlink()
    words = (f"--token={lab.token}", "--insecure-skip-tls-verify=true")
    assert oc("login", lab.server.url, *words).returncode == 0
    assert oc("get", "namespace", "default", "-o", "name").stdout == "namespace/default\n"


def test_a_login_with_a_password_writes_the_token(lab: Lab, oc: Run, kubeconfig: Path) -> None:
    assert oc("logout").returncode == 0 and lab.plain_token not in kubeconfig.read_text()
    done = oc("login", "-u", "bea", "-p", lab.plain_token)
    assert done.stdout.startswith("Login successful.\n"), done.stderr
    assert oc("whoami").stdout == "bea\n" and oc("whoami", "-t").stdout == f"{lab.plain_token}\n"


@pytest.mark.parametrize("words", [("-p", "-Yx"), ("--password", "-Yx"), ("-p-Yx",), ("--password=-Yx",)])
def test_a_password_may_begin_with_a_dash(words: tuple[str, ...], oc: Run) -> None:
    done = oc("login", "-u", "bea", *words)
    assert "Login failed" in done.stderr + done.stdout, done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--token=wrong",), "error: the token is invalid or has expired\n"),
        (
            ("-u", "user1", "-p", "x"),
            "error: Login failed (401 Unauthorized): verify you have provided the correct credentials\n",
        ),
        (("-u", "user1"), "error: --password is missing\n  oc login SERVER -u NAME -p PASSWORD\n"),
    ],
)
def test_a_login_that_fails_changes_nothing(words: tuple[str, ...], said: str, oc: Run, kubeconfig: Path) -> None:
    before = kubeconfig.read_text()
    done = oc("login", *words)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    assert kubeconfig.read_text() == before


def test_a_kubeconfig_that_kubectl_rewrote_is_read(namespace: str, oc: Run, kubeconfig: Path) -> None:
    assert oc("config", "set-context", "--current", f"--namespace={namespace}").returncode == 0
    assert yaml.safe_load(kubeconfig.read_text())["current-context"] == "lab"
    assert oc("project", "-q").stdout == f"{namespace}\n"
    assert configs.find(kubeconfig).namespace == namespace


# -- every kustomization of the kit ---------------------------------------------------------------------------

KIT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "folder",
    sorted(
        str(found.parent.relative_to(KIT))
        for top in ("grafana", "notebooks", "seldon", "tekton")
        for found in (KIT / top).rglob("kustomization.yaml")
    ),
)
def test_every_kustomization_builds(folder: str, oc: Run) -> None:
    done = oc("kustomize", str(KIT / folder))
    assert done.returncode == 0, done.stderr
    assert all(one["metadata"]["name"] for one in yaml.load_all(done.stdout, yaml.CSafeLoader))


# -- the lab's kubeconfig -------------------------------------------------------------------------------------


def test_a_start_of_the_lab_keeps_the_project_and_brings_a_token_back(
    lab: Lab, namespace: str, oc: Run, env: dict[str, str], tmp_path: Path
) -> None:
    state = LabPaths(tmp_path / "lab")
    state.make()
    env["KUBECONFIG"] = str(state.kubeconfig)

    def start() -> None:
        point_clients(state, lab.server.url, auth.certificate(lab.state.tls), lab.token, LAB_PARTICIPANT)

    start()
    assert oc("config", "set-context", "--current", f"--namespace={namespace}").returncode == 0  # kubectl writes YAML
    start()
    assert oc("project", "-q").stdout == f"{namespace}\n"
    assert oc("logout").returncode == 0
    start()
    assert oc("whoami").stdout == "user1\n"
