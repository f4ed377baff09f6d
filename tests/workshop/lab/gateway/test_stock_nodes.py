"""A graph of nodes with Seldon's own wrapper: the merged meta, and the receivers of feedback.

Nodes that are not ours show that the gateway follows the protocol and not only the tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.s2i.parity.servers import Server, packages
from tests.workshop.lab.gateway.nodes import FEEDBACK, NAME, NAMESPACE, POD, PREDICTIONS, gateway, unit
from workshop.errors import SetupError
from workshop.lab.routes import Backend, Orchestrated, Routes, Target
from workshop.manifests.seldon import defaulted

pytestmark = [pytest.mark.xdist_group("parity")]
SOURCE = '''
import numpy

class Part:
    def tags(self):
        return {type(self).__name__.lower(): True}

class Double(Part):
    def predict(self, X, names, meta=None):
        return numpy.asarray(X) * 2

class Tenfold(Part):
    def predict(self, X, names, meta=None):
        return numpy.asarray(X) * 10

class Between(Part):
    """Everything that is no model: the wrapper serves all paths, whatever its service type."""

    def transform_input(self, X, names, meta=None):
        return numpy.asarray(X) + 1

    def aggregate(self, Xs, names, meta=None):
        return numpy.mean(Xs, axis=0)

    def route(self, X, names):
        return 1
'''
ROLES = {"between": "ROUTER", "double": "MODEL", "tenfold": "MODEL"}


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    try:
        packages("seldon-core")
    except SetupError as e:
        pytest.skip(f"the stock wrapper cannot be had: {e}")
    folder: Path = tmp_path_factory.mktemp("parts")

    def start(name: str) -> Server:
        kind = name.title()
        (folder / f"{kind}.py").write_text(SOURCE)
        env = {"SERVICE_TYPE": ROLES[name], "PREDICTIVE_UNIT_ID": name, "PREDICTIVE_UNIT_IMAGE": f"{name}:1"}
        return Server("seldon-core", kind, folder, env)

    with ThreadPoolExecutor() as pool:
        started = dict(zip(ROLES, pool.map(start, ROLES), strict=True))
    yield started
    with ThreadPoolExecutor() as pool:
        list(pool.map(Server.stop, started.values()))


def test_a_graph_of_stock_wrappers_answers_and_learns(nodes: dict[str, Server]) -> None:
    pick = unit("pick", unit("double"), unit("tenfold"), type_="ROUTER")
    whole = unit("plus", unit("mean", unit("first"), pick, type_="COMBINER"), type_="TRANSFORMER")
    played = {"plus": "between", "mean": "between", "pick": "between", "first": "double"}
    ports = {name: nodes[played.get(name, name)].port for name in (*played, "double", "tenfold")}
    plan = Orchestrated(defaulted(whole), tells_routing=True)
    routes = Routes()
    routes.set(NAMESPACE, NAME, (Target("main", "s", (Backend(POD, 1, ports),), orchestrated=plan),))

    async def scenario() -> tuple[dict[str, object], int]:
        async with gateway(routes) as client:
            request = {"data": {"names": ["x"], "ndarray": [[1.0]]}, "meta": {"tags": {"caller": "me"}}}
            answer = (await client.post(PREDICTIONS, json=request)).json()
            message = {"request": request, "response": answer, "reward": 1.0, "truth": {"data": {"ndarray": [[1.0]]}}}
            return answer, (await client.post(FEEDBACK, json=message)).status_code

    answer, code = asyncio.run(scenario())
    # (1 + 1) by two and by ten, in the middle.
    assert answer["data"]["ndarray"] == [[12.0]]  # type: ignore[index]
    meta: dict[str, dict[str, object]] = answer["meta"]  # type: ignore[assignment]
    assert meta["tags"] == {"caller": "me", "between": True, "double": True, "tenfold": True}
    assert meta["routing"] == {"plus": -1, "mean": -1, "first": -1, "pick": 1, "tenfold": -1}
    assert set(meta["requestPath"]) == {"between", "double", "tenfold"}
    assert code == 200

    def rewards(name: str) -> float:
        return sum(v for (n, _), v in nodes[name].series().items() if n == "seldon_api_model_feedback_total")

    # The models on the way and the router; not the transformer, the combiner and the child that was not chosen.
    assert {name: rewards(name) for name in ROLES} == {"between": 1, "double": 1, "tenfold": 1}
