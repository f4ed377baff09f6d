"""Graphs are evaluated as by Seldon's executor: requests, their order, and the answer."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from aiohttp import web
from modelserver import families

from tests.workshop.lab.gateway.nodes import BASE, FEEDBACK, POD, PREDICTIONS, graph, ratio_a, running, unit

METRICS = f"/executor/user1-staging/{POD}/prometheus"


def message(*values: float, **meta: Any) -> dict[str, Any]:
    return {"data": {"ndarray": [list(values)]}, **({"meta": meta} if meta else {})}


def first(body: dict[str, Any]) -> float:
    return float(body["data"]["ndarray"][0][0])


def adds(amount: float) -> Any:
    return lambda path, body: {} if path == "/send-feedback" else message(first(body) + amount)


def mean(path: str, body: list[dict[str, Any]]) -> dict[str, Any]:
    return message(sum(map(first, body)) / len(body))


def chooses(branch: int) -> Any:
    return lambda path, body: message(branch) if path == "/route" else {}


def test_a_chain_transforms_the_input_asks_the_model_and_transforms_the_output() -> None:
    async def scenario() -> None:
        async with running(before=adds(1), model=adds(10), after=adds(100)) as nodes:
            whole = unit(
                "after", unit("before", unit("model", type_="MODEL"), type_="TRANSFORMER"), type_="OUTPUT_TRANSFORMER"
            )
            async with graph(whole, nodes) as client:
                answer = await client.post(PREDICTIONS, json=message(0))
        assert answer.status_code == 200
        assert answer.json() == message(111)
        assert [nodes[n].asked for n in ("before", "model", "after")] == [
            [("/transform-input", message(0))],
            [("/predict", message(1))],
            [("/transform-output", message(11))],
        ]

    asyncio.run(scenario())


def test_a_model_with_a_child_predicts_first_and_hands_on_its_answer() -> None:
    async def scenario() -> None:
        async with running(one=adds(1), two=adds(10)) as nodes, graph(unit("one", unit("two")), nodes) as client:
            assert (await client.post(PREDICTIONS, json=message(0))).json() == message(11)

    asyncio.run(scenario())


def test_a_combiner_gets_the_answers_of_all_children_in_their_order() -> None:
    async def scenario() -> None:
        async with (
            running(a=adds(1), b=adds(2), mean=mean) as n,
            graph(unit("mean", unit("a"), unit("b"), type_="COMBINER"), n) as client,
        ):
            answer = await client.post(PREDICTIONS, json=message(0))
        assert answer.json() == message(1.5)
        assert n["mean"].asked == [("/aggregate", [message(1), message(2)])]

    asyncio.run(scenario())


@pytest.mark.parametrize(("branch", "asked"), [(0, ["a"]), (1, ["b"]), (-1, ["a", "b"]), (-2, [])])
def test_a_router_chooses_one_child_all_children_or_none(branch: int, asked: list[str]) -> None:
    async def scenario() -> None:
        async with (
            running(r=chooses(branch), a=adds(1), b=adds(2)) as nodes,
            graph(unit("r", unit("a"), unit("b"), type_="ROUTER"), nodes) as client,
        ):
            answer = await client.post(PREDICTIONS, json=message(0))
        assert [name for name in "ab" if nodes[name].asked] == asked
        assert answer.json() == message({0: 1, 1: 2, -1: 1, -2: 0}[branch])

    asyncio.run(scenario())


def test_a_router_that_names_no_child_is_the_orchestrators_failure() -> None:
    async def scenario() -> None:
        async with (
            running(r=chooses(5), a=adds(1)) as nodes,
            graph(unit("r", unit("a"), type_="ROUTER"), nodes) as client,
        ):
            answer = await client.post(PREDICTIONS, json=message(0))
        assert answer.status_code == 500
        assert answer.json() == {
            "status": {"code": 500, "info": "router r chose branch 5; it has 1, counted from 0", "status": "FAILURE"}
        }

    asyncio.run(scenario())


@pytest.mark.parametrize(("ratio", "expected"), [("1", {"a"}), ("0", {"b"}), ("0.5", {"a", "b"})])
def test_random_abtest_sends_the_part_ratio_a_to_its_first_child(ratio: str, expected: set[str]) -> None:
    async def scenario() -> None:
        async with running(a=adds(1), b=adds(2)) as nodes:
            whole = unit("ab", unit("a"), unit("b"), implementation="RANDOM_ABTEST", parameters=ratio_a(ratio))
            async with graph(whole, nodes) as client:
                for _ in range(40):
                    assert (await client.post(PREDICTIONS, json=message(0))).status_code == 200
        assert {name for name in "ab" if nodes[name].asked} == expected

    asyncio.run(scenario())


def test_answers_contain_their_routing_and_feedback_follows_it() -> None:
    async def scenario() -> None:
        async with running(r=chooses(1), a=adds(1), b=adds(2)) as nodes:
            whole = unit("r", unit("a"), unit("b"), type_="ROUTER")
            async with graph(whole, nodes, tells_routing=True) as client:
                answer = (await client.post(PREDICTIONS, json=message(0))).json()
                assert answer["meta"]["routing"] == {"r": 1, "b": -1}
                text_found = {"request": message(0), "response": answer, "reward": 1, "truth": message(1)}
                given = await client.post(FEEDBACK, json=text_found)
        assert given.status_code == 200
        asked = {name: [path for path, _ in node.asked] for name, node in nodes.items()}
        assert asked == {"r": ["/route", "/send-feedback"], "a": [], "b": ["/predict", "/send-feedback"]}
        assert nodes["b"].asked[1] == ("/send-feedback", text_found)

    asyncio.run(scenario())


def test_feedback_without_routing_goes_to_every_model_and_router() -> None:
    async def scenario() -> None:
        async with running(t=adds(0), r=chooses(1), a=adds(1), b=adds(2)) as nodes:
            whole = unit("t", unit("r", unit("a"), unit("b"), type_="ROUTER"), type_="TRANSFORMER")
            async with graph(whole, nodes) as client:
                text_found = {"request": message(0), "response": {}, "reward": 1}
                answer = await client.post(FEEDBACK, json=text_found)
        assert {name for name, node in nodes.items() if node.asked} == {"r", "a", "b"}
        # A root that takes no feedback hands on what came.
        assert answer.json() == text_found

    asyncio.run(scenario())


def test_methods_make_a_node_do_more_than_its_type() -> None:
    async def scenario() -> None:
        async with running(node=adds(1), model=adds(10)) as nodes:
            does = ["TRANSFORM_INPUT", "TRANSFORM_OUTPUT", "SEND_FEEDBACK"]
            async with graph(unit("node", unit("model"), methods=does), nodes) as client:
                assert (await client.post(PREDICTIONS, json=message(0))).json() == message(12)
                await client.post(FEEDBACK, json={"request": message(0), "response": {}, "reward": 1})
        assert [path for path, _ in nodes["node"].asked] == ["/transform-input", "/transform-output", "/send-feedback"]

    asyncio.run(scenario())


def test_a_nodes_error_goes_to_the_caller_with_its_status_and_body_and_ends_the_walk() -> None:
    async def scenario() -> None:
        wrong = {"status": {"status": 1, "info": "row 1: <no> such column", "code": -1, "reason": "BAD_DATA"}}
        async with (
            running(t=lambda path, body: web.json_response(wrong, status=400), model=adds(1)) as nodes,
            graph(unit("t", unit("model"), type_="TRANSFORMER"), nodes) as client,
        ):
            answer = await client.post(PREDICTIONS, json=message(0))
            counted = (await client.get(METRICS)).text
        assert answer.status_code == 400
        assert answer.json() == wrong
        assert "\\u003cno\\u003e" in answer.text
        # The executor sets the content type after the header is written.
        assert answer.headers["content-type"].startswith("text/plain")
        assert nodes["model"].asked == []
        assert 'code="400",deployment_name="flight-delay",method="post"' in counted.replace(" ", "")

    asyncio.run(scenario())


def test_a_node_that_is_not_there_is_the_orchestrators_failure() -> None:
    async def scenario() -> None:
        async with running(model=adds(1)) as nodes:
            gone = nodes["model"]
        async with graph(unit("model"), {"model": gone}) as client:
            answer = await client.post(PREDICTIONS, json=message(0))
        assert answer.status_code == 500
        assert answer.json()["status"]["status"] == "FAILURE"
        assert f"dial tcp 127.0.0.1:{gone.port}" in answer.json()["status"]["info"]

    asyncio.run(scenario())


def test_a_node_that_takes_longer_than_rest_timeout_is_given_up() -> None:
    async def scenario() -> None:
        with_answer = asyncio.Event()

        async def says_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await with_answer.wait()
            writer.close()

        server = await asyncio.start_server(says_nothing, "127.0.0.1", 0)
        async with running(model=adds(1)) as nodes:
            nodes["model"].port = server.sockets[0].getsockname()[1]
            async with graph(unit("model"), nodes, timeout=0.05) as client:
                answer = await client.post(PREDICTIONS, json=message(0))
        with_answer.set()
        server.close()
        assert answer.status_code == 500
        assert "context deadline exceeded" in answer.json()["status"]["info"]

    asyncio.run(scenario())


def test_the_requests_id_is_kept_made_and_handed_to_every_node() -> None:
    async def scenario() -> None:
        async with (
            running(t=adds(1), model=adds(1)) as nodes,
            graph(unit("t", unit("model"), type_="TRANSFORMER"), nodes) as client,
        ):
            made = await client.post(PREDICTIONS, json=message(0))
            kept = await client.post(PREDICTIONS, json=message(0), headers={"Seldon-Puid": "mine", "X-Trace": "t"})
        assert re.fullmatch(r"[0-9a-f-]{36}", made.headers["seldon-puid"])
        assert kept.headers["seldon-puid"] == "mine"
        for node in nodes.values():
            assert [h["seldon-puid"] for h in node.headers] == [made.headers["seldon-puid"], "mine"]
            assert node.headers[1]["x-trace"] == "t"

    asyncio.run(scenario())


def test_the_executors_headers_paths_and_methods() -> None:
    async def scenario() -> None:
        async with running(model=adds(1)) as nodes, graph(unit("model"), nodes) as client:
            preflight = await client.options(PREDICTIONS)
            wrong_method = await client.get(PREDICTIONS)
            wrong_path = await client.post(f"{BASE}/api/v2.0/predictions", json={})
            old_path = await client.post(f"{BASE}/api/v0.1/predictions", json=message(0))
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, "*")
        assert preflight.headers["x-content-type-options"] == "nosniff"
        assert (wrong_method.status_code, wrong_path.status_code, old_path.status_code) == (405, 404, 200)
        assert len(nodes["model"].asked) == 1

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "path", ["ready", "live", "api/v1.0/status", "api/v1.0/health/status", "api/v1.0/doc/", "api/v0.1/doc/"]
)
def test_the_executors_own_paths_answer(path: str) -> None:
    async def scenario() -> None:
        async with running(model=adds(1)) as nodes, graph(unit("model"), nodes) as client:
            answer = await client.get(f"{BASE}/{path}")
            wrong = await client.get(f"{BASE}/{path.rstrip('/')}x")
        assert (answer.status_code, wrong.status_code) == (200, 404)
        assert nodes["model"].asked == []

    asyncio.run(scenario())


def test_a_graph_with_a_node_that_does_not_listen_is_not_ready() -> None:
    async def scenario() -> None:
        async with running(a=adds(1)) as ended:
            pass
        async with running(model=adds(1)) as nodes, graph(unit("a", unit("model")), nodes | ended) as client:
            statuses = [(await client.get(f"{BASE}/{path}")).status_code for path in ("ready", "api/v1.0/status")]
            alive = await client.get(f"{BASE}/live")
        assert (statuses, alive.status_code) == ([503, 503], 200)

    asyncio.run(scenario())


def test_what_a_browser_sends_for_another_sites_page_reaches_no_model() -> None:
    async def scenario() -> None:
        async with running(model=adds(1)) as nodes, graph(unit("model"), nodes) as client:
            site = {"sec-fetch-site": "cross-site"}
            asked = await client.post(PREDICTIONS, json=message(0), headers=site)
            text_found = await client.post(FEEDBACK, json={"reward": 1}, headers=site)
            by_get = await client.get(f"{BASE}/send-feedback?json=%7B%7D", headers=site)
            linked = await client.get(f"{BASE}/live", headers=site)
            own = await client.post(PREDICTIONS, json=message(0), headers={"sec-fetch-site": "same-origin"})
        assert [one.status_code for one in (asked, text_found, by_get, linked, own)] == [403, 403, 403, 200, 200]
        assert len(nodes["model"].asked) == 1

    asyncio.run(scenario())


def test_status_and_metadata_of_a_node_and_of_the_graph() -> None:
    def says(name: str) -> Any:
        text_found = {"name": name, "inputs": [f"{name}-in"], "outputs": [f"{name}-out"]}
        return lambda path, body: text_found if path == "/metadata" else {"path": path}

    async def scenario() -> None:
        async with (
            running(t=says("t"), m=says("m")) as nodes,
            graph(unit("t", unit("m"), type_="TRANSFORMER"), nodes) as client,
        ):
            whole = (await client.get(f"{BASE}/api/v1.0/metadata")).json()
            one = (await client.get(f"{BASE}/api/v1.0/metadata/m")).json()
            status = (await client.get(f"{BASE}/api/v1.0/status/m")).json()
            unknown = await client.get(f"{BASE}/api/v1.0/status/nope")
        assert (whole["name"], set(whole["models"])) == ("main", {"t", "m"})
        assert (whole["graphinputs"], whole["graphoutputs"]) == (["t-in"], ["m-out"])
        assert one["name"] == "m"
        assert status == {"path": "/health/status"}
        assert unknown.status_code == 500
        assert unknown.json()["status"]["info"] == "Failed to find model nope"

    asyncio.run(scenario())


def test_the_open_inference_protocol_chains_outputs_to_inputs() -> None:
    def says(amount: int) -> Any:
        return lambda path, body: {"outputs": [{"data": [body["inputs"][0]["data"][0] + amount]}]}

    async def scenario() -> None:
        async with (
            running(t=says(1), m=says(10)) as nodes,
            graph(unit("t", unit("m"), type_="TRANSFORMER"), nodes, protocol="v2") as client,
        ):
            answer = await client.post(f"{BASE}/v2/models/t/infer", json={"inputs": [{"data": [0]}]})
        assert answer.json() == {"outputs": [{"data": [11]}]}
        assert nodes["m"].asked == [("/v2/models/m/infer", {"inputs": [{"data": [1]}]})]

    asyncio.run(scenario())


def test_every_request_is_counted_once_with_the_executors_labels() -> None:
    async def scenario() -> None:
        async with (
            running(odd=adds(1), model=adds(1)) as nodes,
            graph(unit("odd", unit("model"), type_="TRANSFORMER"), nodes) as client,
        ):
            await asyncio.gather(*(client.post(PREDICTIONS, json=message(0)) for _ in range(30)))
            await client.post(FEEDBACK, json={"request": message(0), "response": {}, "reward": 1})
            text = (await client.get(METRICS)).text
        samples = {
            line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line[0] != "#"
        }
        server, asked = (f"seldon_api_executor_{who}_requests_seconds" for who in ("server", "client"))
        common = 'deployment_name="flight-delay",method="post"'
        who = 'predictor_name="main",predictor_version="v3"'
        label = f'{{code="200",{common},{who},service="predictions"}}'
        assert samples[f"{server}_count{label}"] == 30
        assert samples[f"{server}_summary_count{label}"] == 30
        label = (
            f'{{code="200",{common},model_image="model",model_name="model",model_version="7",{who},service="/predict"}}'
        )
        assert samples[f"{asked}_count{label}"] == 30
        # A registry's port hides the version from the executor.
        label = (
            f'{{code="200",{common},model_image="registry",model_name="odd",model_version="",{who},'
            'service="/transform-input"}'
        )
        assert samples[f"{asked}_count{label}"] == 30
        bounds = set(re.findall(rf'{server}_bucket{{.*service="predictions".*}}', text))
        assert sorted({float(re.search(r'le="([^"]+)"', b)[1]) for b in bounds}) == [  # type: ignore[index]
            *families.BOUNDS["REQUEST"],
            float("inf"),
        ]
        assert "_created" not in text

    asyncio.run(scenario())
