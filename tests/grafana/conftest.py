"""A served model with traffic: two predictors behind the gateway, real flights, and Prometheus."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

from tests.fuel import FOLDER as FUEL
from tests.fuel import trained_kit
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
REGRESSION = "fuel-consumption"
"""A second deployment, whose only predictor is `main`."""
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
    regression: Server | None = None

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
        if self.regression is not None:
            ask_about_cars(self.regression)
        for name in (DEPLOYMENT, *([REGRESSION] if self.regression else [])):
            of = f'deployment_name="{name}"'
            rows = f'increase{{window="1m", {of}}} >= 2000'
            self.until(f"feature:model_feature_drift:ratio{{{of}}} and feature:model_feature_rows:{rows}")
            self.until(f"predictor:model_output_drift:ratio{{{of}}} and predictor:model_output_rows:{rows}")


@contextmanager
def scraped(root: Path, predictors: Iterable[str], *, regression: bool = False) -> Iterator[Stack]:
    """Model servers, the gateway, and Prometheus with the kit's rules; a regression next to them if it is wanted."""
    model = serving_model()
    with ExitStack() as ending:
        servers = {predictor: _server(predictor, model) for predictor in predictors}
        cars = _regression() if regression else None
        every = {DEPLOYMENT: servers} | ({REGRESSION: {"main": cars}} if cars else {})
        for server in (one for each in every.values() for one in each.values()):
            ending.callback(server.stop)
        for server in (one for each in every.values() for one in each.values()):
            server.wait_for("ready")
        base = ending.enter_context(_gateway(servers))
        rules, own = PrometheusFiles(root / "prometheus"), _own_rules()
        rules.write_rules(own)
        process, url = _prometheus(root / "prometheus", ending.enter_context(reserve()).number, every)
        ending.callback(process.wait, 10)
        ending.callback(process.terminate)
        _until_ready(url)
        yield Stack(base, servers, url, rules, own, lambda: process.send_signal(signal.SIGHUP), regression=cars)


@pytest.fixture(scope="package")  # Prometheus evaluates all rules each second until it ends.
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole way from the caller to Prometheus, asked a few hundred times with truth and some mistakes."""
    root = tmp_path_factory.mktemp("stack")
    with scraped(root, SHARES, regression=True) as made:
        # increase() compares with what was there before: the zeros have to be seen first.
        made.until("count(model_predictions_total == 0) >= 8 and on () count(up == 1) == 3")
        made.until('count(model_feedback_error_total{power="0"} == 0) >= 2')
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
        assert made.regression is not None
        ask_about_cars(made.regression)
        made.until(f"sum({COUNT}) >= {REQUESTS}")
        made.until('sum(model_feedback_error_total{power="0"}) >= 2500')
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


_PLACE = f'namespace="{NAMESPACE}", deployment_name="{DEPLOYMENT}"'
COUNT = f'seldon_api_executor_server_requests_seconds_count{{{_PLACE}, service="predictions"}}'


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


def _regression() -> Server:
    env = {
        "SELDON_DEPLOYMENT_ID": REGRESSION,
        "PREDICTOR_ID": "main",
        "PREDICTOR_LABELS": json.dumps({"version": "main"}),
        "PREDICTIVE_UNIT_METRICS_ENDPOINT": "/prometheus",
        "MODEL_SERVER_ACCESS_LOG": "no",
    }
    return Server("FuelConsumption", env, trained_kit() / FUEL)


def ask_about_cars(server: Server) -> None:
    """Send the cars of the test with their truth, 2528 rows in all, and one of an origin that the schema refuses."""
    names, *cars = csv.reader((trained_kit() / FUEL / "data/cars.csv").read_text().splitlines())
    chosen = [dict(zip(names, car, strict=True)) for car in cars[4::5]]
    columns = [name for name in names if name not in ("name", "consumption")]
    rows = [[car[name] if name == "origin" else json.loads(car[name] or "null") for name in columns] for car in chosen]
    data = {"names": columns, "ndarray": rows * 8}
    truth = [[float(car["consumption"])] for car in chosen] * 8
    for _ in range(4):
        assert server.post({"data": data}).status == 200
        feedback = {"request": {"data": data}, "truth": {"data": {"ndarray": truth}}}
        assert server.post(feedback, "/api/v1.0/feedback").status == 200
    wrong = {"names": columns, "ndarray": [[*rows[0][:-1], "Mars"]]}
    assert server.post({"data": wrong}).status == 400


def _prometheus(
    folder: Path, port: int, deployments: Mapping[str, Mapping[str, Server]]
) -> tuple[subprocess.Popen[bytes], str]:
    """The lab's own Prometheus, which scrapes every half second."""
    program = require("prometheus")
    url = f"http://127.0.0.1:{port}"
    spec = prometheus.process(program.path, folder, {"PATH": os.environ["PATH"]}, url, port)
    made = {}
    for deployment, servers in deployments.items():
        text = (KIT / "seldon/base/podmonitor.yaml").read_text().replace(DEPLOYMENT, deployment)
        (job,) = jobs(parse({**yaml.safe_load(text), "metadata": {"name": deployment, "namespace": NAMESPACE}}))
        pods = [_pod(deployment, name, server) for name, server in servers.items()]
        config = {**job.config, "scrape_interval": "500ms", "scrape_timeout": "500ms"}
        made[job.name] = (config, target_groups(job, Inventory(pods)))
    PrometheusFiles(folder).write_jobs(made)
    # The lab's gate adds the password. There is no gate here.
    argv = [word for word in spec.argv if not word.startswith("--web.config.file")]
    started = subprocess.Popen(argv, cwd=spec.cwd, env=dict(spec.env), stderr=subprocess.DEVNULL)
    return started, url


def _send_to(airport: str, flights: Sequence[LabelledRow], server: Server) -> None:
    """A few flights to an airport that training did not have (ILM), or that the schema does not have (BER)."""
    rows = [[{**flight.values, "dest": airport}[name] for name in FEATURES] for flight in flights]
    server.post({"data": {"names": list(FEATURES), "ndarray": rows}})


def _own_rules() -> dict[str, str]:
    """The kit's rules, as the lab writes them; evaluated every three seconds, so that a test waits little."""
    rule = yaml.safe_load((KIT / "grafana/alerts/prometheusrule.yaml").read_text())
    rule["metadata"]["namespace"] = NAMESPACE
    for group in rule["spec"]["groups"]:
        group["interval"] = "3s"
    return {"own.yaml": rule_file(rule)}


def _pod(deployment: str, predictor: str, server: Server) -> ScrapedPod:
    labels = {"seldon-deployment-id": deployment}
    obj = {"metadata": {"name": f"{deployment}-{predictor}", "namespace": NAMESPACE, "labels": labels}}
    return ScrapedPod(obj, [Port(deployment, "metrics", 6000, server.metrics_port)])


def _until_ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/-/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("Prometheus does not become ready")
