"""What a model gets does not depend on its imports; what the own server does not call, it refuses at the start."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.s2i.parity.probes import Both, Probe, rows
from tests.s2i.parity.servers import packages, run_check

Start = Callable[..., Both]


def test_a_model_that_imports_nothing_gets_the_same_array_from_both(start: Start) -> None:
    both = start("Plain")
    for given in (rows([1, 2]), rows(["a", "b"]), {"data": {"tensor": {"shape": [1, 2], "values": [1, 2]}}}):
        stock, own = both.ask(Probe("", given))
        assert own.json["data"] == stock.json["data"]
        assert own.json["data"]["ndarray" if "ndarray" in own.json["data"] else "tensor"][0][0] == "ndarray"


def test_a_model_of_seldons_base_class_is_served_by_both(start: Start, tmp_path: Path) -> None:
    (tmp_path / "Derived.py").write_text(
        "from seldon_core.user_model import SeldonComponent\n"
        "class Derived(SeldonComponent):\n"
        "    def predict(self, X, names, meta=None): return X\n"
    )
    done = run_check("modelserver", "Derived", tmp_path, packages("seldon-core"))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "method", ["predict_raw", "predict_rest", "send_feedback_raw", "health_status_raw", "custom_service"]
)
def test_a_method_that_only_the_stock_wrapper_calls_is_refused(tmp_path: Path, method: str) -> None:
    (tmp_path / "Both.py").write_text(f"class Both:\n def predict(self, X): return X\n def {method}(self, *x): pass\n")
    done: subprocess.CompletedProcess[str] = run_check("modelserver", "Both", tmp_path)
    assert done.returncode == 1
    assert f"the class Both has the method {method}, which modelserver does not call" in done.stderr
    assert "set MODEL_SERVER=seldon-core in .s2i/environment" in done.stderr


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("route", "a router"),
        ("aggregate", "a combiner"),
        ("transform_input", "a transformer"),
        ("transform_output", "an output transformer"),
    ],
)
def test_a_node_that_is_no_model_is_refused_with_the_server_that_serves_it(
    tmp_path: Path, method: str, kind: str
) -> None:
    (tmp_path / "Node.py").write_text(f"class Node:\n def {method}(self, X, names): return X\n")
    done = run_check("modelserver", "Node", tmp_path)
    text = f"the class Node is {kind}, and modelserver serves models alone; set MODEL_SERVER=seldon-core"
    assert (done.returncode, text in done.stderr) == (1, True), done.stderr


def test_both_read_metadata_as_yaml(start: Start) -> None:
    both = start("Late", MODEL_METADATA="name: renamed\nversions: [v2]\nplatform: seldon\n")
    stock, own = both.ask(Probe("", None, "/metadata", "GET"))
    assert (
        (own.json["name"], own.json["versions"]) == (stock.json["name"], stock.json["versions"]) == ("renamed", ["v2"])
    )


def test_the_wrapper_does_not_start_with_a_token_that_it_would_not_ask_for(tmp_path: Path) -> None:
    (tmp_path / "Plain.py").write_text("class Plain:\n def predict(self, X, names): return X\n")
    done = run_check("seldon-core", "Plain", tmp_path, MODEL_SERVER_FEEDBACK_TOKEN="of-the-airline")
    assert done.returncode == 1
    assert "the wrapper takes feedback from everybody" in done.stderr
    assert "of-the-airline" not in done.stderr
