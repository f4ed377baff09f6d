"""Random graphs: the order is that of what stages read, and a run leaves what `dvc repro` leaves."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from fromdvc.graph import read_project
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tekton.fromdvc.projects import make
from tests.tekton.fromdvc.random_projects import random_project
from tests.tekton.fromdvc.running import Cluster, Pair
from workshop.manifests.objects import condition

pytestmark = pytest.mark.xdist_group("from-dvc")


@given(st.randoms(use_true_random=False))
@settings(max_examples=6, deadline=None, derandomize=True)
def test_a_stage_waits_for_what_it_reads_and_for_nothing_else(rng: random.Random) -> None:
    shape, needs = random_project(rng, 9)
    with tempfile.TemporaryDirectory() as folder:
        project = read_project(make(Path(folder), shape.files) / "dvc.yaml")
    assert {one.name: set(one.after) for one in project.stages} == needs


@pytest.mark.parametrize("seed", [2, 3])
def test_a_run_of_a_random_graph_leaves_what_dvc_repro_leaves(
    seed: int, tekton_controller: Cluster, tmp_path: Path
) -> None:
    shape, _ = random_project(random.Random(seed))
    pair = Pair(tekton_controller, tmp_path, shape)
    expected = pair.reproduce()
    run, ran = pair.run()
    assert condition(run)["status"] == "True", tekton_controller.logs(run)
    assert ran == expected
    assert pair.in_git() == pair.on_laptop()
