"""A served model with traffic: two predictors behind the gateway, real flights, and Prometheus."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from delivery.traffic import Plan, Traffic
from delivery.usecase import LabelledRow
from flights.schema import FEATURES
from flights.traffic import flights_of

from tests.grafana.boards import KIT
from tests.kit import serving, until
from tests.s2i.conftest import Server
from tests.s2i.flights import serving_model
from workshop.lab.components import prometheus
from workshop.lab.gateway import build
from workshop.lab.monitoring.files import PrometheusFiles
from workshop.lab.monitoring.monitors import jobs, parse
from workshop.lab.monitoring.rules import rule_file
from workshop.lab.monitoring.targets import Inventory, Port, ScrapedPod, target_groups
from workshop.lab.ports import reserve
from workshop.lab.routes import Backend, Routes, Target
from workshop.programs import require

NAMESPACE, DEPLOYMENT = "user1-production", "flight-delay"
SHARES = {"main": 80, "canary": 20}
REQUESTS = 300


@dataclass
class Stack:
    """What runs."""

    gateway: str
    servers: dict[str, Server]
    prometheus_url: str
    rules: PrometheusFiles
    """The files that Prometheus reads again at `reload`."""
    own_rules: dict[str, str]
    """The files of the kit's rules."""
    reload: Callable[[], None]
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10))
    rows: list[list[Any]] = field(default_factory=list)
    """Rows that may be sent again."""

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series that Prometheus answers with."""
        answer = self.client.get(f"{self.prometheus_url}/api/v1/query", params={"query": expr})
        assert answer.status_code == 200, f"{expr}: {answer.text}"
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def until(self, expr: str, seconds: float = 60) -> None:
        """Wait until a query answers with something."""
        until(lambda: self.query(expr), seconds, f"a result of {expr}", pause=0.2)

    def send_enough_rows(self) -> None:
        """Send as many rows as a comparison with training needs within a minute, and wait for the rules' answer."""
        for start in range(0, len(self.rows), 500):
            self.servers["main"].post({"data": {"names": list(FEATURES), "ndarray": self.rows[start : start + 500]}})
        self.until('feature:model_feature_drift:ratio and feature:model_feature_rows:increase{window="1m"} >= 2000')
        self.until('predictor:model_output_drift:ratio and predictor:model_output_rows:increase{window="1m"} >= 2000')


@contextmanager
def scraped(root: Path, predictors: Iterable[str]) -> Iterator[Stack]:
    """Model servers, the gateway, and Prometheus with the kit's rules."""
    model = serving_model()
    with ExitStack() as ending:
        servers = {predictor: _server(predictor, model) for predictor in predictors}
        for server in servers.values():
            ending.callback(server.stop)
        for server in servers.values():
            server.wait_for("ready")
        base = ending.enter_context(_gateway(servers))
        rules, own = PrometheusFiles(root / "prometheus"), _own_rules()
        rules.write_rules(own)
        process, url = _prometheus(root / "prometheus", ending.enter_context(reserve()).number, servers)
        ending.callback(process.wait, 10)
        ending.callback(process.terminate)
        _until_ready(url)
        yield Stack(base, servers, url, rules, own, lambda: process.send_signal(signal.SIGHUP))


