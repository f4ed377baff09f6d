"""Clients that are not ours: seldon-core's own, in the wrapper's packages, and Triton's for the v2 protocol."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import numpy
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput  # type: ignore[import-untyped]
from tritonclient.utils import InferenceServerException  # type: ignore[import-untyped]

from tests.s2i.parity.probes import Both
from tests.s2i.parity.servers import Server, packages
from workshop.lab.images.run import python

SELDON_CLIENT = """
import json, sys
import numpy
from seldon_core.seldon_client import SeldonClient
from seldon_core.utils import json_to_seldon_message, seldon_message_to_json

endpoint = sys.argv[1]
rows = numpy.array([[1.0, 2.0], [3.0, 4.0]])
direct = SeldonClient(microservice_endpoint=endpoint, transport="rest", client_return_type="dict")
gateway = SeldonClient(
    gateway="seldon", gateway_endpoint=endpoint, transport="rest", payload_type="tensor", client_return_type="dict"
)
said = json_to_seldon_message({"data": {"ndarray": [[1.0, 2.0]]}})
answers = {
    "microservice": direct.microservice(data=rows, names=["a", "b"], method="predict", payload_type="ndarray"),
    "gateway": gateway.predict(data=rows, names=["a", "b"]),
    "jsonData": gateway.predict(json_data={"a": [1, None]}),
    "strData": gateway.predict(str_data="hello"),
    "binData": gateway.predict(bin_data=b"hello"),
    "feedback": gateway.feedback(
        prediction_request=said, prediction_response=said, reward=0.5
    ),
    "microservice feedback": direct.microservice_feedback(
        prediction_request=said, prediction_response=said, reward=0.5
    ),
}
as_json = lambda message: message if isinstance(message, dict) else seldon_message_to_json(message)
print(json.dumps({name: [one.success, as_json(one.response)] for name, one in answers.items()}))
"""


def seldon_client(server: Server) -> dict[str, Any]:
    """What the client says of each call: whether it went well, and the answer."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(packages("seldon-core"))}
    command = [python(), "-sS", "-W", "ignore", "-c", "import setuptools\n" + SELDON_CLIENT, f"127.0.0.1:{server.port}"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_seldons_client_gets_the_same_answers_from_both_servers(echo: Both) -> None:
    stock, own = seldon_client(echo.stock), seldon_client(echo.own)
    assert [name for name, (success, _) in own.items() if not success] == []
    assert own == stock
    assert own["microservice"][1]["data"] == {"names": ["t:0", "t:1"], "ndarray": [[1, 2], [3, 4]]}


@pytest.fixture
def triton(late: Both) -> InferenceServerClient:
    return InferenceServerClient(f"127.0.0.1:{late.own.port}")


def column(name: str, kind: str, values: list[Any]) -> InferInput:
    data = numpy.array(values, dtype=object if kind == "BYTES" else {"INT64": "int64", "FP64": "float64"}[kind])
    made = InferInput(name, list(data.shape), kind)
    # JSON; the binary form is an extension of the protocol.
    made.set_data_from_numpy(data, binary_data=False)
    return made


def test_tritons_client_reads_what_the_model_is(triton: InferenceServerClient) -> None:
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready("node")
    assert triton.get_server_metadata()["name"] == "modelserver"
    assert {"name": "hour", "datatype": "INT64", "shape": [-1]} in triton.get_model_metadata("node")["inputs"]


def test_tritons_client_gets_a_prediction(triton: InferenceServerClient) -> None:
    inputs = [
        column("carrier", "BYTES", ["UA", "DL"]),
        column("hour", "INT64", [12, 6]),
        column("distance", "FP64", [100.0, 200.0]),
    ]
    wanted = [InferRequestedOutput("predict", binary_data=False)]
    answer = triton.infer("node", inputs, outputs=wanted, request_id="q1")
    assert answer.get_response()["id"] == "q1"
    assert answer.as_numpy("predict").tolist() == [[0.5], [0.25]]


def test_tritons_client_reads_a_refusal(triton: InferenceServerClient) -> None:
    wanted = [InferRequestedOutput("predict", binary_data=False)]
    with pytest.raises(InferenceServerException, match=r"\[404\] there is no"):
        triton.infer("nobody", [column("hour", "INT64", [12])], outputs=wanted)
