"""`workshop trace` on a cluster: what it reads of the participant's namespaces, and what a file may be."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
import yaml

from tests.delivery.test_provenance import create
from tests.signedruns import COMMIT, IMAGE, digest, pem, run, signed
from tests.workshop.commands.test_target import cluster  # noqa: F401
from tests.workshop.lab.api.conftest import lab, namespace  # noqa: F401
from tests.workshop.lab.serving import Lab
from workshop.cli import main
from workshop.lab.paths import LabPaths

FILE_MD5 = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def room(
    cluster: LabPaths,  # noqa: F811
    lab: Lab,  # noqa: F811
    namespace: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A participant's clone; dev has the run of version 2, production runs it and has the key, MLflow is away."""
    endpoints = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "CHAINS_PUBLIC_KEY": pem()}
    for stage in ("dev", "staging", "production"):
        assert lab.ask("POST", "/api/v1/namespaces", {"metadata": {"name": f"{namespace}-{stage}"}})[0] == 201
        made = {"metadata": {"name": "mlops-endpoints"}, "data": endpoints}
        assert lab.ask("POST", f"/api/v1/namespaces/{namespace}-{stage}/configmaps", made)[0] == 201
    create(lab, f"{namespace}-dev", signed(run("train-2", 2, namespace=f"{namespace}-dev")))
    release = {
        "image": f"{IMAGE}@{digest(2)}", "digest": digest(2), "model_version": "2", "git_commit": COMMIT,
        "data_version": "d" * 12, "run": "promote-2", "by": "user1", "came": "promoted",
        "since": "2026-11-29T14:05:00Z",
    }  # fmt: skip
    history = {"metadata": {"name": "flight-delay-history"},
               "data": {"history.json": json.dumps({"entries": [release]})}}  # fmt: skip
    assert lab.ask("POST", f"/api/v1/namespaces/{namespace}-production/configmaps", history)[0] == 201
    monkeypatch.setenv("DEV_NAMESPACE", f"{namespace}-dev")
    clone = tmp_path / "clone"
    (clone / "model" / "data").mkdir(parents=True)
    (clone / "model" / "usecase.yaml").write_text("package: flights\n")
    (clone / "model" / "data" / "flights-2013-01.csv.dvc").write_text(f"outs:\n- md5: {FILE_MD5}\n")
    (clone / "tekton").mkdir()
    monkeypatch.chdir(clone)
    return clone


def test_a_release_is_traced_and_what_is_away_is_named(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", digest(2)]) == 0
    said = capsys.readouterr().out
    for words in ("release   version 2, since 2026-11-29T14:05:00Z: promoted, by user1", "run       train-2 (train-and",
                  "gate      enabled, passed", "statement the signature is verified", f"commit    {COMMIT}",
                  "data      version dddddddddddd: flights-2013-01.csv", "model     version 2",
                  "missing   MLflow could not be read: MLflow at http://127.0.0.1:9 does not answer"):  # fmt: skip
        assert words in said, said


def test_a_file_is_an_answer_or_data_in_git(
    room: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = json.dumps({"meta": {"requestPath": {"flight-delay": f"{IMAGE}@{digest(2)}"}}})
    (room / "answer.json").write_text(answer)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    for what in ("answer.json", "-", "model/data/flights-2013-01.csv", "data/flights-2013-01.csv.dvc"):
        assert main(["trace", what, "-o", "json"]) == 0
        assert [way["run"] for way in json.loads(capsys.readouterr().out)["ways"]] == ["train-2"]
    (room / "model/data/flights-2013-01.csv").write_text("another content\n")
    assert main(["trace", "data/flights-2013-01.csv"]) == 2
    assert "has used flights-2013-01.csv with this content" in capsys.readouterr().err
    (room / "notes.txt").write_text("my notes\n")
    assert main(["trace", "notes.txt"]) == 2
    assert "this is no answer of a model" in capsys.readouterr().err


def test_a_time_and_its_mistakes(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "--at", "2026-11-29T15:06+01:00"]) == 0
    assert "production at 2026-11-29T14:06:00Z: version 2, promoted" in capsys.readouterr().out
    for time in ("five past two", "0001-01-01T00:00+14:00"):
        assert main(["trace", "--at", time]) == 2
        assert "allowed: a time such as 2026-11-29T14:05Z" in capsys.readouterr().err
    for words in ([], ["2", "--at", "2026-11-29"]):
        assert main(["trace", *words]) == 2
        assert "name what to trace, or a time with --at" in capsys.readouterr().err


@pytest.mark.parametrize("text", [".", "x" * 5000], ids=["a folder", "longer than a name may be"])
def test_a_text_that_is_no_name_of_a_file_is_looked_up(
    room: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    assert main(["trace", text]) == 2
    assert "nothing is known as" in capsys.readouterr().err


def test_another_use_case_has_its_own_history(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = room / "workshop/usecases/cars"
    folder.mkdir(parents=True)
    names = {"package": "cars", "deployment": "cars", "experiment": "cars", "image": "cars", "overlays": "overlays"}
    (folder / "overlays").mkdir()
    (folder / "usecase.yaml").write_text(
        yaml.safe_dump({**names, "task": "regression", "measure": "rmse", "target": "litres"})
    )
    assert main(["trace", "--usecase", "workshop/usecases/cars", "--at", "2026-11-30T00:00Z"]) == 2
    assert "flight-delay" not in capsys.readouterr().err
    assert main(["trace", "--at", "2026-11-30T00:00Z"]) == 0
    assert main(["trace", "--usecase", "workshop/usecases/none", digest(2)]) == 2
    assert "workshop/usecases/none/usecase.yaml" in capsys.readouterr().err
