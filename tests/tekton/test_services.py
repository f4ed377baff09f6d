"""A participant's MLflow and DVC remote on a cluster: the committed configuration with the real programs."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3

from tests.kit import until
from tests.kubectl import kustomize
from workshop.lab.ports import reserve
from workshop.manifests.objects import Object
from workshop.programs import find, require
from workshop.usecase import KIT

SERVICES = KIT / "tekton/overlays/cohort/services"
TOKEN = "0123456789abcdef"
START_SECONDS = 180.0
"""MLflow needs more than a minute on a busy machine."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("services"),
    pytest.mark.skipif(find("nginx") is None, reason="nginx is not installed, and its package cannot be had"),
]


def deployment() -> Object:
    """The Deployment as a cluster gets it."""
    (found,) = [obj for obj in kustomize(SERVICES) if obj["kind"] == "Deployment"]
    return found


def container(name: str) -> Object:
    """One container of its Pod."""
    (found,) = [one for one in deployment()["spec"]["template"]["spec"]["containers"] if one["name"] == name]
    return dict(found)


@dataclass
class Door:
    """The addresses of both servers, and the folder of the DVC remote."""

    mlflow: str
    dvc: str
    folder: Path


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """MLflow and nginx as their containers run them, in a folder in place of the volume and on free ports."""
    folder = tmp_path_factory.mktemp("services")
    (folder / "mlflow").mkdir()
    (folder / "token").write_text(TOKEN)
    held = [reserve() for _ in range(3)]
    inner, outer, dvc = (str(one.number) for one in held)
    server = container("mlflow")
    argv = [sys.executable, *server["command"][1:-1], inner]
    env = {one["name"]: one["value"].replace("/var/lib/mlflow", str(folder / "mlflow")) for one in server["env"]}
    nginx = require("nginx")
    settings = {
        "TOKEN_FILE": str(folder / "token"),
        "WORKSHOP_USER": "user1",
        "DVC_FOLDER": str(folder / "dvc"),
        "RUN": str(folder / "run"),
        "MLFLOW": f"127.0.0.1:{inner}",
        "LISTEN_MLFLOW": f"127.0.0.1:{outer}",
        "LISTEN_DVC": f"127.0.0.1:{dvc}",
    }
    # As root, nginx would hand its work to another user, who may not read this folder.
    more = ["-g", "user root;"] if os.geteuid() == 0 else []
    path = f"{nginx.path.parent}:/usr/bin:/bin"
    with (folder / "log").open("w") as log:
        processes = [
            subprocess.Popen(argv, env={**os.environ, **env}, cwd=folder / "mlflow", stdout=log, stderr=log),
            subprocess.Popen(
                ["/bin/sh", str(SERVICES / "server/start.sh"), *more],
                env={**nginx.env, **settings, "PATH": path},
                stdout=log,
                stderr=log,
            ),
        ]

    def end_of_log() -> str:
        return (folder / "log").read_text()[-4000:]

    def answered() -> bool:
        assert all(process.poll() is None for process in processes), end_of_log()
        return ask("GET", f"http://127.0.0.1:{outer}/health") == 200

    try:
        until(answered, START_SECONDS, end_of_log, pause=0.1)
        yield Door(f"http://127.0.0.1:{outer}", f"http://127.0.0.1:{dvc}", folder / "dvc")
    finally:
        for process in processes:
            process.terminate()
            process.wait(20)
        for one in held:
            one.close()


def ask(method: str, url: str, **headers: str) -> int:
    """The status of a request; 0 when nobody listens."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        return urllib3.request(method, url, headers=sent, retries=False, timeout=20).status
    except urllib3.exceptions.HTTPError:
        return 0


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


SEARCH = "/api/2.0/mlflow/experiments/get?experiment_id=0"


def test_only_the_token_opens_mlflow(door: Door) -> None:
    assert ask("GET", door.mlflow + SEARCH) == 401
    assert ask("GET", door.mlflow + SEARCH, Authorization="Bearer wrong") == 401
    assert ask("GET", door.mlflow + SEARCH, Authorization=basic("user1", "wrong")) == 401
    assert ask("GET", door.mlflow + SEARCH, Authorization=f"Bearer {TOKEN}") == 200
    assert ask("GET", door.mlflow + "/", Authorization=basic("user1", TOKEN)) == 200


def test_a_page_of_another_site_sends_nothing_with_the_browsers_password(door: Door) -> None:
    opened = basic("user1", TOKEN)
    assert ask("GET", door.mlflow + SEARCH, Authorization=opened, Origin="https://evil.example") == 403
    host = door.mlflow.removeprefix("http://")
    assert ask("GET", door.mlflow + SEARCH, Authorization=opened, Origin=f"https://{host}") == 200


def test_a_run_with_an_artifact_is_stored(door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", TOKEN)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", door.mlflow)
    from mlflow import MlflowClient  # Takes seconds, in each process that collects.

    client = MlflowClient(door.mlflow)
    experiment = client.create_experiment("flights")
    assert experiment == "1", "the guide's links name it"
    run = client.create_run(experiment).info.run_id
    (tmp_path / "note.txt").write_text("hello")
    client.log_artifact(run, str(tmp_path / "note.txt"))
    assert [one.path for one in client.list_artifacts(run)] == ["note.txt"]


def test_dvc_pushes_and_pulls(door: Door, tmp_path: Path) -> None:
    def dvc(*words: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *words], cwd=tmp_path / "repo", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    (tmp_path / "repo").mkdir()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "repo", check=True)
    dvc("init", "-q")
    (tmp_path / "repo/month.csv").write_text("a,b\n1,2\n")
    dvc("add", "-q", "month.csv")
    # As start-notebook sets it.
    dvc("remote", "add", "-q", "--local", "--default", "workshop", door.dvc)
    dvc("remote", "modify", "-q", "--local", "workshop", "method", "PUT")
    dvc("push", "-q")
    assert sum(path.is_file() for path in door.folder.rglob("*")) == 1
    (tmp_path / "repo/month.csv").unlink()
    subprocess.run(["rm", "-rf", str(tmp_path / "repo/.dvc/cache")], check=True)
    dvc("pull", "-q")
    assert (tmp_path / "repo/month.csv").read_text() == "a,b\n1,2\n"


def test_the_remote_takes_no_deletion(door: Door) -> None:
    assert ask("DELETE", f"{door.dvc}/files") == 403


def test_the_pod_is_allowed_by_restricted_v2() -> None:
    spec = deployment()["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] and not spec["automountServiceAccountToken"]
    for one in spec["containers"]:
        context = one["securityContext"]
        assert context["capabilities"] == {"drop": ["ALL"]} and not context["allowPrivilegeEscalation"]
        assert context["readOnlyRootFilesystem"] and "runAsUser" not in context
