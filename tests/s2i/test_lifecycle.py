"""Start, readiness, shutdown, and the errors for a model that cannot be served."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from .conftest import GOOD, MODELS, ROOT, Server, Start


def run(
    model: str, *flags: str, folder: Path = MODELS, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a server that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "modelserver", *flags, model],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "s2i/server"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": "0",
            "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": "0",
            **(env or {}),
        },
    )


def test_is_live_but_not_ready_while_the_model_loads(started: Start) -> None:
    seconds = '[{"name":"load_seconds","value":"0.8","type":"FLOAT"},{"name":"seconds","value":"0","type":"FLOAT"}]'
    server = started("Slow", shared=False, ready=False, PREDICTIVE_UNIT_PARAMETERS=seconds)
    server.wait_for("listening")
    assert server.get("/live").status == 200
    assert (server.get("/ready").status, server.get("/v2/health/ready").status) == (503, 503)
    early = server.post({"strData": "x"})
    assert (early.status, early.headers["retry-after"]) == (503, "1")
    server.wait_for("ready")
    assert server.get("/ready").status == 200
    assert server.post({"strData": "x"}).status == 200


def test_sigterm_lets_the_answer_under_way_finish_and_exits_with_0(started: Start) -> None:
    server = started("Slow", shared=False, MODEL_SERVER_THREADS="1")
    request = b'POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 15\r\n\r\n{"strData":"x"}'
    with socket.create_connection(("127.0.0.1", server.port)) as caller:
        caller.sendall(request)
        # A second request on the log's side of things would disturb; the model's own thread shows that it began.
        while server.get("/live").status != 200:
            pass
        server.process.send_signal(signal.SIGTERM)
        caller.settimeout(10)
        assert caller.recv(100).startswith(b"HTTP/1.1 200")
    assert server.stop() == 0
    assert any('"stopped"' in line for line in server.lines)


def test_sigterm_during_loading_ends_the_process(started: Start) -> None:
    server = started(
        "Slow",
        shared=False,
        ready=False,
        PREDICTIVE_UNIT_PARAMETERS='[{"name":"load_seconds","value":"0.6","type":"FLOAT"}]',
    )
    server.wait_for("listening")
    assert server.stop() == 0


def test_idle_connections_do_not_delay_the_shutdown(started: Start) -> None:
    server = started("Late", shared=False)
    with socket.create_connection(("127.0.0.1", server.port)):
        timer = threading.Timer(5, server.process.kill)
        timer.start()
        assert server.stop() == 0
        timer.cancel()


def test_the_access_log_has_no_payload_and_no_address(started: Start) -> None:
    server = started("Late", shared=False)
    server.post(GOOD)
    server.ask("GET", "/predict?json=%7B%22private%22:1%7D", authorization="private", user_agent="private")
    server.get("/ready")
    server.stop()
    lines = [json.loads(line) for line in server.lines if '"request"' in line]
    assert [(line["method"], line["path"], line["status"], line["rows"]) for line in lines] == [
        ("POST", "/api/v1.0/predictions", 200, 1),
        ("GET", "/predict", 400, 0),
    ]
    text = "".join(server.lines)
    assert "127.0.0.1" not in text
    assert "private" not in text


def test_listens_on_loopback_alone(late: Server) -> None:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    mine = {row[1] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == late.port}
    assert mine == {f"0100007F:{late.port:04X}"}


@pytest.mark.parametrize("variable", ["PREDICTIVE_UNIT_HTTP_SERVICE_PORT", "PREDICTIVE_UNIT_METRICS_SERVICE_PORT"])
def test_a_port_in_use_is_an_error_with_the_variable_to_change(late: Server, variable: str) -> None:
    done = run("Late", env={variable: str(late.port)})
    assert done.returncode == 1
    text = f"modelserver: cannot listen on 127.0.0.1:{late.port}: Address already in use; set {variable} to a free port"
    assert text in done.stderr


BROKEN = {
    "Nowhere": ("", "there is no module Nowhere for the model Nowhere in "),
    "Empty": ("x = 1\n", "Empty.py has no class Empty"),
    "Mute": ("class Mute: pass\n", "the class Mute has no method predict"),
    "Needy": ("import not_there\n", "the model Needy needs the module not_there, which is not installed"),
    "Loud": ("raise ValueError('bang')\n", "importing Loud failed: ValueError: bang"),
    "Heavy": (
        "class Heavy:\n def load(self): raise OSError('no file')\n def predict(self, X): return X\n",
        "Heavy: loading failed: OSError: no file",
    ),
    "Odd": (
        "class Odd:\n def predict(self, X): return 5\n"
        " def input_schema(self): return [{'name': 'a', 'type': 'number'}]\n",
        "Odd: the warm-up failed: predict() returned int; it must return an array",
    ),
    "Vague": (
        "class Vague:\n def predict(self, X): return X\n"
        " def input_schema(self): return [{'name': 'a', 'type': 'float'}]\n",
        """input_schema()[0] "a": type is 'float'; allowed are string, integer, number""",
    ),
    "Typo": (
        "class Typo:\n def predict(self, X): return X\n"
        " def input_schema(self): return [{'name': 'a', 'type': 'number', 'max': 3}]\n",
        'input_schema()[0] "a": unknown key max; allowed are name, type',
    ),
}


@pytest.mark.parametrize("model", BROKEN)
@pytest.mark.parametrize("flags", [(), ("--check",)], ids=["serve", "check"])
def test_a_model_that_cannot_be_served_stops_the_start_in_one_line(
    tmp_path: Path, model: str, flags: tuple[str, ...]
) -> None:
    source, text = BROKEN[model]
    if source:
        (tmp_path / f"{model}.py").write_text(source)
    done = run(model, *flags, folder=tmp_path)
    assert done.returncode == 1
    assert text in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("PREDICTIVE_UNIT_HTTP_SERVICE_PORT", "http", "must be an integer from 0 to 65535"),
        ("PREDICTIVE_UNIT_PARAMETERS", "{", "PREDICTIVE_UNIT_PARAMETERS is not JSON"),
        (
            "PREDICTIVE_UNIT_PARAMETERS",
            '[{"name":"threshold","value":"x","type":"INT"}]',
            "is 'x', which is not of type INT",
        ),
        ("PREDICTIVE_UNIT_PARAMETERS", '[{"name":"colour","value":"x","type":"STRING"}]', "Late(colour) failed"),
        ("MODEL_METADATA", "name: [late", "MODEL_METADATA is not YAML"),
        ("MODEL_METADATA", "- late", "MODEL_METADATA is '- late'; it must be an object"),
        ("SERVICE_TYPE", "ROUTER", "SERVICE_TYPE is ROUTER; modelserver serves MODEL alone"),
        ("MODEL_SERVER_ACCESS_LOG", "maybe", "it must be true or false"),
    ],
)
def test_a_setting_that_cannot_be_read_is_named(name: str, value: str, text: str) -> None:
    done = run("Late", env={name: value})
    assert done.returncode == 1
    assert text in done.stderr


def test_a_class_in_a_package_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "mod.py").write_text("class Other:\n def predict(self, X): return X\n")
    assert run("pack.mod.Other", "--check", folder=tmp_path).returncode == 0


def test_an_unhealthy_model_is_reported(started: Start) -> None:
    server = started("Echo", PREDICTIVE_UNIT_PARAMETERS='[{"name":"fails","value":"true","type":"BOOL"}]')
    answer = server.get("/health/status")
    assert (answer.status, answer.info) == (503, "the model is not healthy: broken")
