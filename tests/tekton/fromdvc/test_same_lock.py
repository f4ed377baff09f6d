"""A pipeline gives the dvc.lock of `dvc repro`, runs the stages that it runs, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tekton.fromdvc.projects import SHAPES
from tests.tekton.fromdvc.running import Cluster, Pair
from workshop.manifests.objects import condition

AGAIN = ("chain", "frozen")
"""Shapes that are changed and run a second time."""
pytestmark = pytest.mark.xdist_group("from-dvc")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_pipeline_leaves_what_dvc_repro_leaves(shape: str, tekton_controller: Cluster, tmp_path: Path) -> None:
    pair = Pair(tekton_controller, tmp_path, SHAPES[shape])
    for changed in (False, True)[: 1 + (shape in AGAIN)]:
        if changed:
            pair.change()
        expected = pair.reproduce()
        run, ran = pair.run()
        assert condition(run)["status"] == "True", tekton_controller.logs(run)
        assert ran == expected
        assert pair.in_git() == pair.on_laptop()
