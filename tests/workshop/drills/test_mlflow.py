"""MLflow refuses an expired token and a full disk, with the reason; nothing is half done, and it goes on afterwards."""

from __future__ import annotations

import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from delivery import tracking
from delivery.errors import DeliveryError

from workshop.drills import expired_secret, mlflow_full
from workshop.lab.components.mlflow import process
from workshop.lab.ports import reserve

pytestmark = [pytest.mark.slow]
TOKEN = "the-lab-s-token"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The lab's MLflow: its address and its process."""
    folder = tmp_path_factory.mktemp("mlflow")
    (folder / "token").write_text(TOKEN)
    with reserve(for_own_user=True) as port:
        made = process(folder, port.number, {"PATH": os.environ["PATH"], "HOME": str(folder)}, folder / "token", "")
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(made.argv, env=dict(made.env), cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port.number}"
        until = time.monotonic() + 60
        while not _answers(url):
            assert running.poll() is None and time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.1)
        yield url, running
    finally:
        running.kill()
        running.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2):
            return True
    except OSError:
        return False


@pytest.fixture
def client(server: tuple[str, subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server[0])
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", TOKEN)
    return tracking.mlflow().MlflowClient(server[0])


def test_an_expired_token_is_named_and_a_valid_one_is_not(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "expired")
    with pytest.raises(DeliveryError) as refused, tracking.reachable():
        client.create_run("1")
    assert re.search(expired_secret.PATTERN, str(refused.value)), refused.value
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", TOKEN)
    with tracking.reachable():
        client.delete_run(client.create_run("1").info.run_id)


def test_a_full_disk_is_the_reason_and_nothing_is_half_registered(
    client: Any, server: tuple[str, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    with tracking.reachable():
        run = client.create_run("1").info.run_id
        client.create_registered_model("flight-delay")
    file = tmp_path / "model.onnx"
    file.write_bytes(b"onnx" * 1000)
    assert mlflow_full.limit(server[1].pid, 0)
    attempts: list[Callable[[], Any]] = [
        lambda: client.create_run("1"),
        lambda: client.log_metric(run, "auc", 0.7),
        lambda: client.log_artifact(run, str(file)),
        lambda: client.create_model_version("flight-delay", f"runs:/{run}/model.onnx", run),
    ]
    for attempt in attempts:
        with pytest.raises(DeliveryError) as refused, tracking.reachable():
            attempt()
        assert re.search(mlflow_full.PATTERN, str(refused.value)), refused.value
        assert not re.search(expired_secret.PATTERN, str(refused.value))
        assert refused.value.next == "free space on its disk, then start the run again"
    assert client.get_run(run).info.status == "RUNNING", "it still reads"
    assert mlflow_full.limit(server[1].pid, None) and not mlflow_full.limit(server[1].pid, None)
    with tracking.reachable():
        assert [one.info.run_id for one in client.search_runs(["1"])] == [run]
        assert client.search_model_versions("name='flight-delay'") == [] and client.list_artifacts(run) == []
        client.log_artifact(run, str(file))
        client.create_model_version("flight-delay", f"runs:/{run}/model.onnx", run)


def test_a_server_that_is_away_is_the_reason_and_what_comes_next_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(DeliveryError) as away, tracking.reachable():
        tracking.mlflow().MlflowClient("http://127.0.0.1:9").create_run("1")
    assert away.value.message.startswith("MLflow at http://127.0.0.1:9 does not answer: ")
    assert "Connection refused" in away.value.message and "start the run again" in away.value.next