@pytest.fixture(scope="package")  # Prometheus evaluates all rules each second until it ends.
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole way from the caller to Prometheus, asked a few hundred times with truth and some mistakes."""
    root = tmp_path_factory.mktemp("stack")
    with scraped(root, SHARES) as made:
        # increase() compares with what was there before: the zeros have to be seen first.
        made.until("count(model_predictions_total == 0) >= 8 and on () count(up == 1) == 2")
        # As many rows as a comparison with training needs.
        plan = Plan(rate=150, rows=10, requests=REQUESTS, feedback=0.8, mistakes=0.03, seed=1)
        flights = flights_of(7, root)
        made.rows = [[flight.values[name] for name in FEATURES] for flight in flights.rows[:2500]]
        for airport, rows in (("ILM", 2), ("BER", 1)):
            _send_to(airport, flights.rows[:rows], made.servers["main"])
        traffic = Traffic(f"{made.gateway}/seldon/{NAMESPACE}/{DEPLOYMENT}", flights, plan)
        traffic.start()
        report = traffic.wait()
        assert not report.failed, report.summary()
        made.until(f"sum({COUNT}) >= {REQUESTS}")
        # A rate needs two scrapes of a code that came late.
        made.until(f'sum(rate({COUNT[:-1]}, code="400"}}[10s])) >= 0')
        yield made


@contextmanager
def _gateway(servers: dict[str, Server]) -> Iterator[str]:
    routes = Routes()
    targets = tuple(
        Target(name, f"{DEPLOYMENT}-{name}", (Backend(f"{DEPLOYMENT}-{name}-0", server.port),), SHARES[name])
        for name, server in servers.items()
    )
    routes.set(NAMESPACE, DEPLOYMENT, targets)
    with serving(build(routes)) as url:
        yield url


COUNT = f'seldon_api_executor_server_requests_seconds_count{{namespace="{NAMESPACE}", service="predictions"}}'


def _server(predictor: str, model: Path) -> Server:
    env = {
        "SELDON_DEPLOYMENT_ID": DEPLOYMENT,
        "PREDICTOR_ID": predictor,
        "PREDICTOR_LABELS": json.dumps({"version": predictor}),
        "PREDICTIVE_UNIT_METRICS_ENDPOINT": "/prometheus",
        "PREDICTIVE_UNIT_IMAGE": f"registry/flight-delay@sha256:{'9f' * 32}",
        "MODEL_DIR": str(model),
        # Nobody reads the log here, and a full pipe would stop the server.
        "MODEL_SERVER_ACCESS_LOG": "no",
    }
    return Server("FlightDelay", env, KIT / "model")


def _prometheus(folder: Path, port: int, servers: dict[str, Server]) -> tuple[subprocess.Popen[bytes], str]:
    """The lab's own Prometheus, which scrapes every half second."""
    program = require("prometheus")
    url = f"http://127.0.0.1:{port}"
    spec = prometheus.process(program.path, folder, {"PATH": os.environ["PATH"]}, url, port)
    monitor = yaml.safe_load((KIT / "seldon/base/podmonitor.yaml").read_text())
    (job,) = jobs(parse({**monitor, "metadata": {"name": DEPLOYMENT, "namespace": NAMESPACE}}))
    pods = [_pod(name, server) for name, server in servers.items()]
    config = {**job.config, "scrape_interval": "500ms", "scrape_timeout": "500ms"}
    PrometheusFiles(folder).write_jobs({job.name: (config, target_groups(job, Inventory(pods)))})
    # The lab's gate adds the password. There is no gate here.
    argv = [word for word in spec.argv if not word.startswith("--web.config.file")]
    started = subprocess.Popen(argv, cwd=spec.cwd, env=dict(spec.env), stderr=subprocess.DEVNULL)
    return started, url


def _send_to(airport: str, flights: Sequence[LabelledRow], server: Server) -> None:
    """A few flights to an airport that training did not have (ILM), or that the schema does not have (BER)."""
    rows = [[{**flight.values, "dest": airport}[name] for name in FEATURES] for flight in flights]
    server.post({"data": {"names": list(FEATURES), "ndarray": rows}})


def _own_rules() -> dict[str, str]:
    """The kit's rules, as the lab writes them; evaluated each second, with which a test need not wait."""
    rule = yaml.safe_load((KIT / "grafana/alerts/prometheusrule.yaml").read_text())
    rule["metadata"]["namespace"] = NAMESPACE
    for group in rule["spec"]["groups"]:
        group["interval"] = "1s"
    return {"own.yaml": rule_file(rule)}


def _pod(predictor: str, server: Server) -> ScrapedPod:
    labels = {"seldon-deployment-id": DEPLOYMENT}
    obj = {"metadata": {"name": f"{DEPLOYMENT}-{predictor}", "namespace": NAMESPACE, "labels": labels}}
    return ScrapedPod(obj, [Port(DEPLOYMENT, "metrics", 6000, server.metrics_port)])


def _until_ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/-/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("Prometheus does not become ready")
