"""Who is measured, how each is started and what it is asked: all with the same model and the same rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.s2i.parity.servers import packages
from workshop.lab.ports import reserve

KIT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
MLSERVER = ("mlserver==1.7.1", "uvloop<0.22", "onnxruntime")
"""uvloop 0.22 stops MLServer 1.7.1 (its issue 2286)."""

Rows = tuple[list[str], list[list[Any]]]


def seldon(rows: Rows) -> Any:
    """The rows as Seldon's protocol has them."""
    return {"data": {"names": rows[0], "ndarray": rows[1]}}


def inference(rows: Rows) -> Any:
    """The rows as the Open Inference Protocol has them: one tensor a column."""
    columns = zip(rows[0], zip(*rows[1], strict=True), strict=True)
    return {
        "inputs": [
            {"name": name, "shape": [len(values)], "datatype": _datatype(values), "data": list(values)}
            for name, values in columns
        ]
    }


def _datatype(values: Sequence[Any]) -> str:
    return "BYTES" if any(isinstance(value, str) for value in values) else "FP64"


def split(rows: Rows) -> Any:
    """The rows as MLflow's scoring server has them."""
    return {"dataframe_split": {"columns": rows[0], "data": rows[1]}}


@dataclass(frozen=True)
class Contestant:
    """One server: its name in the table, the command for a port, and where and how it is asked."""

    name: str
    command: Callable[[int], Sequence[str]]
    path: str
    body: Callable[[Rows], Any]
    ready: str
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = KIT
    batches: bool = True


class Running:
    """A started contestant; `stop` ends it with all its processes."""

    def __init__(self, contestant: Contestant, log: Path) -> None:
        self.port = _free_port()
        began = time.perf_counter()
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                contestant.command(self.port),
                cwd=contestant.cwd,
                env={**_base(), **_ports(self.port), **contestant.env},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.url = f"http://127.0.0.1:{self.port}"
        while not self._answers(contestant.ready):
            if self._process.poll() is not None or time.perf_counter() - began > 90:
                self.stop()
                raise RuntimeError(f"{contestant.name} does not start: {log.read_text()[-2000:]}")
            time.sleep(0.02)
        self.start_seconds = time.perf_counter() - began

    def _answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    def _all(self) -> list[psutil.Process]:
        process = psutil.Process(self._process.pid)
        return [process, *process.children(recursive=True)]

    def mebibytes(self) -> float:
        """The memory of all its processes, what they share counted once (PSS)."""
        return sum(process.memory_full_info().pss for process in self._all()) / 2**20

    def cpu_seconds(self) -> float:
        """The CPU time of all its processes. On a shared machine it means more than a rate."""
        return sum(sum(process.cpu_times()[:2]) for process in self._all())

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for what is left of the group after 5 s."""
        family = psutil.Process(self._process.pid).children(recursive=True) if self._process.poll() is None else []
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for child in family:
            if child.is_running():
                child.kill()


def _base() -> dict[str, str]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR", "UV_CACHE_DIR") if key in os.environ}
    # One thread a process: OpenMP's threads would fight over the cores with the load generator.
    return {**kept, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _free_port() -> int:
    # Let go at once: not every contestant can share a port that is held.
    with reserve() as held:
        return held.number


def _ports(port: int) -> dict[str, str]:
    return {
        "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(port),
        "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(_free_port()),
        "PREDICTIVE_UNIT_ID": "flight-delay",
        "PREDICTIVE_UNIT_IMAGE": "registry/models/flight-delay:1",
    }


def contestants(folder: Path) -> list[Contestant]:
    """Everybody, with what each needs made in `folder`; the first are the limit, the third is ours."""
    # As the model's .s2i/environment has it: metrics go to Prometheus and not into each answer.
    model = {"MODEL_DIR": str(folder / "serving"), "INCLUDE_METRICS_IN_CLIENT_RESPONSE": "false"}
    own = {**model, "PYTHONPATH": f"{KIT / 's2i' / 'server'}:{KIT / 'model'}"}
    platform = sysconfig.get_path("platlib")
    wrapper = {**model, "PYTHONPATH": f"{packages('seldon-core')}:{platform}:{KIT / 'model'}"}

    def bare(kind: str) -> Contestant:
        return Contestant(
            f"empty answer, {kind}",
            lambda port: [sys.executable, "-m", "tests.bench.serving.bare", kind.split()[0], str(port)],
            "/",
            seldon,
            "/",
            {"PYTHONPATH": f"{KIT}:{KIT / 's2i' / 'server'}"},
            batches=False,
        )

    def ours(name: str, **env: str) -> Contestant:
        command = [sys.executable, "-m", "modelserver", "FlightDelay"]
        return Contestant(
            name, lambda port: command, "/api/v1.0/predictions", seldon, "/ready", {**own, **env}, KIT / "model"
        )

    def stock(name: str, model_class: str, cwd: Path) -> Contestant:
        # As s2i/bin/common starts it.
        command = [sys.executable, "-sS", "-m", "seldon_wrapper", model_class]
        return Contestant(name, lambda port: command, "/predict", seldon, "/health/ping", wrapper, cwd)

    return [
        bare("own HTTP"),
        bare("uvicorn"),
        ours("modelserver, ONNX"),
        ours("modelserver, ONNX, 2 workers", MODEL_SERVER_WORKERS="2"),
        stock("seldon-core 1.17.1, ONNX", "FlightDelay", KIT / "model"),
        stock("seldon-core 1.17.1, scikit-learn", "Pipeline", HERE / "models"),
        _mlserver(folder, model),
        _mlflow(folder, model),
    ]


def _mlserver(folder: Path, env: Mapping[str, str]) -> Contestant:
    """MLServer in an environment of its own, with its worker processes off: the quickest that it can do."""
    venv, home = folder / "mlserver", folder / "mlserver-model"
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(venv)], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(venv / "bin" / "python"), *MLSERVER], check=True)
    home.mkdir()
    (home / "model-settings.json").write_text(json.dumps({"name": "flights", "implementation": "runtime.Flights"}))

    def command(port: int) -> Sequence[str]:
        settings = {"parallel_workers": 0, "host": "127.0.0.1", "http_port": port, "grpc_port": _free_port()}
        (home / "settings.json").write_text(json.dumps({**settings, "metrics_port": _free_port(), "debug": False}))
        return [str(venv / "bin" / "mlserver"), "start", str(home)]

    where = {**env, "PYTHONPATH": str(HERE / "models")}
    return Contestant(
        "MLServer 1.7.1, ONNX",
        command,
        "/v2/models/flights/infer",
        inference,
        "/v2/models/flights/ready",
        where,
        home,
    )


def _mlflow(folder: Path, env: Mapping[str, str]) -> Contestant:
    """MLflow's scoring server in the platform's own environment."""
    saved = folder / "mlflow-model"
    code = (
        "import mlflow; mlflow.pyfunc.save_model("
        f"{str(saved)!r}, python_model={str(HERE / 'models' / 'pyfunc.py')!r}, "
        f"artifacts={{'model': {str(folder / 'serving' / 'model.onnx')!r}}}, pip_requirements=['onnxruntime'])"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env={**_base(), **env})
    mlflow = str(Path(sys.executable).parent / "mlflow")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return Contestant(
        "mlflow models serve, ONNX",
        lambda port: [
            *(mlflow, "models", "serve", "-m", str(saved), "--env-manager", "local"),
            *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        ],
        "/invocations",
        split,
        "/ping",
        {**env, "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true"},
    )
