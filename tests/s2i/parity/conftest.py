"""Both servers, started once a session for each model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.s2i import flights
from tests.s2i.parity.probes import (
    COUNTED,
    ECHO,
    LATE,
    STARTS,
    Both,
    found_at_the_start,
    found_in_answers,
    found_in_series,
)
from tests.s2i.parity.servers import KIT, Server, packages
from workshop.errors import SetupError

MODELS = KIT / "tests" / "s2i" / "models"
Start = Callable[..., Both]


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith("tests/s2i/parity/"):
            item.add_marker(pytest.mark.xdist_group("parity"))


@pytest.fixture(scope="session")
def start() -> Iterator[Start]:
    """Start a model under both servers."""
    started: list[Server] = []
    try:
        packages("seldon-core")
    except SetupError as e:
        pytest.skip(f"the stock wrapper cannot be had: {e}")

    def start(model: str, folder: Path = MODELS, **env: str) -> Both:
        with ThreadPoolExecutor() as pool:
            both = list(pool.map(lambda name: Server(name, model, folder, env), ("seldon-core", "modelserver")))
        started.extend(both)
        return Both(*both)

    yield start
    with ThreadPoolExecutor() as pool:
        list(pool.map(Server.stop, started))


@pytest.fixture(scope="session")
def echo(start: Start) -> Both:
    return start("Echo")


@pytest.fixture(scope="session")
def late(start: Start) -> Both:
    return start("Late")


@pytest.fixture(scope="session")
def counted(start: Start) -> Both:
    """A model that only the probes for metrics are sent to."""
    return start("Late")


@pytest.fixture(scope="session")
def findings(echo: Both, late: Both, counted: Both, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Everything that differs when the servers are asked all the probes."""
    found: list[str] = []
    for model, both, probes in (("late", late, LATE), ("echo", echo, ECHO)):
        for probe in probes:
            found += found_in_answers(model, probe, *both.ask(probe))
    for probe in LATE:
        if probe.name in COUNTED:
            counted.ask(probe)
    for name in STARTS:
        found += found_at_the_start(name, tmp_path_factory.mktemp("start"))
    return found + list(found_in_series(counted.stock.series(), counted.own.series()))


@pytest.fixture(scope="session")
def flight_delay(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """The workshop's own model."""
    return start("FlightDelay", flights.source(tmp_path_factory.mktemp("parity") / "model"))
