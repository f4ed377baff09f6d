"""Variables of the terminal do not reach the kit's processes if they would break them."""

from __future__ import annotations

import os
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.workshop.commands.test_doctor import KIT
from workshop.isolation import isolate
from workshop.lab import process_environment
from workshop.lab.paths import LabPaths


@pytest.mark.parametrize("known", ["", "localhost,.corp.example", "*"])
def test_loopback_is_an_exception_of_every_proxy_in_both_spellings(known: str) -> None:
    env = {"HTTP_PROXY": "http://proxy.example:3128", "no_proxy": known}
    isolate(env, [])
    for name in ("NO_PROXY", "no_proxy"):
        words = env[name].split(",")
        assert {"127.0.0.1", "localhost", "::1"} <= set(words)
        assert not known or set(known.split(",")) <= set(words)
    assert env["HTTP_PROXY"] == "http://proxy.example:3128"


def test_python_and_curl_reach_loopback_past_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "localhost")
    monkeypatch.setenv("no_proxy", "localhost")
    assert not urllib.request.proxy_bypass("127.0.0.1")
    isolate()
    assert urllib.request.proxy_bypass("127.0.0.1") and urllib.request.proxy_bypass("localhost")


def test_children_of_the_lab_get_the_proxy_and_its_exceptions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", ".corp.example")
    monkeypatch.setenv("PYTHONPATH", "/foreign")
    for env in (process_environment.base(LabPaths(tmp_path)), process_environment.of_steps(LabPaths(tmp_path))):
        assert env["HTTPS_PROXY"] == "http://proxy.example:3128"
        assert env["NO_PROXY"] == env["no_proxy"] == ".corp.example,127.0.0.1,localhost,::1"
        assert "PYTHONPATH" not in env


def test_pythonpath_is_left_out_but_for_the_kit_itself() -> None:
    env = {"PYTHONPATH": os.pathsep.join(["/foreign", str(KIT), ""]), "PYTHONHOME": "/usr"}
    path = ["", "/foreign", str(KIT), "/usr/lib/python3"]
    isolate(env, path)
    assert path == ["", str(KIT), "/usr/lib/python3"]
    assert not {"PYTHONPATH", "PYTHONHOME"} & set(env)


def test_make_does_not_hand_pythonpath_on(tmp_path: Path) -> None:
    """The rules of the Makefile start Python by themselves."""
    (tmp_path / "GNUmakefile").write_text("seen:\n\t@env\n")
    done = subprocess.run(
        ["make", "-f", str(KIT / "Makefile"), "-f", str(tmp_path / "GNUmakefile"), "seen"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": "/foreign", "PYTHONHOME": "/foreign"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "PYTHONDONTWRITEBYTECODE=" in done.stdout
    assert "/foreign" not in done.stdout
